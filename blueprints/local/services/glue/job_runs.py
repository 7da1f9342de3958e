"""Runs of jobs: started, stopped and described as Glue does, and run as processes of this machine.

Time-outs pass in real time, because Spark works in real time.
"""

import contextlib
import logging
import shutil
import threading
import time
import uuid
from collections.abc import Mapping
from contextvars import copy_context
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from blueprints.errors import BlueprintError
from blueprints.local.base.clients import Caller
from blueprints.local.base.internals import Internal
from blueprints.local.base.log_stream import LogStream
from blueprints.local.services.eventbridge import announce
from blueprints.local.services.glue import arguments, jobs
from blueprints.local.services.glue.spark_process import Ended, SparkProcess
from blueprints.local.services.iam import RoleNotAssumed, assume_role
from blueprints.packaging.installer import run as run_uv
from blueprints.packaging.spark import SparkEnvironment, glue_version, spark_environment
from blueprints.packaging.spark.settings import as_properties, base_settings, process_environment

RUNS = Internal("services.glue", "_job_runs")
START = Internal("services.glue", "_start_job_run", ("data",))
STOP = Internal("services.glue", "_batch_stop_job_run", ("data",))
ANSWER = Internal("core.responses", "json_response")
REFUSE = Internal("core.responses", "error_response_json")
ARN = Internal("services.glue", "_arn", ("resource_type", "name"))
LIST = Internal("services.glue", "_get_job_runs", ("data",))

SERVICE = "glue.amazonaws.com"
_OUTPUT_GROUP, _ERROR_GROUP = "/aws-glue/jobs/output", "/aws-glue/jobs/error"
_SCRIPT_MODULES = Path(__file__).with_name("script_modules")
_ACTIVE = ("STARTING", "RUNNING", "STOPPING")
_MINUTES = 2_880
_ARCHIVES = (".zip", ".whl", ".egg")
_MOST_LISTED = 200
_MOST_REMEMBERED = 1_000

log = logging.getLogger(__name__)

Run = dict[str, Any]


class NotRun(Exception):
    """A run ends before its script starts; the message is the run's ErrorMessage."""


