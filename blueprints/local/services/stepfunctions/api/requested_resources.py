"""Which resource a request is about, and with which condition keys, for IAM.

A request for a version or an alias is checked against the ARN of the state machine; the qualifier is the condition key
`states:StateMachineQualifier`.
Source: Service Authorization Reference, "Actions, resources, and condition keys for AWS Step Functions"; Step Functions
Developer Guide, "Authorization for versions and aliases".
"""

from collections.abc import Callable, Iterator
from typing import Any

from blueprints.local.base.client_json import read_json
from blueprints.local.base.internals import Internal
from blueprints.local.services.stepfunctions.api import arns

CONDITION_KEYS = Internal("core.iam_actions", "request_tag_context", ("service", "iam_action", "body", "params"))
TAGS = Internal("services.tagging", "_RESOURCE_TAG_COLLECTORS")

_SERVICE = "states"
_QUALIFIER = "states:StateMachineQualifier"
_NAMES = ("executionArn", "activityArn", "mapRunArn", "resourceArn")
_MACHINES = ("stateMachineArn", "stateMachineVersionArn", "stateMachineAliasArn")


def install(tagged: Callable[[], Iterator[tuple[str, dict[str, str]]]]) -> None:
    """Let conditions see the qualifier of a request, and tags: `tagged` gives the account's resources with theirs."""
    original: Callable[..., dict[str, Any]] = CONDITION_KEYS.current()

    def with_qualifier(service: str, iam_action: str, body: bytes, params: dict[str, Any]) -> dict[str, Any]:
        found = original(service, iam_action, body, params)
        named = qualifier(_json_object(body)) if service == _SERVICE else None
        return {**found, _QUALIFIER: named} if named else found

    def collect() -> Iterator[tuple[str, list[dict[str, str]]]]:
        for arn, tags in tagged():
            yield arn, [{"Key": key, "Value": value} for key, value in tags.items()]

    CONDITION_KEYS.replace(with_qualifier)
    TAGS.current()[_SERVICE] = collect


def requested_resource(request: dict[str, Any], query: dict[str, Any]) -> str | None:  # noqa: ARG001 - all is in the body
    """The ARN, or its part after the account."""
    machine = _machine_arn(request)
    if machine:
        return arns.unqualified(machine)[0]
    for name in _NAMES:
        if isinstance(request.get(name), str):
            return str(request[name])
    if isinstance(request.get("name"), str):
        kind = arns.MACHINE if "definition" in request or "roleArn" in request else arns.ACTIVITY
        return f"{kind}:{request['name']}"
    return None


def qualifier(request: dict[str, Any]) -> str | None:
    """The version or alias that a request is about, or None."""
    machine = _machine_arn(request)
    return (arns.unqualified(machine)[1] or None) if machine else None


def _machine_arn(request: dict[str, Any]) -> str | None:
    for name in _MACHINES:
        if isinstance(request.get(name), str):
            return str(request[name])
    routing = request.get("routingConfiguration")
    if isinstance(routing, list) and routing and isinstance(routing[0], dict) and "name" in request:
        version = routing[0].get("stateMachineVersionArn")
        return f"{arns.unqualified(version)[0]}:{request['name']}" if isinstance(version, str) else None
    return None


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        given = read_json(body or b"{}")
    except ValueError:
        return {}
    return given if isinstance(given, dict) else {}
