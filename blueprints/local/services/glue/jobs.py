"""Job definitions: what the base emulator forgets of them is kept, and what cannot run here is refused."""

from collections.abc import Callable
from typing import Any

from blueprints.errors import BlueprintError
from blueprints.local.base.internals import Internal
from blueprints.packaging.spark import glue_version

JOBS = Internal("services.glue", "_jobs")
CREATE = Internal("services.glue", "_create_job", ("data",))
UPDATE = Internal("services.glue", "_update_job", ("data",))
REFUSE = Internal("core.responses", "error_response_json")

_FORGOTTEN = ("ExecutionProperty", "ExecutionClass", "NotificationProperty", "JobMode", "MaintenanceWindow", "LogUri")

_Answer = Callable[[dict[str, Any]], Any]


def install() -> None:
    """Check every definition before the base emulator keeps it."""
    create, update = CREATE.current(), UPDATE.current()

    def create_checked(data: dict[str, Any]) -> Any:
        fault = _fault(data)
        if fault:
            return REFUSE.current()("InvalidInputException", fault, 400)
        answer = create({**data, "GlueVersion": data.get("GlueVersion", "5.1")})
        _keep(str(data.get("Name")), data)
        return answer

    def update_checked(data: dict[str, Any]) -> Any:
        changed = data.get("JobUpdate") or {}
        fault = _fault({**JOBS.current().get(data.get("JobName"), {}), **changed})
        if fault:
            return REFUSE.current()("InvalidInputException", fault, 400)
        answer = update(data)
        _keep(str(data.get("JobName")), changed)
        return answer

    CREATE.replace(create_checked)
    UPDATE.replace(update_checked)


def max_concurrent_runs(job: dict[str, Any]) -> int:
    """How many runs of the job there may be at the same time."""
    return int((job.get("ExecutionProperty") or {}).get("MaxConcurrentRuns") or 1)


def _keep(name: str, data: dict[str, Any]) -> None:
    job = JOBS.current().get(name)
    if job is not None:
        job.update({each: data[each] for each in _FORGOTTEN if data.get(each) is not None})


def _fault(job: dict[str, Any]) -> str | None:
    command = job.get("Command") or {}
    if command.get("Name", "glueetl") != "glueetl":
        return None  # whether it can run is said when it is started
    if not str(command.get("ScriptLocation", "")).startswith("s3://"):
        return "Command.ScriptLocation must be the s3:// address of a script."
    if job.get("MaxCapacity") and (job.get("WorkerType") or job.get("NumberOfWorkers")):
        return "Please do not set Max Capacity if using Worker Type and Number of Workers."
    try:
        glue_version(job.get("GlueVersion"))
    except BlueprintError as error:
        return f"{error.what} {error.advice}"
    return None
