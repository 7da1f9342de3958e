"""Alarms ring for their own metric, in scaled time, notify topics and rules, and fall silent again."""

import json
import uuid

import pytest

from tests.local.cloudwatch.reading import history
from tests.local.resources import QUEUE, queue_policy
from tests.local.waiting import messages, until

RINGING = {
    "Namespace": "Shop",
    "MetricName": "Failures",
    "Statistic": "Sum",
    "Period": 60,
    "EvaluationPeriods": 1,
    "Threshold": 3,
    "ComparisonOperator": "GreaterThanOrEqualToThreshold",
    "TreatMissingData": "notBreaching",
}


def alarm(**properties):
    return {"Type": "AWS::CloudWatch::Alarm", "Properties": {**RINGING, **properties}}


def put(cloud, shop, **values):
    """Put values in one request, so that they are of the same minute, which takes 20 milliseconds."""
    dimensions = [{"Name": "shop", "Value": shop}]
    data = [
        {"MetricName": metric, "Dimensions": dimensions, "Values": each, "Unit": "Count"}
        for metric, each in values.items()
    ]
    cloud.client("cloudwatch").put_metric_data(Namespace="Shop", MetricData=data)


def state(cloud, name):
    (found,) = cloud.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]
    return found["StateValue"]


def test_an_alarm_watches_the_metric_with_its_dimensions_alone(cloud, stack):
    shop, other = uuid.uuid4().hex, uuid.uuid4().hex
    outputs = stack(
        Mine=alarm(Dimensions=[{"Name": "shop", "Value": shop}]),
        All=alarm(MetricName=f"Failures of {shop}"),
        Another=alarm(Dimensions=[{"Name": "shop", "Value": other}]),
    ).outputs
    put(cloud, shop, Failures=[2, 1])
    put(cloud, other, Failures=[2])

    until(lambda: "ALARM" in history(cloud, outputs["Mine"]))
    until(lambda: state(cloud, outputs["Mine"]) == "OK")

    assert state(cloud, outputs["Another"]) == "OK"
    assert "ALARM" not in history(cloud, outputs["Another"])
    assert "ALARM" not in history(cloud, outputs["All"])


def test_a_topic_and_a_rule_get_each_change(cloud, stack):
    shop = uuid.uuid4().hex
    outputs = stack(
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
        Events=QUEUE,
        EventsPolicy=queue_policy("Events", "events.amazonaws.com"),
        Failing=alarm(
            AlarmName=f"failing-{shop}",
            Dimensions=[{"Name": "shop", "Value": shop}],
            AlarmActions=[{"Ref": "Topic"}],
            OKActions=[{"Ref": "Topic"}],
        ),
        Rule={
            "Type": "AWS::Events::Rule",
            "Properties": {
                "EventPattern": {
                    "source": ["aws.cloudwatch"],
                    "detail-type": ["CloudWatch Alarm State Change"],
                    "detail": {"alarmName": [f"failing-{shop}"], "state": {"value": ["ALARM"]}},
                },
                "Targets": [{"Id": "queue", "Arn": {"Fn::GetAtt": ["Events", "Arn"]}}],
            },
        },
    ).outputs
    put(cloud, shop, Failures=[5])

    (event,) = [each["body"] for each in messages(cloud, outputs["Events"])]
    notifications = [json.loads(each["body"]["Message"]) for each in messages(cloud, outputs["Notified"], at_least=2)]

    assert event["detail"]["state"]["value"] == "ALARM"
    assert "[5]" in event["detail"]["state"]["reason"]
    assert [each["NewStateValue"] for each in notifications if each["NewStateValue"] == "ALARM"] == ["ALARM"]
    assert notifications[-1]["NewStateValue"] == "OK"


def test_an_alarm_on_an_expression_rings(cloud, stack):
    shop = uuid.uuid4().hex
    dimensions = [{"Name": "shop", "Value": shop}]

    def query(name, metric):
        stat = {"Metric": {"Namespace": "Shop", "MetricName": metric, "Dimensions": dimensions}}
        return {"Id": name, "ReturnData": False, "MetricStat": {**stat, "Period": 60, "Stat": "Sum"}}

    share = {"Id": "share", "Expression": "100 * failures / orders", "Label": "Failures in percent"}
    properties = {
        "Metrics": [share, query("failures", "Failures"), query("orders", "Orders")],
        **{name: RINGING[name] for name in ("EvaluationPeriods", "ComparisonOperator", "TreatMissingData")},
        "Threshold": 50,
    }
    name = stack(Share={"Type": "AWS::CloudWatch::Alarm", "Properties": properties}).outputs["Share"]
    put(cloud, shop, Failures=[1], Orders=[2])

    until(lambda: "ALARM" in history(cloud, name))


@pytest.mark.parametrize("treatment", ["missing", "ignore", "breaching", "notBreaching"])
def test_without_data_an_alarm_has_the_state_of_its_treatment(cloud, stack, treatment):
    expected = {"breaching": "ALARM", "notBreaching": "OK"}.get(treatment, "INSUFFICIENT_DATA")
    name = stack(Silent=alarm(MetricName=uuid.uuid4().hex, TreatMissingData=treatment)).outputs["Silent"]

    until(lambda: state(cloud, name) == expected)


def test_a_state_that_was_set_lasts_until_the_next_evaluation(cloud, stack):
    name = stack(Silent=alarm(MetricName=uuid.uuid4().hex)).outputs["Silent"]
    until(lambda: state(cloud, name) == "OK")
    cloud.client("cloudwatch").set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="test")

    until(lambda: history(cloud, name)[-2:] == ["ALARM", "OK"])
