"""Runs builds: takes the place of the base emulator's, which are SUCCEEDED as soon as they are started.

A build runs its buildspec's commands on this machine, in a folder and a home of its own, with the credentials of its
project's role, and ends as CodeBuild would have it end. The image is this machine, with the tools on its PATH: compute
type, image, privileged mode, caches and `runtime-versions` change nothing here. What would change what a build does and
is not covered is refused, when the project is made or when the build starts.
"""

import copy
import logging
import os
import shutil
import sys
import threading
import time
import uuid
from collections.abc import Callable
from contextvars import copy_context
from pathlib import Path
from typing import Any

from blueprints.local.hooks import Hook
from blueprints.local.pipelines import buildspec, state_changes
from blueprints.local.pipelines.build_log import BuildLog, LogRefused
from blueprints.local.pipelines.build_shell import BuildShell, Progress, Ran
from blueprints.local.pipelines.build_source import COVERED, SourceFailed, fetch
from blueprints.local.pipelines.service_roles import RoleNotTaken, Session, take

PROJECTS = Hook("services.codebuild", "_projects")
BUILDS = Hook("services.codebuild", "_builds")
RECORD = Hook("services.codebuild", "_make_build_record", ("project", "build_id", "source_version"))
START = Hook("services.codebuild", "_start_build", ("data",))
STOP = Hook("services.codebuild", "_stop_build", ("data",))
CREATE = Hook("services.codebuild", "_create_project", ("data",))
RESET = Hook("services.codebuild", "reset", ())
REGISTRY = Hook("services.cloudformation.provisioners", "_RESOURCE_HANDLERS")
ANSWER = Hook("core.responses", "json_response")
REFUSE = Hook("core.responses", "error_response_json")
HOOKS = (PROJECTS, BUILDS, RECORD, START, STOP, CREATE, RESET, REGISTRY, ANSWER, REFUSE, *state_changes.HOOKS)

SERVICE = "codebuild.amazonaws.com"
_OVERRIDES = {
    "projectName",
    "sourceVersion",
    "sourceTypeOverride",
    "sourceLocationOverride",
    "buildspecOverride",
    "environmentVariablesOverride",
    "timeoutInMinutesOverride",
    "artifactsOverride",
    "idempotencyToken",
}
_NOT_COVERED = ("SecondarySources", "SecondaryArtifacts", "FileSystemLocations", "BuildBatchConfig", "Triggers")

log = logging.getLogger(__name__)

Record = dict[str, Any]


