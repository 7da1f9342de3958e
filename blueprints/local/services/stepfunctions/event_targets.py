"""State machines as targets of EventBridge rules, of schedules and of pipes: each starts executions in its own role."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from blueprints.local.base.delivery import Delivery, under_way
from blueprints.local.base.internals import Internal
from blueprints.local.base.protocol import ServiceError
from blueprints.local.services.eventbridge import is_rule
from blueprints.local.services.iam import RoleNotAssumed, assume_role, may

PIPE = Internal("services.pipes", "_start_state_machine_from_records", ("sm_arn", "pipe", "records"))
SCOPE = Internal("core.responses", "request_scope", ("account_id", "region"))

_EVENTS, _PIPES = "events.amazonaws.com", "pipes.amazonaws.com"
_START, _START_AND_WAIT = "states:StartExecution", "states:StartSyncExecution"
_TRY_AGAIN = ("ExecutionLimitExceeded", "ThrottlingException")

Start = Callable[[dict[str, Any]], Mapping[str, Any]]
"""The operation StartExecution or StartSyncExecution: takes its parameters, raises ServiceError."""


def event_target(start: Start) -> Callable[..., None]:
    """A target of rules and schedules. The role of a schedule is checked before this is called."""

    def deliver(target: dict[str, Any], event: dict[str, Any], rule: dict[str, Any]) -> None:  # noqa: ARG001
        delivery, arn = under_way.get(), str(target.get("Arn", ""))
        if is_rule(delivery.source_arn):
            refused = _refusal(str(target.get("RoleArn", "")), _EVENTS, _START, arn)
            if refused:
                delivery.fail("NO_PERMISSIONS", refused, final=True)
                return
        _start(start, arn, delivery, event)

    return deliver


def _start(start: Start, arn: str, delivery: Delivery, event: Mapping[str, Any]) -> None:
    # Every attempt of a delivery has the same name, so that a state machine of type STANDARD starts once.
    name = "_".join(part for part in (str(event.get("id") or ""), delivery.request_id) if part)[:80]
    _, _, _, region, account, *_ = arn.split(":")
    try:
        with SCOPE.current()(account, region):
            start({"stateMachineArn": arn, "name": name, "input": delivery.payload.decode()})
    except ServiceError as error:
        missing = error.code in ("StateMachineDoesNotExist", "ResourceNotFound", "InvalidArn")
        code = "NO_RESOURCE" if missing else "THROTTLING" if error.code in _TRY_AGAIN else "SDK_CLIENT_ERROR"
        delivery.fail(code, error.message, final=error.code not in _TRY_AGAIN)


def install_pipes(start: Start, start_and_wait: Start, on_refusal: Callable[[str], None]) -> None:
    """Let pipes start state machines in the pipe's role; a batch that did not start stays in its source.

    `on_refusal` gets a sentence when a pipe could not start its target, once as long as the reason is the same.
    """
    reasons: dict[str, str] = {}

    def refuse(pipe: dict[str, Any], arn: str, reason: str) -> bool:
        name = str(pipe.get("Arn") or pipe.get("Name"))
        if reasons.get(name) != reason:  # the pipe tries again every second
            reasons[name] = reason
            on_refusal(f"the pipe {pipe.get('Name')} cannot start {arn}: {reason}")
        return False

    def deliver(sm_arn: str, pipe: dict[str, Any], records: list[Any]) -> bool:
        waits = _waits(pipe)
        action = _START_AND_WAIT if waits else _START
        refused = _refusal(str(pipe.get("RoleArn", "")), _PIPES, action, sm_arn)
        if refused:
            return refuse(pipe, sm_arn, refused)
        try:
            (start_and_wait if waits else start)({"stateMachineArn": sm_arn, "input": json.dumps(records)})
        except ServiceError as error:
            return refuse(pipe, sm_arn, error.message)
        reasons.pop(str(pipe.get("Arn") or pipe.get("Name")), None)
        return True

    PIPE.replace(deliver)


def _waits(pipe: Mapping[str, Any]) -> bool:
    """Whether a pipe waits for the end of its execution."""
    parameters = (pipe.get("TargetParameters") or {}).get("StepFunctionStateMachineParameters") or {}
    return bool(parameters.get("InvocationType") == "REQUEST_RESPONSE")


def _refusal(role_arn: str, service: str, action: str, arn: str) -> str | None:
    """Why a service may not start a state machine in a role; None if it may."""
    if not role_arn:
        return f"the target has no role; {arn} can only be started in one"
    try:
        session = assume_role(role_arn, service, service.partition(".")[0], arn.split(":")[3], endpoint="")
    except RoleNotAssumed as error:
        return str(error)
    return None if may(session, action, arn) else f"{role_arn} is not authorized to perform {action} on {arn}"
