"""Job definitions: what the base emulator forgets of them is kept, and what cannot run here is refused."""

from collections.abc import Callable, Mapping
from typing import Any

from blueprints.errors import BlueprintError
from blueprints.local.base.internals import Internal
from blueprints.packaging.spark import glue_version
from blueprints.packaging.spark.versions import DEFAULT

JOBS = Internal("services.glue", "_jobs")
CREATE = Internal("services.glue", "_create_job", ("data",))
UPDATE = Internal("services.glue", "_update_job", ("data",))
REFUSE = Internal("core.responses", "error_response_json")
TEMPLATE_FIELDS = Internal("services.cloudformation.provisioners", "_glue_job_fields", ("props",))

_FORGOTTEN = ("ExecutionProperty", "ExecutionClass", "NotificationProperty", "JobMode", "MaintenanceWindow", "LogUri")
"""Members that the base emulator drops."""
_DEFAULTS: dict[str, Any] = {
    "Description": "",
    "DefaultArguments": {},
    "NonOverridableArguments": {},
    "Connections": {},
    "MaxRetries": 0,
    "Timeout": 2_880,
    "GlueVersion": DEFAULT,
    "SecurityConfiguration": "",
}
_NUMBERS = ("MaxRetries", "Timeout", "NumberOfWorkers")
_MOST_MINUTES = 10_080
_MOST_RETRIES = 10
_DPUS = {"G.025X": 0.25, "G.1X": 1, "G.2X": 2, "G.4X": 4, "G.8X": 8, "G.12X": 12, "G.16X": 16}
_DPUS |= {"R.1X": 1, "R.2X": 2, "R.4X": 4, "R.8X": 8, "Standard": 1}
_WORKERS = {"WorkerType": "G.1X", "NumberOfWorkers": 10}
"""What a job has that states no capacity."""

_Answer = Callable[[dict[str, Any]], Any]


def install() -> None:
    """Check every definition before the base emulator keeps it."""
    create, update, fields = CREATE.current(), UPDATE.current(), TEMPLATE_FIELDS.current()

    def create_checked(data: dict[str, Any]) -> Any:
        fault = _fault(data)
        if fault:
            return REFUSE.current()("InvalidInputException", fault, 400)
        answer = create(_complete(data))
        if answer[0] == 200:
            _keep(str(data.get("Name")), data)
        return answer

    def update_checked(data: dict[str, Any]) -> Any:
        changed = data.get("JobUpdate") or {}
        fault = _fault(changed)
        if fault:
            return REFUSE.current()("InvalidInputException", fault, 400)
        answer = update({**data, "JobUpdate": _complete(changed)})
        if answer[0] == 200:
            _keep(str(data.get("JobName")), changed)
        return answer

    def every_field(props: Mapping[str, Any]) -> dict[str, Any]:
        return {**fields(props), **{name: props[name] for name in _FORGOTTEN if name in props}}

    CREATE.replace(create_checked)
    UPDATE.replace(update_checked)
    TEMPLATE_FIELDS.replace(every_field)


def max_concurrent_runs(job: Mapping[str, Any]) -> int:
    """How many runs of the job there may be at the same time."""
    return int((job.get("ExecutionProperty") or {}).get("MaxConcurrentRuns") or 1)


def capacity(job: Mapping[str, Any]) -> float:
    """The data processing units (DPUs) of a job or of a run."""
    if job.get("WorkerType") and job.get("NumberOfWorkers"):
        return float(_DPUS.get(str(job["WorkerType"]), 1) * int(job["NumberOfWorkers"]))
    return float(job.get("MaxCapacity") or 10)


def _complete(given: Mapping[str, Any]) -> dict[str, Any]:
    """A definition with its defaults; an update resets what it does not name."""
    fresh = {**_DEFAULTS, **{name: value for name, value in given.items() if value is not None}}
    fresh |= {name: int(fresh[name]) for name in _NUMBERS if name in fresh}
    if "MaxCapacity" in fresh:
        return {**fresh, "WorkerType": None, "NumberOfWorkers": None}
    return {**_WORKERS, **fresh, "MaxCapacity": None}


def _keep(name: str, data: Mapping[str, Any]) -> None:
    job = JOBS.current()[name]
    for each in _FORGOTTEN:
        job.pop(each, None)
        if data.get(each) is not None:
            job[each] = data[each]


def _fault(job: Mapping[str, Any]) -> str | None:
    command = job.get("Command") or {}
    if command.get("Name", "glueetl") != "glueetl":
        return None  # whether it can run is said when it is started
    if not str(command.get("ScriptLocation", "")).startswith("s3://"):
        return "Command.ScriptLocation must be the s3:// address of a script."
    if job.get("MaxCapacity") and (job.get("WorkerType") or job.get("NumberOfWorkers")):
        return "Please do not set Max Capacity if using Worker Type and Number of Workers."
    if not 0 <= int(job.get("MaxRetries") or 0) <= _MOST_RETRIES:
        return f"MaxRetries must be between 0 and {_MOST_RETRIES}."
    if not 1 <= int(job.get("Timeout") or 1) <= _MOST_MINUTES:
        return f"Timeout must be between 1 and {_MOST_MINUTES} minutes."
    try:
        glue_version(job.get("GlueVersion"))
    except BlueprintError as error:
        return f"{error.what} {error.advice}"
    return None