class Builds:
    """Every build that runs, each below a folder of ours."""

    def __init__(self, folder: Path, endpoint: str) -> None:
        self._folder = folder
        self._endpoint = endpoint
        self._shells: dict[str, BuildShell] = {}
        self._changing = threading.Lock()

    def install(self) -> None:
        """Take the base emulator's builds' place."""
        START.replace(self.start)
        STOP.replace(self.stop)
        reset = RESET.current()
        create = CREATE.current()

        def reset_all() -> None:
            self.close()
            reset()

        def create_with_logs(data: dict[str, Any]) -> Any:
            answer = create(data)
            if answer[0] == 200:
                PROJECTS.current()[data["name"]]["logsConfig"] = data.get("logsConfig") or {}
            return answer

        RESET.replace(reset_all)
        CREATE.replace(create_with_logs)
        projects = REGISTRY.current()["AWS::CodeBuild::Project"]
        REGISTRY.current()["AWS::CodeBuild::Project"] = {
            **projects,
            "create": _covered_create(projects["create"]),
            "update": _covered_update(projects["update"]),
        }

    def close(self) -> None:
        """End every build."""
        with self._changing:
            shells = list(self._shells.values())
        for shell in shells:
            shell.stop()

    def start(self, data: dict[str, Any]) -> Any:
        """StartBuild."""
        name = str(data.get("projectName", "")).rsplit(":project/", 1)[-1]
        project = PROJECTS.current().get(name)
        if project is None:
            return REFUSE.current()("ResourceNotFoundException", f"Project cannot be found: {name}", 400)
        unknown = sorted(data.keys() - _OVERRIDES)
        if unknown:
            return REFUSE.current()("InvalidInputException", f"{', '.join(unknown)} is not emulated", 400)
        wanted = _overridden(project, data)
        if wanted["source"].get("type") not in COVERED or wanted["source"] == {"type": "CODEPIPELINE"}:
            message = f"A build of the source {wanted['source'].get('type')} cannot be started like this here"
            return REFUSE.current()("InvalidInputException", message, 400)
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
        if shell is not None:
            shell.stop()
        return ANSWER.current()({"build": copy.deepcopy(build)})

    def _recorded(self, project: Record, data: dict[str, Any]) -> Record:
        build_id = f"{project['name']}:{uuid.uuid4()}"
        build: Record = RECORD.current()(project, build_id, data.get("sourceVersion"))
        now = time.time()
        del build["endTime"]
        group, stream = _log_stream(project, build_id)
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
        BUILDS.current()[build_id] = build
        return build

    def _run(self, build: Record, project: Record) -> None:
        _tell(build)
        folder = self._folder / uuid.uuid4().hex
        try:
            status = self._run_in(folder, build, project)
        except Exception:
            log.exception("build %s did not run to its end", build["id"])
            status = "FAULT"
        finally:
            with self._changing:
                self._shells.pop(build["id"], None)
            shutil.rmtree(folder, ignore_errors=True)
        _finish(build, status)
        _tell(build)

    def _run_in(self, folder: Path, build: Record, project: Record) -> str:
        """Run a build from its role to its last command; returns its status."""
        for name in ("src", "home", "tmp"):
            (folder / name).mkdir(parents=True)
        region = str(build["arn"]).split(":")[3]
        _begin(build, "PROVISIONING")
        try:
            session_name = f"AWSCodeBuild-{build['id'].rpartition(':')[2]}"
            session = take(project["serviceRole"], SERVICE, session_name, region, self._endpoint)
            written = BuildLog(session.client("logs"), build["logs"]["groupName"], build["logs"]["streamName"])
        except (RoleNotTaken, LogRefused) as error:
            return _failed(build, "ACCESS_DENIED", str(error))
        try:
            return self._run_logged(folder, build, project, session, written)
        finally:
            written.close()

    def _run_logged(self, folder: Path, build: Record, project: Record, session: Session, written: BuildLog) -> str:
        _end(build, "SUCCEEDED")
        _begin(build, "DOWNLOAD_SOURCE")
        try:
            build["resolvedSourceVersion"] = fetch(project["source"], session, folder / "src")
            spec = buildspec.read(_buildspec_of(project, folder / "src"))
            variables = _variables(project)
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
        ran = shell.run(_progress(build, written), float(build["timeoutInMinutes"]) * 60)
        build["exportedEnvironmentVariables"] = [{"name": name, "value": value} for name, value in ran.exported.items()]
        return _status(build, ran)


def _overridden(project: Record, data: dict[str, Any]) -> Record:
    wanted = copy.deepcopy(project)
    source = dict(wanted["source"])
    if data.get("sourceTypeOverride"):
        source["type"] = data["sourceTypeOverride"]
    if data.get("sourceLocationOverride"):
        source["location"] = data["sourceLocationOverride"]
    if data.get("buildspecOverride"):
        source["buildspec"] = data["buildspecOverride"]
    wanted["source"] = source
    environment = wanted.setdefault("environment", {})
    given = {each["name"]: each for each in environment.get("environmentVariables") or ()}
    given |= {each["name"]: each for each in data.get("environmentVariablesOverride") or ()}
    environment["environmentVariables"] = list(given.values())
    wanted["timeoutInMinutes"] = data.get("timeoutInMinutesOverride") or wanted["timeoutInMinutes"]
    return wanted


def _buildspec_of(project: Record, source: Path) -> str:
    """The buildspec written into the project, or the file of the source that it names."""
    written = str(project["source"].get("buildspec") or "buildspec.yml")
    if "\n" in written:
        return written
    path = source / written
    if not path.is_file():
        raise buildspec.BuildspecRefused(f"stat {written}: no such file or directory")
    return path.read_text(encoding="utf-8")


