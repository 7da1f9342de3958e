"""Gives the base emulator a service that it lacks: CodePipeline's API with IAM in front, its resource type, its target.

The base emulator then checks signatures and permissions as it does for its own services; `requested_resources` says
which pipeline a request is about.
"""

import asyncio
import json
import uuid
from collections.abc import Callable
from typing import Any

from blueprints.local.base import protocol
from blueprints.local.base.internals import Internal
from blueprints.local.base.protocol import Refusal
from blueprints.local.services.codepipeline.pipelines import Pipelines
from blueprints.local.services.eventbridge.targets import under_way
from blueprints.local.services.iam.service_roles import RoleNotTaken, may, take

ROUTES = Internal("core.router", "SERVICE_PATTERNS")
HANDLERS = Internal("app", "SERVICE_HANDLERS")
NAMESPACES = Internal("core.iam_actions", "SERVICE_TO_IAM_NAMESPACE")
REGISTRY = Internal("services.cloudformation.provisioners", "_RESOURCE_HANDLERS")
INVOKE_TARGET = Internal("services.eventbridge", "_invoke_target", ("target", "event", "rule", "view"))
INTERNALS = (ROUTES, HANDLERS, NAMESPACES, REGISTRY, INVOKE_TARGET)

_SERVICE = "codepipeline"
_TARGET = "CodePipeline_20150709"
_TYPE = "AWS::CodePipeline::Pipeline"
_EVENTS = "events.amazonaws.com"
_AS_WRITTEN = ("Configuration", "configuration")

_Handler = Callable[..., Any]


def install(pipelines: Pipelines, endpoint: str) -> None:
    """Add the service; has to come before `event_targets`, whose attempts then cover pipelines too."""
    ROUTES.current()[_SERVICE] = {
        "target_prefixes": [_TARGET],
        "host_patterns": [r"codepipeline\."],
        "credential_scope": _SERVICE,
    }
    HANDLERS.current()[_SERVICE] = _handler(pipelines)
    NAMESPACES.current()[_SERVICE] = _SERVICE
    REGISTRY.current()[_TYPE] = {
        "create": _create(pipelines),
        "update": _update(pipelines),
        "delete": lambda name, props: pipelines.delete({"name": name}) and None,  # noqa: ARG005 - as it is called
    }
    INVOKE_TARGET.replace(_starting(pipelines, endpoint, INVOKE_TARGET.current()))


def _handler(pipelines: Pipelines) -> _Handler:
    def handle(headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        operation = headers.get("x-amz-target", "").rpartition(".")[2]
        answer_headers = {"Content-Type": "application/x-amz-json-1.1"}
        try:
            return 200, answer_headers, json.dumps(pipelines.answer(operation, body)).encode()
        except Refusal as refusal:
            said = {"__type": refusal.code, "message": refusal.message}
            return 400, answer_headers, json.dumps(said).encode()

    async def handle_request(method: str, path: str, headers: dict[str, str], body: bytes, query: object) -> Any:  # noqa: ARG001
        return await asyncio.to_thread(handle, headers, body)

    return handle_request


def _create(pipelines: Pipelines) -> _Handler:
    def create(logical_id: str, props: dict[str, Any], stack_name: str) -> tuple[str, dict[str, Any]]:
        made = _applied(pipelines.create, "CreatePipeline", {**props, "Name": _name(props, stack_name, logical_id)})
        return made["name"], {"Version": str(made["version"])}

    return create


def _update(pipelines: Pipelines) -> _Handler:
    def update(name: str, old: dict[str, Any], new: dict[str, Any], stack_name: str) -> tuple[str, dict[str, Any]]:  # noqa: ARG001
        if new.get("Name", name) != name:
            raise ValueError("Another name replaces a pipeline, which is not emulated; remove it first.")
        made = _applied(pipelines.update, "UpdatePipeline", {**new, "Name": name})
        return made["name"], {"Version": str(made["version"])}

    return update


def _applied(do: Callable[[Any], Any], operation: str, props: dict[str, Any]) -> dict[str, Any]:
    """CloudFormation reports a ValueError as the reason the resource failed."""
    restarts = str(props.pop("RestartExecutionOnUpdate", "false")).lower()
    props.pop("Tags", None)
    if restarts == "true":
        raise ValueError("RestartExecutionOnUpdate is not emulated.")
    try:
        return dict(do(protocol.checked(operation, {"pipeline": _camel(props)}))["pipeline"])
    except Refusal as refusal:
        raise ValueError(refusal.message) from refusal


def _camel(value: Any) -> Any:
    """A template's names as the API has them; what is below a configuration is nobody's name but the provider's."""
    if isinstance(value, dict):
        return {
            name[:1].lower() + name[1:]: each if name in _AS_WRITTEN else _camel(each) for name, each in value.items()
        }
    if isinstance(value, list):
        return [_camel(each) for each in value]
    return value


def _name(props: dict[str, Any], stack_name: str, logical_id: str) -> str:
    """The template's, or one as CloudFormation makes it."""
    return str(props.get("Name") or f"{stack_name}-{logical_id}-{uuid.uuid4().hex[:12].upper()}"[:100])


def _starting(pipelines: Pipelines, endpoint: str, original: _Handler) -> _Handler:
    def invoke(target: dict[str, Any], event: dict[str, Any], rule: dict[str, Any], view: object = None) -> None:
        arn = str(target.get("Arn", ""))
        if not arn.startswith(f"arn:aws:{_SERVICE}:"):
            original(target, event, rule, view)
            return
        delivery = under_way()
        delivery.payload = json.dumps(event)
        try:
            session = take(str(target.get("RoleArn", "")), _EVENTS, "events", arn.split(":")[3], endpoint)
        except RoleNotTaken as error:
            delivery.fail("NO_PERMISSIONS", str(error), final=True)
            return
        if not may(session, "codepipeline:StartPipelineExecution", arn):
            delivery.fail("NO_PERMISSIONS", f"{target.get('RoleArn')} may not start {arn}", final=True)
            return
        try:
            pipelines.start_by_event(arn.rpartition(":")[2], str(rule.get("Arn")))
        except Refusal as refusal:
            delivery.fail("NO_RESOURCE", refusal.message, final=True)

    return invoke
