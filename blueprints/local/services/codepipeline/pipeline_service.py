"""Pipelines in other services: as resources of CloudFormation and as targets of EventBridge."""

import uuid
from collections.abc import Callable
from typing import Any

from blueprints.local.base.delivery import under_way
from blueprints.local.base.protocol import ServiceError
from blueprints.local.base.resource_types import ResourceFailed
from blueprints.local.services.codepipeline.pipelines import API, Pipelines
from blueprints.local.services.iam import RoleNotAssumed, assume_role, may

_EVENTS = "events.amazonaws.com"
_AS_WRITTEN = ("Configuration", "configuration")

_Handler = Callable[..., Any]


def resource_type(pipelines: Pipelines) -> dict[str, _Handler]:
    """CloudFormation's handlers of AWS::CodePipeline::Pipeline."""
    return {
        "create": _create(pipelines),
        "update": _update(pipelines),
        "delete": lambda name, props: pipelines.delete({"name": name}) and None,  # noqa: ARG005 - as it is called
    }


def _create(pipelines: Pipelines) -> _Handler:
    def create(logical_id: str, props: dict[str, Any], stack_name: str) -> tuple[str, dict[str, Any]]:
        made = _applied(pipelines.create, "CreatePipeline", {**props, "Name": _name(props, stack_name, logical_id)})
        return made["name"], {"Version": str(made["version"])}

    return create


def _update(pipelines: Pipelines) -> _Handler:
    def update(name: str, old: dict[str, Any], new: dict[str, Any], stack_name: str) -> tuple[str, dict[str, Any]]:  # noqa: ARG001
        if new.get("Name", name) != name:
            raise ResourceFailed("Another name replaces a pipeline, which is not emulated; remove it first.")
        made = _applied(pipelines.update, "UpdatePipeline", {**new, "Name": name})
        return made["name"], {"Version": str(made["version"])}

    return update


def _applied(do: Callable[[Any], Any], operation: str, props: dict[str, Any]) -> dict[str, Any]:
    restarts = str(props.pop("RestartExecutionOnUpdate", "false")).lower()
    props.pop("Tags", None)
    if restarts == "true":
        raise ResourceFailed("RestartExecutionOnUpdate is not emulated.")
    try:
        return dict(do(API.check(operation, {"pipeline": _camel(props)}))["pipeline"])
    except ServiceError as error:
        raise ResourceFailed(error.message) from error


def _camel(value: Any) -> Any:
    """A template's property names as the API spells them; names in a configuration belong to the provider and stay."""
    if isinstance(value, dict):
        return {
            name[:1].lower() + name[1:]: each if name in _AS_WRITTEN else _camel(each) for name, each in value.items()
        }
    if isinstance(value, list):
        return [_camel(each) for each in value]
    return value


def _name(props: dict[str, Any], stack_name: str, logical_id: str) -> str:
    """The name in the template, or one as CloudFormation generates it."""
    return str(props.get("Name") or f"{stack_name}-{logical_id}-{uuid.uuid4().hex[:12].upper()}"[:100])


def event_target(pipelines: Pipelines, endpoint: str) -> _Handler:
    """A rule's target: starts the pipeline in the target's role."""

    def start(target: dict[str, Any], event: dict[str, Any], rule: dict[str, Any]) -> None:  # noqa: ARG001
        arn = str(target.get("Arn", ""))
        delivery = under_way.get()
        try:
            session = assume_role(str(target.get("RoleArn", "")), _EVENTS, "events", arn.split(":")[3], endpoint)
        except RoleNotAssumed as error:
            delivery.fail("NO_PERMISSIONS", str(error), final=True)
            return
        if not may(session, "codepipeline:StartPipelineExecution", arn):
            delivery.fail("NO_PERMISSIONS", f"{target.get('RoleArn')} may not start {arn}", final=True)
            return
        try:
            pipelines.start_by_event(arn.rpartition(":")[2], str(rule.get("Arn")))
        except ServiceError as error:
            delivery.fail("NO_RESOURCE", error.message, final=True)

    return start
