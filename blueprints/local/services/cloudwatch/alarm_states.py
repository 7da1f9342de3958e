"""The state of an alarm by its values, M out of N, with missing data treated as the alarm says.

Source: Amazon CloudWatch User Guide, "Alarm evaluation" and "Configuring how CloudWatch alarms treat missing data".
"""

from collections.abc import Callable, Mapping
from typing import Any

from blueprints.local.services.cloudwatch.metric_math import Series

OK, ALARM, INSUFFICIENT_DATA = "OK", "ALARM", "INSUFFICIENT_DATA"

_MORE_PERIODS = 2
"""The evaluation range is a little longer than the evaluation periods, so that late data is seen."""

_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": lambda value, threshold: value >= threshold,
    "GreaterThanThreshold": lambda value, threshold: value > threshold,
    "LessThanThreshold": lambda value, threshold: value < threshold,
    "LessThanOrEqualToThreshold": lambda value, threshold: value <= threshold,
}


def periods_to_read(alarm: Mapping[str, Any]) -> int:
    """How many periods the evaluation range has."""
    return int(alarm.get("EvaluationPeriods") or 1) + _MORE_PERIODS


def can_be_evaluated(alarm: Mapping[str, Any]) -> bool:
    """Whether the comparison is one with a threshold; anomaly detection is not emulated."""
    return alarm.get("ComparisonOperator") in _COMPARISONS


def state_of(alarm: Mapping[str, Any], values: Series) -> tuple[str, str] | None:
    """The state and its reason by the values of the evaluation range, the oldest first; None if it stays as it is."""
    periods = int(alarm.get("EvaluationPeriods") or 1)
    needed = int(alarm.get("DatapointsToAlarm") or periods)
    threshold = float(alarm.get("Threshold") or 0)
    compare = _COMPARISONS[str(alarm["ComparisonOperator"])]
    recent = [each for each in values if each is not None][-periods:]
    breaching = sum(compare(each, threshold) for each in recent)
    missing = periods - len(recent)
    treatment = alarm.get("TreatMissingData") or "missing"
    if treatment == "breaching":
        state = ALARM if breaching + missing >= needed else OK
    elif treatment == "notBreaching":
        state = ALARM if breaching >= needed else OK
    elif not recent:
        if treatment == "ignore":
            return None
        state = INSUFFICIENT_DATA
    elif treatment == "ignore":
        decided = breaching >= needed or len(recent) - breaching > periods - needed
        if not decided:
            return None
        state = ALARM if breaching >= needed else OK
    else:
        state = ALARM if breaching >= min(needed, len(recent)) else OK
    return state, _reason(state, recent, breaching, threshold, str(alarm["ComparisonOperator"]))


def _reason(state: str, recent: list[float], breaching: int, threshold: float, comparison: str) -> str:
    if not recent:
        return "Insufficient Data: no datapoints were received for the evaluation range"
    relation = {
        "GreaterThanOrEqualToThreshold": "greater than or equal to",
        "GreaterThanThreshold": "greater than",
        "LessThanThreshold": "less than",
        "LessThanOrEqualToThreshold": "less than or equal to",
    }[comparison]
    was = "was" if breaching == 1 else "were"
    negation = "" if state == ALARM else "not "
    shown = ", ".join(f"{each:g}" for each in reversed(recent))
    return (
        f"Threshold Crossed: {breaching} out of the last {len(recent)} datapoints [{shown}] {was} {relation} the "
        f"threshold ({threshold:g})"
        if state == ALARM
        else f"Threshold Crossed: {len(recent) - breaching} out of the last {len(recent)} datapoints [{shown}] "
        f"{'was' if len(recent) - breaching == 1 else 'were'} {negation}{relation} the threshold ({threshold:g})"
    )
