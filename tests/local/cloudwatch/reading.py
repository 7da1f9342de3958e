"""Reads metrics and states of alarms."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any


def total(
    cloud: Any, name: str, namespace: str = "AWS/Lambda", statistic: str = "Sum", **dimensions: str
) -> float | None:
    """The sum of a statistic of exactly this metric over the last hour; None if it has no values."""
    now = datetime.now(UTC)
    window = {"StartTime": now - timedelta(hours=1), "EndTime": now + timedelta(minutes=1)}
    metric = {
        "Namespace": namespace,
        "MetricName": name,
        "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
    }
    query = {"Id": "m", "MetricStat": {"Metric": metric, "Period": 7200, "Stat": statistic}}
    (found,) = cloud.client("cloudwatch").get_metric_data(MetricDataQueries=[query], **window)["MetricDataResults"]
    return sum(found["Values"]) if found["Values"] else None


def history(cloud: Any, alarm: str) -> list[str]:
    """The states that an alarm has come into, the first one first."""
    pages = (
        cloud.client("cloudwatch")
        .get_paginator("describe_alarm_history")
        .paginate(
            AlarmName=alarm,
            AlarmTypes=["MetricAlarm", "CompositeAlarm"],
            HistoryItemType="StateUpdate",
            ScanBy="TimestampAscending",
        )
    )
    items = [item for page in pages for item in page["AlarmHistoryItems"]]
    return [json.loads(each["HistoryData"])["newState"]["stateValue"] for each in items]
