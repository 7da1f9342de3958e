"""Metric math: what expressions give for each period, and what is refused."""

import pytest

from blueprints.local.services.cloudwatch.alarm_values import check
from blueprints.local.services.cloudwatch.metric_math import Expression, InvalidExpression

ERRORS, CALLS = [0.0, 2.0, None], [10.0, 4.0, None]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("SUM(METRICS())", [10.0, 6.0, None]),
        ("AVG(METRICS())", [5.0, 3.0, None]),
        ('MAX(METRICS("err"))', [0.0, 2.0, None]),
        ("MIN([errors, calls])", [0.0, 2.0, None]),
        ("100 * errors / calls", [0.0, 50.0, None]),
        ("errors + 1", [1.0, 3.0, None]),
        ("errors / 0", [None, None, None]),
        ("-errors", [0.0, -2.0, None]),
        ("errors ^ 2", [0.0, 4.0, None]),
        ("errors > 1", [0.0, 1.0, None]),
        ("errors > 1 AND calls < 5", [0.0, 1.0, None]),
        ("errors > 1 || calls > 5", [1.0, 1.0, None]),
        ("IF(calls > 5, errors, 7)", [0.0, 7.0, None]),
        ("IF(calls > 5, errors)", [0.0, None, None]),
        ("FILL(errors, 3)", [0.0, 2.0, 3.0]),
        ("FILL(errors, REPEAT)", [0.0, 2.0, 2.0]),
        ("SUM(errors)", [2.0, 2.0, 2.0]),
        ("errors / PERIOD(errors)", [0.0, 2 / 60, None]),
        ("DIFF(calls)", [None, -6.0, None]),
        ("RATE(calls)", [None, -0.1, None]),
        ("CEIL(errors / 4)", [0.0, 1.0, None]),
        ("share * 2", [0.5, 1.0, 2.0]),
        ("5", [5.0, 5.0, 5.0]),
    ],
)
def test_an_expression_has_a_value_for_each_period(text, values):
    found = Expression(text).evaluate({"errors": ERRORS, "calls": CALLS}, {"share": [0.25, 0.5, 1.0]}, 60)

    assert found == pytest.approx(values)


def test_gaps_are_interpolated():
    assert Expression("FILL(m, LINEAR)").evaluate({"m": [None, 1.0, None, None, 4.0]}, {}, 60) == [None, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("SUM(", "Error in expression"),
        ("ANOMALY_DETECTION_BAND(m)", "ANOMALY_DETECTION_BAND is not emulated"),
        ("m.imag", "Error in expression"),
        ("__import__('os')", "__import__ is not emulated"),
        ("[x for x in m]", "Error in expression"),
        ("lambda: m", "Error in expression"),
        ("1 < m < 3", "Error in expression"),
        ("Metric + 1", "Metric is no id"),
    ],
)
def test_what_is_no_expression_or_not_emulated_is_refused(text, reason):
    with pytest.raises(InvalidExpression, match=reason):
        Expression(text)


@pytest.mark.parametrize(
    ("metrics", "reason"),
    [
        ([{"Id": "a", "Expression": "b + 1"}], "no metric or expression b"),
        (
            [{"Id": "a", "Expression": "b + 1"}, {"Id": "b", "Expression": "a + 1", "ReturnData": False}],
            "wait for each other",
        ),
        ([{"Id": "a", "Expression": "1"}, {"Id": "b", "Expression": "2"}], "Exactly one"),
    ],
)
def test_metrics_of_an_alarm_that_give_no_single_value_are_refused(metrics, reason):
    with pytest.raises(InvalidExpression, match=reason):
        check(metrics)
