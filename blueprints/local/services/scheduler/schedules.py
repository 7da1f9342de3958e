"""EventBridge Scheduler acts in a schedule's role: the role must trust it, and allow the call to the target.

The base emulator delivers under any role, forgets some properties of a template's schedule, and calls one made that was
refused.
Source: Amazon EventBridge Scheduler User Guide, "Setting up the execution role" and "Configuring a dead-letter queue".
"""

import json
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.base.resource_types import REGISTRY, ResourceFailed
from blueprints.local.services import kms
from blueprints.local.services.iam import RoleNotAssumed, assume_role, may, principal_of, role_of, trusts

CREATE = Internal("services.scheduler", "_create_schedule", ("name", "body"))
UPDATE = Internal("services.scheduler", "_update_schedule", ("name", "body"))
ERROR = Internal("services.scheduler", "_error", ("status", "code", "message"))
SCHEDULES = Internal("services.scheduler", "_schedules")
SECONDS_BETWEEN_LOOKS = Internal("services.scheduler", "_SCHEDULE_TICK_INTERVAL")

_TYPE = "AWS::Scheduler::Schedule"
_SCHEDULER = "scheduler.amazonaws.com"
_FORGOTTEN = ("ScheduleExpressionTimezone", "StartDate", "EndDate", "KmsKeyArn")
# The action that the role needs, by the target's service; other kinds of targets are not checked.
_ACTIONS = {
    "lambda": "lambda:InvokeFunction",
    "sqs": "sqs:SendMessage",
    "sns": "sns:Publish",
    "states": "states:StartExecution",
    "events": "events:PutEvents",
    "kinesis": "kinesis:PutRecord",
    "codepipeline": "codepipeline:StartPipelineExecution",
}

_Answer = Callable[[str, dict[str, Any]], Any]


def install() -> None:
    """Refuse schedules whose role Scheduler cannot assume, and check every second which schedules are due."""
    CREATE.replace(_refusing(CREATE.current()))
    UPDATE.replace(_refusing(UPDATE.current()))
    SECONDS_BETWEEN_LOOKS.replace(min(1.0, SECONDS_BETWEEN_LOOKS.current()))
    handlers = REGISTRY.current()[_TYPE]
    create: Callable[..., Any] = handlers["create"]

    def create_or_fail(logical_id: str, props: dict[str, Any], stack_name: str) -> Any:
        fault = _fault(props.get("Target") or {})
        if fault:
            raise ResourceFailed(fault)
        name, attributes = create(logical_id, props, stack_name)
        given = {each: props[each] for each in _FORGOTTEN if props.get(each)}
        SCHEDULES.current()[f"{props.get('GroupName', 'default')}/{name}"].update(given)
        return name, attributes

    REGISTRY.current()[_TYPE] = {**handlers, "create": create_or_fail}


def refusal(target: dict[str, Any], schedule_arn: str) -> str | None:
    """Why a schedule may not call its target now, or None."""
    target_arn = str(target.get("Arn", ""))
    action = _ACTIONS.get(target_arn.split(":")[2])
    return _refused(target, schedule_arn, action, target_arn) if action else None


def may_dead_letter(target: dict[str, Any], schedule_arn: str, queue_arn: str) -> bool:
    """Whether the schedule's role lets it send to its dead letters."""
    return _refused(target, schedule_arn, "sqs:SendMessage", queue_arn) is None


def payload(target: dict[str, Any], event: dict[str, Any]) -> str:
    """The payload for the target, which the dead letters keep too."""
    return str(target.get("Input") or json.dumps(event))


def _refused(target: dict[str, Any], schedule_arn: str, action: str, resource: str) -> str | None:
    role_arn, region = str(target.get("RoleArn", "")), schedule_arn.split(":")[3]
    try:
        session = assume_role(role_arn, _SCHEDULER, "scheduler", region, endpoint="")
    except RoleNotAssumed as error:
        return str(error)
    if not may(session, action, resource):
        return f"{role_arn} is not authorized to perform {action} on {resource}"
    return kms.sending_refusal(principal_of(session.access_key, role_arn.split(":")[4]), resource)


def _refusing(answer: _Answer) -> _Answer:
    def answer_if_assumable(name: str, body: dict[str, Any]) -> Any:
        fault = _fault(body.get("Target") or {})
        return ERROR.current()(HTTPStatus.BAD_REQUEST, "ValidationException", fault) if fault else answer(name, body)

    return answer_if_assumable


def _fault(target: dict[str, Any]) -> str | None:
    role_arn = target.get("RoleArn")
    if not role_arn:
        return None  # the base emulator says what is missing
    role = role_of(str(role_arn))
    if role and trusts(role, _SCHEDULER):
        return None
    return "The execution role you provide must allow AWS EventBridge Scheduler to assume the role."