class JobRuns:
    """All runs, each in a folder of its own below `folder`."""

    def __init__(self, folder: Path, endpoint: str) -> None:
        self._folder = folder
        self._endpoint = endpoint
        self._processes: dict[str, SparkProcess] = {}
        self._changing = threading.Lock()
        self._base_start = START.current()

    def install(self) -> None:
        """Replace the base emulator's runs."""
        START.replace(self.start)
        STOP.replace(self.stop)
        LIST.replace(self.listed)

    def end_all(self) -> None:
        """End every run with its processes."""
        with self._changing:
            processes, self._processes = list(self._processes.values()), {}
        for each in processes:
            each.stop()

    def start(self, data: dict[str, Any]) -> Any:
        """StartJobRun."""
        job = jobs.JOBS.current().get(data.get("JobName"))
        if job is None:
            return REFUSE.current()("EntityNotFoundException", "Failed to start job run due to missing metadata", 400)
        kind = (job.get("Command") or {}).get("Name", "glueetl")
        if kind == "pythonshell":
            return self._base_start(data)
        if kind != "glueetl":
            return REFUSE.current()(
                "InvalidInputException", f"Jobs of the type {kind} do not run in the embedded AWS.", 400
            )
        try:
            merged = arguments.merged(job, data.get("Arguments") or {})
            settings = arguments.spark_settings(merged)
        except arguments.ArgumentRefused as error:
            return REFUSE.current()("InvalidInputException", str(error), 400)
        with self._changing:
            runs = RUNS.current().setdefault(job["Name"], [])
            if sum(each["JobRunState"] in _ACTIVE for each in runs) >= jobs.max_concurrent_runs(job):
                return REFUSE.current()(
                    "ConcurrentRunsExceededException", f"Concurrent runs exceeded for {job['Name']}", 400
                )
            run = _new_run(job, data, merged)
            self._add(runs, run)
        work = _Work(self, job, run, settings, str(ARN.current()("job", job["Name"])))
        threading.Thread(target=copy_context().run, args=(work.run_to_the_end,), daemon=True).start()
        return ANSWER.current()({"JobRunId": run["Id"]})

    @staticmethod
    def listed(data: dict[str, Any]) -> Any:
        """GetJobRuns: the newest first, in pages."""
        name = data.get("JobName")
        if name not in jobs.JOBS.current():
            return REFUSE.current()("EntityNotFoundException", f"Job {name} not found.", 400)
        most = int(data.get("MaxResults") or _MOST_LISTED)
        if not 1 <= most <= _MOST_LISTED:
            return REFUSE.current()("InvalidInputException", f"MaxResults must be from 1 to {_MOST_LISTED}.", 400)
        every = [*reversed(RUNS.current().get(name, []))]
        places = {each["Id"]: place for place, each in enumerate(every)}
        token = data.get("NextToken")
        if token and token not in places:
            return REFUSE.current()("InvalidInputException", "NextToken is not valid.", 400)
        start = places[token] if token else 0
        rest = every[start + most :]
        page = {"JobRuns": every[start : start + most]}
        return ANSWER.current()({**page, "NextToken": rest[0]["Id"]} if rest else page)

    def stop(self, data: dict[str, Any]) -> Any:
        """BatchStopJobRun."""
        name, stopped, errors = data.get("JobName"), [], []
        known = {each["Id"]: each for each in RUNS.current().get(name, [])}
        for run_id in data.get("JobRunIds") or []:
            fault = self._stop(known.get(run_id), run_id)
            if fault is None:
                stopped.append({"JobName": name, "JobRunId": run_id})
            else:
                code, message = fault
                detail = {"ErrorCode": code, "ErrorMessage": message}
                errors.append({"JobName": name, "JobRunId": run_id, "ErrorDetail": detail})
        return ANSWER.current()({"SuccessfulSubmissions": stopped, "Errors": errors})

    def _stop(self, run: Run | None, run_id: str) -> tuple[str, str] | None:
        if run is None:
            return "EntityNotFoundException", f"Job run {run_id} not found"
        with self._changing:
            process = self._processes.get(run_id)
            if run["JobRunState"] not in _ACTIVE or process is None:
                return "JobRunInTerminalStateException", f"Job run {run_id} is in the state {run['JobRunState']}"
            run["JobRunState"] = "STOPPING"
        process.stop()
        return None

    def _add(self, runs: list[Run], run: Run) -> None:
        runs.append(run)
        del runs[:-_MOST_REMEMBERED]
        self._processes[run["Id"]] = SparkProcess()

    def ended(self, job: Mapping[str, Any], run: Run, state: str, message: str) -> tuple[bool, Run | None]:
        """Record how a run ended, and add its next attempt if it has one.

        Returns whether the account still has the run, and the next attempt.
        """
        with self._changing:
            process = self._processes.pop(run["Id"], None)
            if process is not None and process.is_stopped:
                state, message = "STOPPED", ""
            _finish(run, state, message, process.began if process else None)
            if process is None or state != "FAILED" or run["Attempt"] >= int(job.get("MaxRetries") or 0):
                return process is not None, None
            following = _next_attempt(run)
            self._add(RUNS.current().setdefault(job["Name"], []), following)
            return True, following

    def begin(self, run: Run) -> SparkProcess:
        """The process of a run that is now RUNNING. Raises NotRun if it was stopped, or the account emptied."""
        with self._changing:
            process = self._processes.get(run["Id"])
            if process is None or process.is_stopped:
                raise NotRun("The run was stopped before its script started.")
            run["JobRunState"] = "RUNNING"
            process.began = time.time()
            return process

    @property
    def endpoint(self) -> str:
        """The URL of the embedded AWS."""
        return self._endpoint

    def folder_of(self, run: Run) -> Path:
        """The folder of a run."""
        return self._folder / str(run["Id"])


