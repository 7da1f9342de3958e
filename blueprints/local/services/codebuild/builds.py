"""Runs builds, in place of the base emulator's, which are SUCCEEDED as soon as they are started.

A build runs its buildspec's commands on this machine, in a folder and a home of its own, with the credentials of its
project's role, and ends with the status that CodeBuild would give it. The image is this machine, with the tools on its
PATH: compute type, image, privileged mode, caches and `runtime-versions` change nothing. Other settings that are not
emulated are refused, when the project is created or when the build starts.
"""

import copy
import logging
import os
import shutil
import sys
import threading
import time
import uuid
from contextvars import copy_context
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from blueprints.local.base.clients import Caller
from blueprints.local.base.internals import Internal
from blueprints.local.base.log_stream import LogStream
from blueprints.local.base.metrics import record
from blueprints.local.services.codebuild import buildspec, projects
from blueprints.local.services.codebuild.build_shell import BuildEvents, BuildShell, Ran
from blueprints.local.services.codebuild.build_source import SourceFailed, fetch
from blueprints.local.services.eventbridge import announce
from blueprints.local.services.iam import RoleNotAssumed, assume_role

BUILDS = Internal("services.codebuild", "_builds")
RECORD = Internal("services.codebuild", "_make_build_record", ("project", "build_id", "source_version"))
START = Internal("services.codebuild", "_start_build", ("data",))
STOP = Internal("services.codebuild", "_stop_build", ("data",))
ANSWER = Internal("core.responses", "json_response")
REFUSE = Internal("core.responses", "error_response_json")

SERVICE = "codebuild.amazonaws.com"

log = logging.getLogger(__name__)

Record = dict[str, Any]


class _LogRefused(Exception):
    """The project's role may not write the log; CodeBuild fails such a build."""


