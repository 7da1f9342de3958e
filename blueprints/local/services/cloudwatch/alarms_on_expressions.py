"""Stores alarms on metric expressions, which the base emulator refuses; they have `Metrics` in place of one metric."""

from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.services.cloudwatch.alarm_values import check

RECORD = Internal("services.cloudformation.provisioners", "_cw_metric_alarm_record", ("name", "props"))

_OF_ONE_METRIC = ("MetricName", "Namespace", "Statistic", "ExtendedStatistic", "Period", "Dimensions", "Unit")


def install() -> None:
    """Accept `Metrics`."""
    original = RECORD.current()

    def record(name: str, props: dict[str, Any]) -> dict[str, Any]:
        metrics = props.get("Metrics")
        if not metrics:
            return dict(original(name, props))
        both = [each for each in _OF_ONE_METRIC if each in props]
        if both:
            raise ValueError(f"An alarm with Metrics has no {both[0]}: it belongs to the metrics.")
        check(metrics)
        alarm = original(name, {**props, "Metrics": None, "MetricName": "-", "Namespace": "-"})
        return {**alarm, "MetricName": "", "Namespace": "", "Metrics": metrics}

    RECORD.replace(record)