class _Work:
    """What one run does, on a thread of its own."""

    def __init__(self, runs: JobRuns, job: Mapping[str, Any], run: Run, settings: dict[str, str], arn: str) -> None:
        self._runs, self._job, self._run, self._settings, self._arn = runs, job, run, settings, arn

    def run_to_the_end(self) -> None:
        """Run the script, again after a failure as often as the job allows; announce every end to EventBridge."""
        following: Run | None = self._run
        while following is not None:
            self._run = following
            state, message = self._run_once()
            is_kept, following = self._runs.ended(self._job, self._run, state, message)
            if is_kept:
                self._announce()

    def _run_once(self) -> tuple[str, str]:
        """How one attempt ended: its state and message."""
        folder = self._runs.folder_of(self._run)
        try:
            return outcome_of(self._run_script(folder), self._run)
        except (NotRun, RoleNotAssumed, BlueprintError, arguments.ArgumentRefused) as error:
            return "FAILED", str(error)
        except Exception as fault:
            log.exception("the job run %s stopped on a fault of the embedded AWS", self._run["Id"])
            return "FAILED", f"A fault of the embedded AWS: {fault!r}"
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _run_script(self, folder: Path) -> Ended:
        run, job = self._run, self._job
        for each in ("tmp", "work"):
            (folder / each).mkdir(parents=True)
        _, _, _, region, account, *_ = self._arn.split(":")
        role = str(job.get("Role"))
        role_arn = role if role.startswith("arn:") else f"arn:aws:iam::{account}:role/{role}"
        session = assume_role(role_arn, SERVICE, "GlueJobRunnerSession", region, self._runs.endpoint)
        environment = spark_environment(glue_version(job.get("GlueVersion")), log.info)
        script = _download(session, str(job["Command"]["ScriptLocation"]), folder / "script")
        packages = self._packages(environment, session, folder)
        variables = self._variables(environment, session, packages, folder)
        process = self._runs.begin(run)
        command = [str(environment.interpreter.path), str(script)]
        command += arguments.for_script(run["Arguments"], job["Name"], run["Id"])
        logs = session.client("logs")
        output, error = _log(logs, _OUTPUT_GROUP, run["Id"]), _log(logs, _ERROR_GROUP, run["Id"])
        try:
            return process.run(command, variables, folder / "work", run["Timeout"] * 60.0, output.line, error.line)
        finally:
            output.close()
            error.close()

    def _packages(self, environment: SparkEnvironment, session: Caller, folder: Path) -> list[Path]:
        """What the script can import beside Spark, in the order in which it is looked for."""
        given = self._run["Arguments"]
        for each in arguments.comma_separated(given, "--extra-files"):
            _download(session, each, folder / "work")
        places = []
        for number, each in enumerate(arguments.comma_separated(given, "--extra-py-files")):
            file = _download(session, each, folder / "python" / str(number))
            places.append(file if file.suffix in _ARCHIVES else file.parent)
        modules = arguments.comma_separated(given, "--additional-python-modules")
        if modules:
            places.append(folder / "modules")
            wanted = [
                str(_download(session, each, folder / "wheels")) if each.startswith("s3://") else each
                for each in modules
            ]
            options = ["--python", str(environment.interpreter.path), "--target", str(places[-1])]
            run_uv(["pip", "install", "--no-progress", *options, *wanted], subject="--additional-python-modules")
        return [*places, _SCRIPT_MODULES]

    def _variables(
        self, environment: SparkEnvironment, session: Caller, packages: list[Path], folder: Path
    ) -> dict[str, str]:
        endpoint = self._runs.endpoint
        shared = [f"-XX:SharedArchiveFile={environment.class_data}"] if environment.class_data.exists() else []
        settings = {
            **base_settings(environment.jars, [*shared, "-Xshare:auto"], folder / "tmp"),
            "spark.hadoop.fs.s3.impl": "org.apache.hadoop.fs.s3a.S3AFileSystem",
            "spark.hadoop.fs.s3a.endpoint": endpoint,
            "spark.hadoop.fs.s3a.endpoint.region": session.region,
            "spark.hadoop.fs.s3a.path.style.access": "true",
            "spark.hadoop.fs.s3a.aws.credentials.provider": environment.version.credentials_provider,
            "spark.hadoop.fs.s3a.buffer.dir": str(folder / "tmp"),
            **self._settings,
        }
        properties = folder / "spark.conf"
        properties.write_text(as_properties(settings), encoding="utf-8")
        variables = process_environment(
            environment.java, environment.interpreter, environment.packages, properties, folder / "tmp"
        )
        variables["PYTHONPATH"] = ":".join([variables["PYTHONPATH"], *map(str, packages)])
        return {
            **variables,
            **session.environment,
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_REGION": session.region,
            "AWS_DEFAULT_REGION": session.region,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def _announce(self) -> None:
        state, message = self._run["JobRunState"], self._run.get("ErrorMessage", "")
        severity = "INFO" if state in ("SUCCEEDED", "STOPPED") else "ERROR"
        detail = {
            "jobName": self._job["Name"],
            "severity": severity,
            "state": state,
            "jobRunId": self._run["Id"],
            "message": message or "Job run succeeded",
        }
        announce("aws.glue", "Glue Job State Change", detail, self._arn)


def _new_run(job: Mapping[str, Any], data: Mapping[str, Any], merged: dict[str, str]) -> Run:
    now = time.time()
    sized = data if data.get("MaxCapacity") or data.get("WorkerType") else {**job, **data}
    capacity = jobs.capacity(sized)
    return {
        "Id": f"jr_{uuid.uuid4().hex}{uuid.uuid4().hex}",
        "Attempt": 0,
        "JobName": job["Name"],
        "StartedOn": now,
        "LastModifiedOn": now,
        "JobRunState": "STARTING",
        "Arguments": merged,
        "PredecessorRuns": [],
        "AllocatedCapacity": int(capacity),
        "ExecutionTime": 0,
        "Timeout": int(data.get("Timeout") or job.get("Timeout") or _MINUTES),
        "MaxCapacity": capacity,
        "WorkerType": sized.get("WorkerType"),
        "NumberOfWorkers": sized.get("NumberOfWorkers"),
        "LogGroupName": "/aws-glue/jobs",
        "GlueVersion": glue_version(job.get("GlueVersion")).name,
        "ExecutionClass": data.get("ExecutionClass") or job.get("ExecutionClass") or "STANDARD",
    }


def outcome_of(ended: Ended, run: Mapping[str, Any]) -> tuple[str, str]:
    """The state and the message of a run whose process has ended."""
    if ended.stopped:
        return "STOPPED", ""
    if ended.timed_out:
        return "TIMEOUT", f"Job timed out after {run['Timeout']} minutes."
    return ("SUCCEEDED", "") if ended.status == 0 else ("FAILED", ended.error)


def _next_attempt(run: Run) -> Run:
    now, attempt = time.time(), run["Attempt"] + 1
    first = run["Id"].partition("_attempt_")[0]
    kept = {name: value for name, value in run.items() if name not in ("CompletedOn", "DPUSeconds", "ErrorMessage")}
    return {
        **kept,
        "Id": f"{first}_attempt_{attempt}",
        "Attempt": attempt,
        "PreviousRunId": run["Id"],
        "StartedOn": now,
        "LastModifiedOn": now,
        "JobRunState": "STARTING",
        "ExecutionTime": 0,
    }


def _finish(run: Run, state: str, message: str, began: float | None) -> None:
    now = time.time()
    seconds = round(now - began) if began else 0
    run |= {"JobRunState": state, "CompletedOn": now, "LastModifiedOn": now, "ExecutionTime": seconds}
    if message:
        run["ErrorMessage"] = message
    grows = str(run["Arguments"].get("--enable-auto-scaling", "")).lower() == "true"
    if grows or run["ExecutionClass"] == "FLEX":
        run["DPUSeconds"] = seconds * run["MaxCapacity"]


def _log(client: Any, group: str, run_id: str) -> LogStream:
    """A log of a run. A role that may not write it loses the log; the run goes on, as on AWS."""
    written = LogStream(client, group, run_id)
    with contextlib.suppress(ClientError, BotoCoreError):
        written.create()
    return written


def _download(session: Caller, location: str, folder: Path) -> Path:
    """Fetch an object that the run needs with the role's permissions. Raises NotRun."""
    bucket, _, key = location.removeprefix("s3://").partition("/")
    name = key.rpartition("/")[2]
    if not location.startswith("s3://") or not name:
        raise NotRun(f"LAUNCH ERROR | {location} is not the s3:// address of a file.")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    try:
        session.client("s3").download_file(bucket, key, str(path))
    except ClientError as error:
        reason = error.response["Error"].get("Message", str(error))
        raise NotRun(f"LAUNCH ERROR | {location} cannot be read: {reason}") from error
    return path
