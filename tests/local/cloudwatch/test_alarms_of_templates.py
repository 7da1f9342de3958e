"""Alarms on metric expressions are stored like other alarms."""

import pytest

from blueprints.errors import BlueprintError

SUM = {"Id": "sum", "Expression": "SUM(METRICS())"}
ERRORS = {
    "Id": "errors",
    "ReturnData": False,
    "MetricStat": {"Metric": {"Namespace": "AWS/Lambda", "MetricName": "Errors"}, "Period": 60, "Stat": "Sum"},
}
THRESHOLD = {"Threshold": 1, "EvaluationPeriods": 1, "ComparisonOperator": "GreaterThanOrEqualToThreshold"}


def alarm(**properties):
    return {"Type": "AWS::CloudWatch::Alarm", "Properties": {**THRESHOLD, **properties}}


def test_an_alarm_on_an_expression_is_stored(cloud, stack):
    name = stack(Failing=alarm(Metrics=[SUM, ERRORS], AlarmDescription="Errors")).outputs["Failing"]

    (found,) = cloud.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]
    assert (found["AlarmDescription"], found["StateValue"], found["Threshold"]) == ("Errors", "INSUFFICIENT_DATA", 1)


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({"Metrics": [SUM, ERRORS], "MetricName": "Errors"}, "has no MetricName"),
        ({"Metrics": [ERRORS]}, "Exactly one"),
        ({"Metrics": [{"Id": "band", "Expression": "ANOMALY_DETECTION_BAND(errors)"}, ERRORS]}, "not emulated"),
        ({"MetricName": "Errors"}, "Namespace"),
    ],
)
def test_an_alarm_that_aws_refuses_is_refused(stack, properties, reason):
    with pytest.raises(BlueprintError, match=reason):
        stack(Refused=alarm(**properties))
