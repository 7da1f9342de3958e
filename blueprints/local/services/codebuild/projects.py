"""Build projects: keeps their settings, and refuses those that a build here would ignore."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.base.resource_types import REGISTRY, ResourceFailed
from blueprints.local.services.codebuild.build_source import COVERED
from blueprints.local.services.codebuild.buildspec import BuildspecRefused

PROJECTS = Internal("services.codebuild", "_projects")
CREATE = Internal("services.codebuild", "_create_project", ("data",))

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

Record = dict[str, Any]


class NotStarted(Exception):
    """A build that cannot be started; `code` is StartBuild's exception."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def install() -> None:
    """Keep the log settings of projects, and check the projects of templates."""
    create = CREATE.current()

    def create_with_logs(data: dict[str, Any]) -> Any:
        answer = create(data)
        if answer[0] == 200:
            PROJECTS.current()[data["name"]]["logsConfig"] = data.get("logsConfig") or {}
        return answer

    CREATE.replace(create_with_logs)
    projects = REGISTRY.current()["AWS::CodeBuild::Project"]
    REGISTRY.current()["AWS::CodeBuild::Project"] = {
        **projects,
        "create": _covered_create(projects["create"]),
        "update": _covered_update(projects["update"]),
    }


def wanted(data: dict[str, Any]) -> Record:
    """The project with the overrides of a StartBuild request. Raises NotStarted."""
    name = str(data.get("projectName", "")).rsplit(":project/", 1)[-1]
    project = PROJECTS.current().get(name)
    if project is None:
        raise NotStarted("ResourceNotFoundException", f"Project cannot be found: {name}")
    unknown = sorted(data.keys() - _OVERRIDES)
    if unknown:
        raise NotStarted("InvalidInputException", f"{', '.join(unknown)} is not emulated")
    overridden = _overridden(project, data)
    kind = overridden["source"].get("type")
    if kind not in COVERED:
        raise NotStarted("InvalidInputException", f"A source of {kind} is not emulated")
    if kind == "CODEPIPELINE":
        raise NotStarted("InvalidInputException", f"{name} is built by a pipeline, which brings its source")
    return overridden


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


def buildspec_of(project: Record, source: Path) -> str:
    """The buildspec written into the project, or the file of the source that it names."""
    written = str(project["source"].get("buildspec") or "buildspec.yml")
    if "\n" in written:
        return written
    path = source / written
    if not path.is_file():
        raise BuildspecRefused(f"stat {written}: no such file or directory")
    return path.read_text(encoding="utf-8")


def variables(project: Record) -> dict[str, str]:
    """The project's environment variables. Raises BuildspecRefused for one from Parameter Store or Secrets Manager."""
    given = project["environment"].get("environmentVariables") or ()
    for each in given:
        if each.get("type", "PLAINTEXT") != "PLAINTEXT":
            raise BuildspecRefused(f"the variable {each['name']} of {each['type']} is not emulated")
    return {str(each["name"]): str(each.get("value", "")) for each in given}


def log_stream(project: Record, build_id: str) -> tuple[str, str]:
    """Log group and stream of a build."""
    wanted = (project.get("logsConfig") or {}).get("cloudWatchLogs") or {}
    group = wanted.get("groupName") or f"/aws/codebuild/{project['name']}"
    prefix = f"{wanted['streamName']}/" if wanted.get("streamName") else ""
    return str(group), f"{prefix}{build_id.rpartition(':')[2]}"


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
    kind = (props.get("Source") or {}).get("Type")
    if kind not in COVERED:
        raise ResourceFailed(f"The embedded AWS builds sources of {', '.join(COVERED)}, not of {kind}.")
    for name in _NOT_COVERED:
        if props.get(name):
            raise ResourceFailed(f"{name} of a project is not emulated.")
    if (props.get("Artifacts") or {}).get("Type") not in ("NO_ARTIFACTS", "CODEPIPELINE"):
        raise ResourceFailed("Artifacts of a project are not emulated; NO_ARTIFACTS and CODEPIPELINE are taken.")


def _keep_logs_config(name: str, props: dict[str, Any]) -> None:
    written = (props.get("LogsConfig") or {}).get("CloudWatchLogs") or {}
    kept = {"groupName": written.get("GroupName"), "streamName": written.get("StreamName")}
    PROJECTS.current()[name]["logsConfig"] = {"cloudWatchLogs": kept}
