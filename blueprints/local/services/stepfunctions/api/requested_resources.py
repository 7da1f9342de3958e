"""Which resource a request is about, for IAM.

A request for a version or an alias is checked against the ARN of the state machine; the qualifier is the condition key
`states:StateMachineQualifier`.
Source: Service Authorization Reference, "Actions, resources, and condition keys for AWS Step Functions"; Step Functions
Developer Guide, "Authorization for versions and aliases".
"""

from typing import Any

from blueprints.local.services.stepfunctions.api import arns

QUALIFIER_KEY = "states:StateMachineQualifier"
_NAMES = ("executionArn", "activityArn", "mapRunArn", "resourceArn")
_MACHINES = ("stateMachineArn", "stateMachineVersionArn", "stateMachineAliasArn")


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
