"""Runs of jobs: started, stopped and described as Glue does, and run as processes of this machine.

Time-outs pass in real time, because Spark works in real time.
"""

import logging
import shutil
import threading
import time
import uuid
from collections.abc import Mapping
from contextvars import copy_context
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from blueprints.errors import BlueprintError
from blueprints.local.base.clients import Caller
from blueprints.local.base.internals import Internal
from blueprints.local.services.eventbridge import announce
from blueprints.local.services.glue import arguments, jobs
from blueprints.local.services.glue.job_logs import ERROR_GROUP, OUTPUT_GROUP, JobLog
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

SERVICE = "glue.amazonaws.com"
_SCRIPT_MODULES = Path(__file__).with_name("script_modules")
_ACTIVE = ("STARTING", "RUNNING", "STOPPING")
_MINUTES = 2_880

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
        self._spark_start = START.current()

    def install(self) -> None:
        """Replace the base emulator's runs."""
        START.replace(self.start)
        STOP.replace(self.stop)

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
            return self._spark_start(data)
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
            runs.append(run)
            self._processes[run["Id"]] = SparkProcess()
        work = _Work(self, job, run, settings, str(ARN.current()("job", job["Name"])))
        threading.Thread(target=copy_context().run, args=(work.run_to_the_end,), daemon=True).start()
        return ANSWER.current()({"JobRunId": run["Id"]})

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
                return "JobRunNotInTerminalStateException", f"Job run {run_id} is in the state {run['JobRunState']}"
            run["JobRunState"] = "STOPPING"
        process.stop()
        return None

    def process_of(self, run: Run) -> SparkProcess | None:
        """The process of a run; None after the account was emptied."""
        with self._changing:
            return self._processes.get(run["Id"])

    def forget(self, run: Run) -> bool:
        """Drop the process of a run that has ended; False if the account was emptied meanwhile."""
        with self._changing:
            return self._processes.pop(run["Id"], None) is not None

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
        """Run the script and record how it ended; announce it to EventBridge."""
        run = self._run
        folder = self._runs.folder_of(run)
        try:
            ended = self._run_script(folder)
        except (NotRun, RoleNotAssumed, BlueprintError, arguments.ArgumentRefused) as error:
            state, message = "FAILED", str(error)
        except Exception as fault:
            log.exception("the job run %s stopped on a fault of the embedded AWS", run["Id"])
            state, message = "FAILED", f"A fault of the embedded AWS: {fault!r}"
        else:
            state, message = _outcome(ended, run)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        _finish(run, state, message)
        if self._runs.forget(run):
            self._announce(state, message)

    def _run_script(self, folder: Path) -> Ended:
        run, job = self._run, self._job
        (folder / "tmp").mkdir(parents=True)
        _, _, _, region, account, *_ = self._arn.split(":")
        role = str(job.get("Role"))
        role_arn = role if role.startswith("arn:") else f"arn:aws:iam::{account}:role/{role}"
        session = assume_role(role_arn, SERVICE, "GlueJobRunnerSession", region, self._runs.endpoint)
        environment = spark_environment(glue_version(job.get("GlueVersion")))
        script = _download(session, str(job["Command"]["ScriptLocation"]), folder)
        packages = self._packages(environment, session, folder)
        variables = self._variables(environment, session, packages, folder)
        process = self._runs.process_of(run)
        if process is None:
            raise NotRun("The account was emptied.")
        run["JobRunState"] = "RUNNING" if run["JobRunState"] == "STARTING" else run["JobRunState"]
        command = [str(environment.interpreter.path), str(script)]
        command += arguments.for_script(run["Arguments"], job["Name"], run["Id"])
        logs = session.client("logs")
        output, error = JobLog(logs, OUTPUT_GROUP, run["Id"]), JobLog(logs, ERROR_GROUP, run["Id"])
        try:
            return process.run(command, variables, folder, run["Timeout"] * 60.0, output.line, error.line)
        finally:
            output.close()
            error.close()

    def _packages(self, environment: SparkEnvironment, session: Caller, folder: Path) -> list[Path]:
        """What the script can import beside Spark, in the order in which it is looked for."""
        given = self._run["Arguments"]
        files = [_download(session, each, folder) for each in arguments.comma_separated(given, "--extra-py-files")]
        for each in arguments.comma_separated(given, "--extra-files"):
            _download(session, each, folder)
        modules = arguments.comma_separated(given, "--additional-python-modules")
        if modules:
            place = folder / "modules"
            options = ["--python", str(environment.interpreter.path), "--target", str(place)]
            run_uv(["pip", "install", "--no-progress", *options, *modules], subject="--additional-python-modules")
            files.append(place)
        return [*files, _SCRIPT_MODULES]

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

    def _announce(self, state: str, message: str) -> None:
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
    workers = data.get("NumberOfWorkers") or job.get("NumberOfWorkers")
    capacity = data.get("MaxCapacity") or job.get("MaxCapacity") or float(workers or 2)
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
        "WorkerType": data.get("WorkerType") or job.get("WorkerType"),
        "NumberOfWorkers": workers,
        "LogGroupName": "/aws-glue/jobs",
        "GlueVersion": glue_version(job.get("GlueVersion")).name,
        "ExecutionClass": data.get("ExecutionClass") or job.get("ExecutionClass") or "STANDARD",
    }


def _outcome(ended: Ended, run: Run) -> tuple[str, str]:
    if ended.stopped:
        return "STOPPED", ""
    if ended.timed_out:
        return "TIMEOUT", f"Job timed out after {run['Timeout']} minutes."
    return ("SUCCEEDED", "") if ended.status == 0 else ("FAILED", ended.error)


def _finish(run: Run, state: str, message: str) -> None:
    now = time.time()
    run |= {
        "JobRunState": state,
        "ErrorMessage": message,
        "CompletedOn": now,
        "LastModifiedOn": now,
        "ExecutionTime": round(now - run["StartedOn"]),
    }
    if not message:
        del run["ErrorMessage"]


def _download(session: Caller, location: str, folder: Path) -> Path:
    """Fetch an object that the run needs with the role's permissions. Raises NotRun."""
    bucket, _, key = location.removeprefix("s3://").partition("/")
    path = folder / key.rpartition("/")[2]
    try:
        session.client("s3").download_file(bucket, key, str(path))
    except ClientError as error:
        reason = error.response["Error"].get("Message", str(error))
        raise NotRun(f"LAUNCH ERROR | {location} cannot be read: {reason}") from error
    return path