class Builds:
    """All running builds, each in a folder of its own below `folder`."""

    def __init__(self, folder: Path, endpoint: str) -> None:
        self._folder = folder
        self._endpoint = endpoint
        self._shells: dict[str, BuildShell] = {}
        self._running: set[str] = set()
        self._stopped_early: set[str] = set()
        """Builds that were stopped before their first command."""
        self._void: set[str] = set()
        """Builds of an account that was emptied; nothing is announced of them."""
        self._changing = threading.Lock()

    def install(self) -> None:
        """Replace the base emulator's builds."""
        START.replace(self.start)
        STOP.replace(self.stop)
        projects.install()

    def close(self) -> None:
        """End every build, also before its first command."""
        with self._changing:
            self._void |= self._running
            self._stopped_early |= self._running - self._shells.keys()
            shells = list(self._shells.values())
        for shell in shells:
            shell.stop()

    def start(self, data: dict[str, Any]) -> Any:
        """StartBuild."""
        try:
            wanted = projects.wanted(data)
        except projects.NotStarted as error:
            return REFUSE.current()(error.code, str(error), 400)
        build = self._recorded(wanted, data)
        threading.Thread(target=copy_context().run, args=(self._run, build, wanted), daemon=True).start()
        return ANSWER.current()({"build": copy.deepcopy(build)})

    def stop(self, data: dict[str, Any]) -> Any:
        """StopBuild."""
        build = BUILDS.current().get(data.get("id", ""))
        if build is None:
            return REFUSE.current()("ResourceNotFoundException", f"Build {data.get('id')} does not exist", 400)
        with self._changing:
            shell = self._shells.get(build["id"])
            if shell is None and not build["buildComplete"]:
                self._stopped_early.add(build["id"])
        if shell is not None:
            shell.stop()
        return ANSWER.current()({"build": copy.deepcopy(build)})

    def _recorded(self, project: Record, data: dict[str, Any]) -> Record:
        build_id = f"{project['name']}:{uuid.uuid4()}"
        build: Record = RECORD.current()(project, build_id, data.get("sourceVersion"))
        now = time.time()
        del build["endTime"]
        group, stream = projects.log_stream(project, build_id)
        build |= {
            "startTime": now,
            "buildStatus": "IN_PROGRESS",
            "buildComplete": False,
            "currentPhase": "SUBMITTED",
            "phases": [],
            "serviceRole": project["serviceRole"],
            "timeoutInMinutes": project["timeoutInMinutes"],
            "logs": {"groupName": group, "streamName": stream, "cloudWatchLogs": {"status": "ENABLED"}},
        }
        _begin(build, "SUBMITTED")
        _end(build, "SUCCEEDED")
        with self._changing:
            self._running.add(build_id)
        BUILDS.current()[build_id] = build
        return build

    def _run(self, build: Record, project: Record) -> None:
        self._tell(build)
        folder = self._folder / uuid.uuid4().hex
        try:
            status = self._run_in(folder, build, project)
        except Exception:
            log.exception("build %s did not run to its end", build["id"])
            status = "FAULT"
        finally:
            with self._changing:
                self._shells.pop(build["id"], None)
                self._stopped_early.discard(build["id"])
            shutil.rmtree(folder, ignore_errors=True)
        _finish(build, status)
        self._tell(build)
        with self._changing:
            self._running.discard(build["id"])
            self._void.discard(build["id"])

    def _run_in(self, folder: Path, build: Record, project: Record) -> str:
        """Run a build from its role to its last command; returns its status."""
        for name in ("src", "home", "tmp"):
            (folder / name).mkdir(parents=True)
        region = str(build["arn"]).split(":")[3]
        _begin(build, "PROVISIONING")
        try:
            session_name = f"AWSCodeBuild-{build['id'].rpartition(':')[2]}"
            session = assume_role(project["serviceRole"], SERVICE, session_name, region, self._endpoint)
            written = _log(build, session)
        except (RoleNotAssumed, _LogRefused) as error:
            return _failed(build, "ACCESS_DENIED", str(error))
        try:
            return self._run_logged(folder, build, project, session, written)
        finally:
            written.close()

    def _run_logged(self, folder: Path, build: Record, project: Record, session: Caller, written: LogStream) -> str:
        _end(build, "SUCCEEDED")
        _begin(build, "DOWNLOAD_SOURCE")
        try:
            build["resolvedSourceVersion"] = fetch(project["source"], session, folder / "src")
            spec = buildspec.read(projects.buildspec_of(project, folder / "src"))
            variables = projects.variables(project)
        except (SourceFailed, buildspec.BuildspecRefused) as error:
            code = "YAML_FILE_ERROR" if isinstance(error, buildspec.BuildspecRefused) else "CLIENT_ERROR"
            written.line(f"[Container] Phase context status code: {code} Message: {error}")
            return _failed(build, code, str(error))
        _end(build, "SUCCEEDED")
        environment = {
            **_image(folder),
            **_about(build, folder, self._endpoint),
            **session.environment,
            **spec.variables,
            **variables,
        }
        shell = BuildShell(spec, folder / "src", environment)
        with self._changing:
            self._shells[build["id"]] = shell
            stopped = build["id"] in self._stopped_early
        if stopped:
            shell.stop()
        ran = shell.run(_progress(build, written), float(build["timeoutInMinutes"]) * 60)
        build["exportedEnvironmentVariables"] = [{"name": name, "value": value} for name, value in ran.exported.items()]
        return _status(build, ran)

    def _tell(self, build: Record) -> None:
        """Announce the build's state to EventBridge."""
        with self._changing:
            if build["id"] in self._void:
                return
        detail = {
            "build-status": build["buildStatus"],
            "project-name": build["projectName"],
            "build-id": build["arn"],
            "current-phase": build["currentPhase"],
            "current-phase-context": "[]",
            "version": "1",
        }
        announce("aws.codebuild", "CodeBuild Build State Change", detail, build["arn"])
        if build["buildComplete"]:
            _record_metrics(build)


def _record_metrics(build: Record) -> None:
    """Record the metrics of a build that has ended. Source: AWS CodeBuild User Guide, "CodeBuild metrics"."""
    dimensions = {"ProjectName": build["projectName"]}
    outcome = "SucceededBuilds" if build["buildStatus"] == "SUCCEEDED" else "FailedBuilds"
    values = (
        ("Builds", 1.0, "Count"),
        (outcome, 1.0, "Count"),
        ("Duration", float(build["endTime"] - build["startTime"]), "Seconds"),
    )
    record("AWS/CodeBuild", [dimensions], values)


