"""Composite alarms of templates: made and deleted through the API, which checks their rule and evaluates it.

A rule is evaluated whenever one of the alarms that it names changes its state.
Source: AWS CloudFormation Template Reference, AWS::CloudWatch::CompositeAlarm.
"""

import json
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.base.resource_types import Made, Properties, ResourceFailed

PUT = Internal("services.cloudwatch", "_put_composite_alarm", ("params", "cbor_data", "is_cbor", "is_json"))
DELETE = Internal("services.cloudwatch", "_delete_alarms", ("params", "cbor_data", "is_cbor", "is_json"))
COMPOSITE_ALARMS = Internal("services.cloudwatch", "_composite_alarms")
SET_TAGS = Internal("services.cloudwatch", "cloudformation_set_metric_alarm_tags", ("name", "tags"))
PHYSICAL_NAME = Internal(
    "services.cloudformation.provisioners",
    "_physical_name",
    ("stack_name", "logical_id", "lowercase", "max_len", "seeded"),
)
DELETE_PREDECESSOR = Internal(
    "services.cloudformation.provisioners", "_delete_predecessor", ("delete_fn", "args", "kwargs")
)

_TYPE = "AWS::CloudWatch::CompositeAlarm"
_LONGEST_NAME = 255
_IN_REQUEST = (
    "AlarmRule",
    "AlarmDescription",
    "ActionsEnabled",
    "AlarmActions",
    "OKActions",
    "InsufficientDataActions",
)


def resource_types() -> Mapping[str, Mapping[str, Callable[..., Any]]]:
    """CloudFormation's handlers of composite alarms."""
    return {_TYPE: {"create": _create, "update": _update, "delete": _delete}}


def _create(logical_id: str, props: Properties, stack_name: str) -> Made:
    name = props.get("AlarmName") or PHYSICAL_NAME.current()(stack_name, logical_id, max_len=_LONGEST_NAME)
    return _put(str(name), props)


def _update(physical_id: str, old: Properties, new: Properties, stack_name: str, *logical_id: str) -> Made:
    """Change the alarm, or replace it if its name changes."""
    if old.get("AlarmName") == new.get("AlarmName"):
        return _put(physical_id, new)
    made = _create(logical_id[0] if logical_id else physical_id, new, stack_name)
    DELETE_PREDECESSOR.current()(_delete, physical_id, old)
    return made


def _put(name: str, props: Properties) -> Made:
    request = {each: props[each] for each in _IN_REQUEST if each in props}
    if isinstance(request.get("ActionsEnabled"), str):
        request["ActionsEnabled"] = request["ActionsEnabled"].lower() == "true"
    _check(PUT.current()({}, {**request, "AlarmName": name}, is_cbor=False, is_json=True))
    SET_TAGS.current()(name, [each for each in props.get("Tags") or [] if each.get("Key")])
    return name, {"Arn": COMPOSITE_ALARMS.current()[name]["AlarmArn"]}


def _delete(physical_id: str, props: Properties) -> None:  # noqa: ARG001 - as CloudFormation calls it
    _check(DELETE.current()({}, {"AlarmNames": [physical_id]}, is_cbor=False, is_json=True))


def _check(answer: tuple[int, Any, bytes]) -> None:
    status, _, body = answer
    if status != HTTPStatus.OK:
        raise ResourceFailed(str(json.loads(body).get("message")))
