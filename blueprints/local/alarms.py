"""The alarms of a stack in the embedded AWS: their states, and which of them have rung since the deployment."""

import json
from dataclasses import asdict, dataclass

from blueprints.local.cloud import Cloud
from blueprints.stacks.stack import Stack

_TYPES = ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm")
_KINDS = ("MetricAlarm", "CompositeAlarm")
_RINGING = "ALARM"
_PAGES = {"PageSize": 100}


@dataclass(frozen=True)
class AlarmReport:
    """What an alarm has done since the deployment."""

    resource: str
    """Its logical id."""
    state: str
    """Its state now: `OK`, `ALARM` or `INSUFFICIENT_DATA`."""
    rang: str | None
    """Why it was first in the state `ALARM`; None if it never was."""

    def as_json(self) -> dict[str, str | None]:
        """The fields by name."""
        return asdict(self)


def alarms_of(cloud: Cloud, stack: Stack) -> list[AlarmReport]:
    """A report of every alarm of a stack, in the order of its resources."""
    alarms = [each for each in stack.resources if each.type in _TYPES]
    if not alarms:
        return []
    client = cloud.client("cloudwatch")
    states: dict[str, str] = {}
    for page in client.get_paginator("describe_alarms").paginate(AlarmTypes=list(_KINDS), PaginationConfig=_PAGES):
        for found in (*page["MetricAlarms"], *page["CompositeAlarms"]):
            states[found["AlarmName"]] = found["StateValue"]
    rang: dict[str, str] = {}
    pages = client.get_paginator("describe_alarm_history").paginate(
        AlarmTypes=list(_KINDS), HistoryItemType="StateUpdate", ScanBy="TimestampAscending", PaginationConfig=_PAGES
    )
    for item in (item for page in pages for item in page["AlarmHistoryItems"]):
        new = json.loads(item["HistoryData"])["newState"]
        if new["stateValue"] == _RINGING:
            rang.setdefault(item["AlarmName"], new["stateReason"])
    return [
        AlarmReport(each.logical_id, states[each.physical_id], rang.get(each.physical_id))
        for each in alarms
        if each.physical_id in states
    ]
