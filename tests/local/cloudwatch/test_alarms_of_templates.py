"""Alarms and dashboards of templates: on metrics, on expressions, and on the states of other alarms."""

import json
import uuid

import pytest

from blueprints.errors import BlueprintError
from blueprints.local.deployment import deploy
from tests.local.cloudwatch.reading import history
from tests.local.resources import QUEUE, queue_policy
from tests.local.waiting import messages, until

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


def composite(rule, **properties):
    return {"Type": "AWS::CloudWatch::CompositeAlarm", "Properties": {"AlarmRule": rule, **properties}}


def silent(**properties):
    """An alarm on a metric without data, which is OK."""
    metric = {"Namespace": "Shop", "MetricName": uuid.uuid4().hex, "Statistic": "Sum", "Period": 60}
    return alarm(**metric, TreatMissingData="notBreaching", **properties)


def composite_state(cloud, name):
    answer = cloud.client("cloudwatch").describe_alarms(AlarmNames=[name], AlarmTypes=["CompositeAlarm"])
    (found,) = answer["CompositeAlarms"]
    return found["StateValue"]


def test_a_composite_alarm_follows_the_states_of_the_alarms_in_its_rule(cloud, stack):
    watched = uuid.uuid4().hex
    outputs = stack(
        Failing=alarm(
            Namespace="Shop", MetricName=watched, Statistic="Sum", Period=60, TreatMissingData="notBreaching"
        ),
        Deploying=silent(),
        Topic={"Type": "AWS::SNS::Topic"},
        Notified=QUEUE,
        NotifiedPolicy=queue_policy("Notified", "sns.amazonaws.com"),
        Subscription={
            "Type": "AWS::SNS::Subscription",
            "Properties": {
                "TopicArn": {"Ref": "Topic"},
                "Protocol": "sqs",
                "Endpoint": {"Fn::GetAtt": ["Notified", "Arn"]},
            },
        },
        Page=composite(
            {"Fn::Sub": 'ALARM("${Failing}") AND NOT ALARM("${Deploying}")'}, AlarmActions=[{"Ref": "Topic"}]
        ),
        Calm=composite({"Fn::Sub": "OK(${Failing}) OR INSUFFICIENT_DATA(${Deploying}) OR FALSE"}),
        Above=composite({"Fn::Sub": "ALARM(${Page}) AND TRUE"}),
    ).outputs
    until(lambda: composite_state(cloud, outputs["Calm"]) == "ALARM")
    assert composite_state(cloud, outputs["Page"]) == "OK"

    cloud.client("cloudwatch").put_metric_data(Namespace="Shop", MetricData=[{"MetricName": watched, "Value": 1}])

    (message,) = [each["body"] for each in messages(cloud, outputs["Notified"])]
    notification = json.loads(message["Message"])
    assert (notification["AlarmName"], notification["NewStateValue"]) == (outputs["Page"], "ALARM")
    until(lambda: history(cloud, outputs["Above"])[-2:] == ["ALARM", "OK"])
    assert history(cloud, outputs["Page"])[-2:] == ["ALARM", "OK"]
    assert history(cloud, outputs["Calm"])[-2:] == ["OK", "ALARM"]


def test_a_composite_alarm_that_is_updated_follows_its_new_rule(cloud):
    resources = {"Silent": silent(), "All": composite({"Fn::Sub": "ALARM(${Silent})"}, AlarmName="all")}

    def update(**changes):
        name = "updated-composite-alarm"
        template = {"Resources": {**resources, **changes}, "Outputs": {"All": {"Value": {"Ref": "All"}}}}
        return deploy(cloud, name, json.dumps(template)).outputs["All"]

    assert composite_state(cloud, update()) == "OK"
    assert composite_state(cloud, update(All=composite("TRUE", AlarmName="all"))) == "ALARM"
    assert update(All=composite("TRUE", AlarmName="every")) == "every"
    alarms = cloud.client("cloudwatch").describe_alarms(AlarmTypes=["CompositeAlarm"])["CompositeAlarms"]
    assert "all" not in [each["AlarmName"] for each in alarms]


def test_the_event_of_a_composite_alarm_has_its_rule(cloud, stack):
    outputs = stack(
        Events=QUEUE,
        EventsPolicy=queue_policy("Events", "events.amazonaws.com"),
        Silent=silent(),
        Rule={
            "Type": "AWS::Events::Rule",
            "Properties": {
                "EventPattern": {
                    "source": ["aws.cloudwatch"],
                    "detail": {"alarmName": [{"Ref": "Both"}, {"Ref": "Silent"}], "state": {"value": ["ALARM"]}},
                },
                "Targets": [{"Id": "queue", "Arn": {"Fn::GetAtt": ["Events", "Arn"]}}],
            },
        },
        Both=composite({"Fn::Sub": "ALARM(${Silent})"}),
    ).outputs
    until(lambda: composite_state(cloud, outputs["Both"]) == "OK")
    cloud.client("cloudwatch").set_alarm_state(AlarmName=outputs["Silent"], StateValue="ALARM", StateReason="test")

    received = messages(cloud, outputs["Events"], at_least=2)
    found = {each["body"]["detail"]["alarmName"]: each["body"]["detail"]["configuration"] for each in received}
    assert found[outputs["Both"]]["alarmRule"] == f"ALARM({outputs['Silent']})"
    (metric,) = found[outputs["Silent"]]["metrics"]
    assert metric["metricStat"]["metric"]["namespace"] == "Shop"
    assert metric["metricStat"]["stat"] == "Sum"


@pytest.mark.parametrize(
    ("resource", "reason"),
    [
        (composite("ALARM(nobody)"), "do not exist"),
        (composite("ALARM("), "AlarmRule|alarm rule|rule"),
        ({"Type": "AWS::CloudWatch::Dashboard", "Properties": {"DashboardBody": "{"}}, "valid JSON object"),
        ({"Type": "AWS::CloudWatch::Dashboard", "Properties": {"DashboardBody": "[]"}}, "valid JSON object"),
    ],
)
def test_what_cloudwatch_refuses_is_refused(stack, resource, reason):
    with pytest.raises(BlueprintError, match=reason):
        stack(Refused=resource)


def test_a_dashboard_is_stored(cloud, stack):
    body = {"DashboardBody": '{"widgets": []}'}
    name = stack(Dashboard={"Type": "AWS::CloudWatch::Dashboard", "Properties": body}).outputs["Dashboard"]

    assert cloud.client("cloudwatch").get_dashboard(DashboardName=name)["DashboardBody"] == '{"widgets": []}'