def _log(build: Record, session: Caller) -> LogStream:
    """The build's log stream. Raises _LogRefused if the project's role may not create it."""
    stream = build["logs"]["streamName"]
    written = LogStream(session.client("logs"), build["logs"]["groupName"], stream)
    try:
        written.create()
    except ClientError as error:
        raise _LogRefused(
            f"Service role does not allow AWS CodeBuild to create Amazon CloudWatch Logs log streams for {stream}: "
            f"{error.response['Error'].get('Message') or error}"
        ) from error
    return written


def _image(folder: Path) -> dict[str, str]:
    """The environment of the build image: the tools, an empty home, and nothing of the user's own environment."""
    certificates = {name: os.environ[name] for name in os.environ if name.endswith(("_CA_BUNDLE", "SSL_CERT_FILE"))}
    return {
        **certificates,
        "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
        "HOME": str(folder / "home"),
        "TMPDIR": str(folder / "tmp"),
        "LANG": "C.UTF-8",
        "TZ": ":UTC",
        "CI": "true",
    }


def _about(build: Record, folder: Path, endpoint: str) -> dict[str, str]:
    region = str(build["arn"]).split(":")[3]
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "NO_PROXY": "127.0.0.1",
        "CODEBUILD_BUILD_ID": build["id"],
        "CODEBUILD_BUILD_ARN": build["arn"],
        "CODEBUILD_BUILD_NUMBER": str(build["buildNumber"]),
        "CODEBUILD_BUILD_IMAGE": str(build["environment"].get("image", "")),
        "CODEBUILD_INITIATOR": str(build.get("initiator", "")),
        "CODEBUILD_SRC_DIR": str(folder / "src"),
        "CODEBUILD_RESOLVED_SOURCE_VERSION": str(build.get("resolvedSourceVersion", "")),
        "CODEBUILD_SOURCE_VERSION": str(build.get("sourceVersion", "")),
        "CODEBUILD_START_TIME": str(int(build["startTime"] * 1000)),
    }


def _progress(build: Record, written: LogStream) -> BuildEvents:
    def begun(phase: str) -> None:
        _begin(build, phase)

    def ended(phase: str, status: int, command: str) -> None:  # noqa: ARG001 - it is the open one
        if status:
            message = f"Error while executing command: {command}. Reason: exit status {status}"
            _failed(build, "COMMAND_EXECUTION_ERROR", message)
        else:
            _end(build, "SUCCEEDED")

    return BuildEvents(written.line, begun, ended)


def _status(build: Record, ran: Ran) -> str:
    open_phase = "endTime" not in build["phases"][-1]
    if ran.stopped or ran.timed_out:
        status = "STOPPED" if ran.stopped else "TIMED_OUT"
        if open_phase:
            _end(build, status)
        return status
    if not ran.finished:
        if open_phase:
            _failed(build, "COMMAND_EXECUTION_ERROR", "a command ended the shell that runs the build")
        return "FAILED"
    return "FAILED" if any(phase.get("phaseStatus") == "FAILED" for phase in build["phases"]) else "SUCCEEDED"


def _begin(build: Record, phase: str) -> None:
    build["phases"].append({"phaseType": phase, "startTime": time.time()})
    build["currentPhase"] = phase


def _end(build: Record, status: str, contexts: list[dict[str, str]] | None = None) -> None:
    now = time.time()
    phase = build["phases"][-1]
    phase |= {"phaseStatus": status, "endTime": now, "durationInSeconds": int(now - phase["startTime"])}
    phase["contexts"] = contexts or []


def _failed(build: Record, code: str, message: str) -> str:
    _end(build, "FAILED", [{"statusCode": code, "message": message}])
    return "FAILED"


def _finish(build: Record, status: str) -> None:
    if "endTime" not in build["phases"][-1]:
        _end(build, status)
    _begin(build, "COMPLETED")
    build |= {"endTime": time.time(), "buildStatus": status, "buildComplete": True}
