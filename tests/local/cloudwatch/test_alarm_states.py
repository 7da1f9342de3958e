"""The state of an alarm by its values: M out of N, and missing data."""

import pytest

from blueprints.local.services.cloudwatch.alarm_states import periods_to_read, state_of
from blueprints.local.services.cloudwatch.alarm_values import Windows

THREE = {"EvaluationPeriods": 3, "Threshold": 1, "ComparisonOperator": "GreaterThanOrEqualToThreshold"}
KEPT = None


def values(written):
    return [{"-": None, "0": 0.0, "X": 1.0}[each] for each in written.split()]


# Source: Amazon CloudWatch User Guide, "How alarm state is evaluated when data is missing".
@pytest.mark.parametrize(
    ("written", "missing", "ignore", "breaching", "not_breaching"),
    [
        ("0 - X - X", "OK", "OK", "OK", "OK"),
        ("- - - - 0", "OK", "OK", "OK", "OK"),
        ("- - - - -", "INSUFFICIENT_DATA", KEPT, "ALARM", "OK"),
        ("0 X X - X", "ALARM", "ALARM", "ALARM", "ALARM"),
        ("- - X - -", "ALARM", KEPT, "ALARM", "OK"),
    ],
)
def test_missing_data_is_treated_as_the_alarm_says(written, missing, ignore, breaching, not_breaching):
    for treatment, expected in (
        ("missing", missing),
        ("ignore", ignore),
        ("breaching", breaching),
        ("notBreaching", not_breaching),
    ):
        found = state_of({**THREE, "TreatMissingData": treatment}, values(written))
        assert (found and found[0]) == expected, treatment


@pytest.mark.parametrize(("written", "state"), [("0 0 X 0 X", "ALARM"), ("0 0 X 0 0", "OK"), ("X X 0 0 0", "OK")])
def test_m_out_of_n_datapoints_are_enough(written, state):
    found = state_of({**THREE, "DatapointsToAlarm": 2, "TreatMissingData": "notBreaching"}, values(written))

    assert found[0] == state


@pytest.mark.parametrize(
    ("comparison", "state"),
    [
        ("GreaterThanThreshold", "OK"),
        ("GreaterThanOrEqualToThreshold", "ALARM"),
        ("LessThanThreshold", "OK"),
        ("LessThanOrEqualToThreshold", "ALARM"),
    ],
)
def test_values_are_compared_with_the_threshold(comparison, state):
    assert state_of({"EvaluationPeriods": 1, "Threshold": 5, "ComparisonOperator": comparison}, [5.0])[0] == state


def test_the_reason_names_the_values_and_the_threshold():
    _, reason = state_of(THREE, values("- - X X X"))

    assert reason == (
        "Threshold Crossed: 3 out of the last 3 datapoints [1, 1, 1] were greater than or equal to the threshold (1)"
    )


def test_windows_are_the_last_whole_minutes_in_scaled_time():
    """With a scale of 60, a minute of the alarm passes in a second."""
    now = 1_000_000.5
    windows = Windows.before(now, 60, periods_to_read({"EvaluationPeriods": 1}), 60)
    moments = {"Unit": "Count", "Dimensions": {}}
    points = [
        {**moments, "Timestamp": now - seconds, "Value": value}
        for seconds, value in ((9.0, 64.0), (3.0, 32.0), (2.0, 16.0), (1.2, 8.0), (0.6, 4.0), (0.1, 2.0))
    ]

    assert windows.values(points, "Sum") == [32.0, 16.0, 12.0]
    assert windows.values(points, "Average") == [32.0, 16.0, 6.0]
    assert windows.values(points, "Maximum") == [32.0, 16.0, 8.0]
    assert windows.values(points[:1], "Sum") == [None, None, None]