def _variables(project: Record) -> dict[str, str]:
    variables = project["environment"].get("environmentVariables") or ()
    for each in variables:
        if each.get("type", "PLAINTEXT") != "PLAINTEXT":
            raise buildspec.BuildspecRefused(f"the variable {each['name']} of {each['type']} is not emulated")
    return {str(each["name"]): str(each.get("value", "")) for each in variables}


def _image(folder: Path) -> dict[str, str]:
    """What a build finds before anything is said about it: the tools, an empty home, nothing of whoever started us."""
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


def _log_stream(project: Record, build_id: str) -> tuple[str, str]:
    wanted = (project.get("logsConfig") or {}).get("cloudWatchLogs") or {}
    group = wanted.get("groupName") or f"/aws/codebuild/{project['name']}"
    prefix = f"{wanted['streamName']}/" if wanted.get("streamName") else ""
    return str(group), f"{prefix}{build_id.rpartition(':')[2]}"


def _progress(build: Record, written: BuildLog) -> Progress:
    def begun(phase: str) -> None:
        written.line(f"[Container] Entering phase {phase}")
        _begin(build, phase)

    def ended(phase: str, status: int, command: str) -> None:
        state = "FAILED" if status else "SUCCEEDED"
        message = f"Error while executing command: {command}. Reason: exit status {status}" if status else ""
        written.line(f"[Container] Phase complete: {phase} State: {state}")
        written.line(f"[Container] Phase context status code: {'COMMAND_EXECUTION_ERROR' if status else ''} {message}")
        if status:
            _failed(build, "COMMAND_EXECUTION_ERROR", message)
        else:
            _end(build, "SUCCEEDED")

    return Progress(written.line, begun, ended)


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


def _tell(build: Record) -> None:
    detail = {
        "build-status": build["buildStatus"],
        "project-name": build["projectName"],
        "build-id": build["arn"],
        "current-phase": build["currentPhase"],
        "current-phase-context": "[]",
        "version": "1",
    }
    state_changes.tell("aws.codebuild", "CodeBuild Build State Change", detail, build["arn"])


def _covered_create(create: Callable[..., Any]) -> Callable[..., Any]:
    def covered(logical_id: str, props: dict[str, Any], stack_name: str) -> Any:
        _refuse_what_is_not_covered(props)
        name, attributes = create(logical_id, props, stack_name)
        _keep_logs_config(name, props)
        return name, attributes

    return covered


def _covered_update(update: Callable[..., Any]) -> Callable[..., Any]:
    def covered(physical_id: str, old: dict[str, Any], new: dict[str, Any], stack_name: str) -> Any:
        _refuse_what_is_not_covered(new)
        name, attributes = update(physical_id, old, new, stack_name)
        _keep_logs_config(name, new)
        return name, attributes

    return covered


def _refuse_what_is_not_covered(props: dict[str, Any]) -> None:
    """CloudFormation reports a ValueError as the reason the resource failed."""
    kind = (props.get("Source") or {}).get("Type")
    if kind not in COVERED:
        raise ValueError(f"The embedded AWS builds sources of {', '.join(COVERED)}, not of {kind}.")
    for name in _NOT_COVERED:
        if props.get(name):
            raise ValueError(f"{name} of a project is not emulated.")
    if (props.get("Artifacts") or {}).get("Type") not in ("NO_ARTIFACTS", "CODEPIPELINE"):
        raise ValueError("Artifacts of a project are not emulated; NO_ARTIFACTS and CODEPIPELINE are taken.")


def _keep_logs_config(name: str, props: dict[str, Any]) -> None:
    written = (props.get("LogsConfig") or {}).get("CloudWatchLogs") or {}
    kept = {"groupName": written.get("GroupName"), "streamName": written.get("StreamName")}
    PROJECTS.current()[name]["logsConfig"] = {"cloudWatchLogs": kept}
