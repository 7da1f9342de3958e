"""SNS and CloudWatch Logs invoke functions where their policy allows it; Lambda retries what fails."""

import base64
import gzip
import json
import time
import uuid

import pytest
from botocore.exceptions import ClientError

from tests.local.resources import QUEUE, aliased, function_resource, permission, queue_policy, role_with
from tests.local.waiting import messages, printed, until

RECORDING = """
    import json
    def handler(event, context):
        print("event", json.dumps(event))
"""
FAILING = """
    def handler(event, context):
        raise ValueError("made to fail")
"""
TOPIC = {"Type": "AWS::SNS::Topic"}
GROUP = {"Type": "AWS::Logs::LogGroup"}


def subscription(function="Function", **properties):
    endpoint = {"Fn::GetAtt": [function, "Arn"]}
    return {
        "Type": "AWS::SNS::Subscription",
        "Properties": {"TopicArn": {"Ref": "Topic"}, "Protocol": "lambda", "Endpoint": endpoint, **properties},
    }


def events(cloud, deployed, function="Function"):
    lines = printed(cloud, deployed.outputs[function])
    return [json.loads(line.removeprefix("event ")) for line in lines if line.startswith("event ")]


def test_a_notification_looks_as_the_service_sends_it(cloud, stack):
    deployed = stack(
        Topic=TOPIC,
        Function=function_resource(RECORDING),
        Permission=permission({"Ref": "Function"}, "sns.amazonaws.com"),
        Subscription=subscription(),
    )

    cloud.client("sns").publish(TopicArn=deployed.outputs["Topic"], Message="räka")

    (event,) = until(lambda: events(cloud, deployed))
    (record,) = event["Records"]
    assert record["EventSource"] == "aws:sns"
    assert record["EventSubscriptionArn"] == deployed.outputs["Subscription"]
    told = record["Sns"]
    assert (told["Message"], told["Subject"], told["MessageAttributes"]) == ("räka", None, {})
    assert {"SigningCertUrl", "UnsubscribeUrl", "MessageId", "TopicArn", "Timestamp"} <= told.keys()


def test_a_topic_without_permission_invokes_nothing_and_keeps_the_message(cloud, stack):
    redrive = {"deadLetterTargetArn": {"Fn::GetAtt": ["Dead", "Arn"]}}
    deployed = stack(
        Topic=TOPIC,
        Dead=QUEUE,
        Policy=queue_policy("Dead", "sns.amazonaws.com"),
        Function=function_resource(RECORDING),
        Other=permission({"Ref": "Function"}, "s3.amazonaws.com"),
        Subscription=subscription(RedrivePolicy=redrive),
    )

    cloud.client("sns").publish(TopicArn=deployed.outputs["Topic"], Message="kept", Subject="about")

    (dead,) = messages(cloud, deployed.outputs["Dead"])
    assert (dead["body"]["Message"], dead["body"]["Subject"]) == ("kept", "about")
    assert events(cloud, deployed) == []


@pytest.mark.parametrize("raw", [False, True])
def test_events_refused_by_a_queue_go_to_the_dead_letters(cloud, stack, raw):
    redrive = {"deadLetterTargetArn": {"Fn::GetAtt": ["Dead", "Arn"]}}
    to_queue = {"Protocol": "sqs", "RedrivePolicy": redrive, "RawMessageDelivery": raw}
    deployed = stack(
        Topic=TOPIC,
        Dead=QUEUE,
        Queue=QUEUE,
        Policy=queue_policy("Dead", "sns.amazonaws.com"),
        Subscription=subscription("Queue", **to_queue),
    )

    cloud.client("sns").publish(TopicArn=deployed.outputs["Topic"], Message='"kept"')

    (dead,) = messages(cloud, deployed.outputs["Dead"])
    assert (dead["body"] if raw else json.loads(dead["body"]["Message"])) == "kept"
    received = cloud.client("sqs").receive_message(QueueUrl=deployed.outputs["Queue"])
    assert "Messages" not in received


def test_a_permission_for_another_topic_does_not_count(cloud, stack):
    allowed = permission({"Ref": "Function"}, "sns.amazonaws.com")
    allowed["Properties"]["SourceArn"] = {"Ref": "Allowed"}
    deployed = stack(
        Topic=TOPIC,
        Allowed=TOPIC,
        Function=function_resource(RECORDING),
        Permission=allowed,
        Subscription=subscription(),
        AllowedSubscription=subscription(TopicArn={"Ref": "Allowed"}),
    )

    for topic in ("Topic", "Allowed"):
        cloud.client("sns").publish(TopicArn=deployed.outputs[topic], Message=topic)

    until(lambda: events(cloud, deployed))
    assert [each["Records"][0]["Sns"]["Message"] for each in events(cloud, deployed)] == ["Allowed"]


def test_a_failing_function_is_tried_again_and_its_notification_ends_in_the_dead_letters(cloud, stack):
    deployed = stack(
        Role=role_with("sqs:SendMessage"),
        Topic=TOPIC,
        Dead=QUEUE,
        Function=function_resource(FAILING, DeadLetterConfig={"TargetArn": {"Fn::GetAtt": ["Dead", "Arn"]}}),
        Permission=permission({"Ref": "Function"}, "sns.amazonaws.com"),
        Subscription=subscription(),
    )

    cloud.client("sns").publish(TopicArn=deployed.outputs["Topic"], Message="kept")

    (dead,) = messages(cloud, deployed.outputs["Dead"])
    assert dead["body"]["Records"][0]["Sns"]["Message"] == "kept"
    starts = [line for line in printed(cloud, deployed.outputs["Function"]) if line.startswith("START")]
    assert len(starts) == 3


def log_line(cloud, group, message):
    logs, stream = cloud.client("logs"), uuid.uuid4().hex
    logs.create_log_stream(logGroupName=group, logStreamName=stream)
    event = {"timestamp": int(time.time() * 1000), "message": message}
    logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=[event])


def test_log_events_reach_the_alias_that_is_subscribed(cloud, stack):
    deployed = stack(
        Group=GROUP,
        **aliased("Function", RECORDING),
        Permission=permission({"Ref": "FunctionAlias"}, "logs.amazonaws.com"),
        Filter={
            "Type": "AWS::Logs::SubscriptionFilter",
            "DependsOn": "Permission",
            "Properties": {
                "LogGroupName": {"Ref": "Group"},
                "FilterPattern": "ERROR",
                "DestinationArn": {"Ref": "FunctionAlias"},
            },
        },
    )

    log_line(cloud, deployed.outputs["Group"], "INFO all is well")
    log_line(cloud, deployed.outputs["Group"], "ERROR it broke")

    (event,) = until(lambda: events(cloud, deployed))
    data = json.loads(gzip.decompress(base64.b64decode(event["awslogs"]["data"])))
    assert [each["message"] for each in data["logEvents"]] == ["ERROR it broke"]
    assert data["logGroup"] == deployed.outputs["Group"]


def test_a_subscription_filter_without_permission_is_refused(cloud, stack):
    deployed = stack(Group=GROUP, Function=function_resource(RECORDING))
    function = cloud.client("lambda").get_function(FunctionName=deployed.outputs["Function"])

    with pytest.raises(ClientError, match="Could not execute the lambda function"):
        cloud.client("logs").put_subscription_filter(
            logGroupName=deployed.outputs["Group"],
            filterName="all",
            filterPattern="",
            destinationArn=function["Configuration"]["FunctionArn"],
        )
