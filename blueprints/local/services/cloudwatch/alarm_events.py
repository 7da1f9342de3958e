"""Announces every change of an alarm's state to EventBridge.

Source: Amazon CloudWatch User Guide, "Alarm events and EventBridge".
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from blueprints.local.base.properties import is_true
from blueprints.local.services.eventbridge import announce

_Alarm = Mapping[str, Any]


def announce_change(alarm: _Alarm, old_state: str, new_state: str, reason: str) -> None:
    """Put the event on the default bus, in the account and Region of the caller's context."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0000"
    state = {"value": new_state, "reason": reason, "timestamp": now}
    if alarm.get("StateReasonData"):
        state["reasonData"] = alarm["StateReasonData"]
    detail = {
        "alarmName": alarm["AlarmName"],
        "configuration": _configuration(alarm),
        "previousState": {"value": old_state},
        "state": state,
    }
    announce("aws.cloudwatch", "CloudWatch Alarm State Change", detail, str(alarm.get("AlarmArn")))


def _configuration(alarm: _Alarm) -> dict[str, Any]:
    description = {"description": alarm.get("AlarmDescription") or ""}
    if "AlarmRule" in alarm:
        return {**description, "alarmRule": alarm["AlarmRule"]}
    return {**description, "metrics": list(_metrics(alarm))}


def _metrics(alarm: _Alarm) -> Iterator[dict[str, Any]]:
    """The metrics and expressions of an alarm; one on a single metric has no `Metrics`."""
    for each in alarm.get("Metrics") or ():
        returned = {"id": each["Id"], "returnData": is_true(each.get("ReturnData", True))}
        if each.get("Expression"):
            yield {**returned, "expression": each["Expression"], "label": each.get("Label", "")}
        else:
            stat = each["MetricStat"]
            yield {**returned, "metricStat": _metric_stat(stat["Metric"], stat["Period"], stat["Stat"])}
    if not alarm.get("Metrics"):
        statistic = alarm.get("ExtendedStatistic") or alarm.get("Statistic")
        yield {"id": "m1", "returnData": True, "metricStat": _metric_stat(alarm, alarm.get("Period"), statistic)}


def _metric_stat(metric: _Alarm, period: Any, statistic: Any) -> dict[str, Any]:
    return {
        "metric": {
            "namespace": metric.get("Namespace"),
            "name": metric.get("MetricName"),
            "dimensions": {each["Name"]: each["Value"] for each in metric.get("Dimensions") or ()},
        },
        "period": int(period),
        "stat": statistic,
    }
