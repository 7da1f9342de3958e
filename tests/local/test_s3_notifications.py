"""S3 invokes functions only if their policy allows it, with complete events."""

import json

import pytest
from botocore.exceptions import ClientError

from blueprints.errors import BlueprintError
from tests.local.resources import QUEUE, aliased, function_resource, permission, queue_policy
from tests.local.waiting import messages, printed, until

S3 = "s3.amazonaws.com"
RECORDING = "def handler(event, context): print('got', event['Records'][0]['s3']['object']['key'])"


def notifying(function):
    return {
        "Type": "AWS::S3::Bucket",
        "Properties": {
            "NotificationConfiguration": {
                "LambdaConfigurations": [{"Event": "s3:ObjectCreated:*", "Function": function}]
            }
        },
    }


def got(cloud, function):
    """The keys a function was told of."""
    return [line.removeprefix("got ") for line in printed(cloud, function) if line.startswith("got ")]


def test_a_permitted_notification_arrives(cloud, stack):
    deployed = stack(
        Function=function_resource(RECORDING),
        Permission=permission({"Ref": "Function"}, S3),
        Bucket=notifying({"Fn::GetAtt": ["Function", "Arn"]}) | {"DependsOn": "Permission"},
    )
    cloud.client("s3").put_object(Bucket=deployed.outputs["Bucket"], Key="a photo.jpg", Body=b"x")

    assert until(lambda: got(cloud, deployed.outputs["Function"])) == ["a+photo.jpg"]


def test_a_notification_without_permission_is_refused_at_deployment(stack):
    with pytest.raises(BlueprintError, match="Unable to validate the following destination configurations"):
        stack(Function=function_resource(RECORDING), Bucket=notifying({"Fn::GetAtt": ["Function", "Arn"]}))


def test_a_permission_withdrawn_later_stops_the_notifications(cloud, stack):
    deployed = stack(
        Function=function_resource(RECORDING),
        Permission=permission({"Ref": "Function"}, S3),
        Bucket=notifying({"Fn::GetAtt": ["Function", "Arn"]}) | {"DependsOn": "Permission"},
    )
    name, bucket = deployed.outputs["Function"], deployed.outputs["Bucket"]
    lambda_ = cloud.client("lambda")
    (statement,) = json.loads(lambda_.get_policy(FunctionName=name)["Policy"])["Statement"]
    lambda_.remove_permission(FunctionName=name, StatementId=statement["Sid"])

    cloud.client("s3").put_object(Bucket=bucket, Key="photo.jpg", Body=b"x")

    until(lambda: f"bucket {bucket} may not invoke" in cloud.server_log())
    assert got(cloud, name) == []


def test_a_policy_for_another_alias_does_not_count(cloud, stack):
    with pytest.raises(BlueprintError, match="Unable to validate"):
        stack(
            **aliased("Function", RECORDING),
            Permission=permission({"Ref": "Function"}, S3),
            Bucket=notifying({"Ref": "FunctionAlias"}) | {"DependsOn": "Permission"},
        )


def test_events_of_a_versioned_bucket_carry_the_version_to_eventbridge(cloud, stack):
    bucket = {
        "Type": "AWS::S3::Bucket",
        "Properties": {
            "VersioningConfiguration": {"Status": "Enabled"},
            "NotificationConfiguration": {"EventBridgeConfiguration": {"EventBridgeEnabled": True}},
        },
    }
    rule = {
        "Type": "AWS::Events::Rule",
        "Properties": {
            "EventPattern": {"source": ["aws.s3"], "detail": {"bucket": {"name": [{"Ref": "Bucket"}]}}},
            "Targets": [{"Id": "queue", "Arn": {"Fn::GetAtt": ["Queue", "Arn"]}}],
        },
    }
    deployed = stack(Bucket=bucket, Queue=QUEUE, Policy=queue_policy("Queue", "events.amazonaws.com"), Rule=rule)
    s3 = cloud.client("s3")
    key = "写真 +%2F.jpg"

    put = s3.put_object(Bucket=deployed.outputs["Bucket"], Key=key, Body=b"x")
    deleted = s3.delete_object(Bucket=deployed.outputs["Bucket"], Key=key)

    events = sorted(
        (each["body"] for each in messages(cloud, deployed.outputs["Queue"], 2)), key=lambda e: e["detail-type"]
    )
    assert [event["detail-type"] for event in events] == ["Object Created", "Object Deleted"]
    assert [event["detail"]["object"]["version-id"] for event in events] == [put["VersionId"], deleted["VersionId"]]
    assert {event["detail"]["object"]["key"] for event in events} == {key}
    assert events[0]["detail"]["object"]["sequencer"] < events[1]["detail"]["object"]["sequencer"]
    with pytest.raises(ClientError):
        s3.head_object(Bucket=deployed.outputs["Bucket"], Key=key)
