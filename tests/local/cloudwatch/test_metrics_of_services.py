"""What alarms of the patterns watch besides functions: dead letters, deliveries that failed, objects, builds."""

import uuid

from tests.local import building
from tests.local.cloudwatch.test_metrics_of_functions import total
from tests.local.resources import QUEUE, function_resource
from tests.local.waiting import messages, until


def alarm(namespace, metric, dimensions, **properties):
    return {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "Namespace": namespace,
            "MetricName": metric,
            "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()],
            "Statistic": "Maximum",
            "Period": 60,
            "EvaluationPeriods": 1,
            "Threshold": 1,
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            "TreatMissingData": "notBreaching",
            **properties,
        },
    }


def states(cloud, name):
    """The states that an alarm has had."""
    items = cloud.client("cloudwatch").describe_alarm_history(AlarmName=name, HistoryItemType="StateUpdate")
    return [each["HistorySummary"].rpartition(" ")[2] for each in items["AlarmHistoryItems"]]


def test_messages_in_a_queue_ring_its_alarm(cloud, stack):
    name = {"Fn::GetAtt": ["Letters", "QueueName"]}
    outputs = stack(
        Letters=QUEUE, Waiting=alarm("AWS/SQS", "ApproximateNumberOfMessagesVisible", {"QueueName": name})
    ).outputs
    queue = outputs["Letters"].rpartition("/")[2]
    cloud.client("sqs").send_message(QueueUrl=outputs["Letters"], MessageBody='"lost"')

    until(lambda: "ALARM" in states(cloud, outputs["Waiting"]))
    assert total(cloud, "ApproximateAgeOfOldestMessage", "AWS/SQS", "Maximum", QueueName=queue) > 0
    messages(cloud, outputs["Letters"])
    until(lambda: total(cloud, "ApproximateNumberOfMessagesVisible", "AWS/SQS", "Minimum", QueueName=queue) == 0)


def test_an_event_that_a_rule_cannot_deliver_counts(cloud, stack):
    source = f"shop.{uuid.uuid4().hex[:8]}"
    rule = {
        "Type": "AWS::Events::Rule",
        "Properties": {
            "EventPattern": {"source": [source]},
            "Targets": [{"Id": "function", "Arn": {"Fn::GetAtt": ["Function", "Arn"]}}],  # without its permission
        },
    }
    outputs = stack(Function=function_resource("def handler(event, context): pass"), Rule=rule).outputs
    entry = {"Source": source, "DetailType": "order", "Detail": "{}"}
    cloud.client("events").put_events(Entries=[entry])

    until(lambda: total(cloud, "FailedInvocations", "AWS/Events", RuleName=outputs["Rule"]) == 1)


def test_objects_of_a_bucket_are_counted_once_a_day(cloud, stack):
    bucket = stack(Bucket={"Type": "AWS::S3::Bucket"}).outputs["Bucket"]
    cloud.client("s3").put_object(Bucket=bucket, Key="a", Body=b"a")

    dimensions = {"BucketName": bucket, "StorageType": "AllStorageTypes"}
    until(lambda: total(cloud, "NumberOfObjects", "AWS/S3", "Maximum", **dimensions) == 1, 60)


def test_builds_count_by_their_outcome(cloud, stack):
    resources = {
        "Builder": building.role(),
        "Logs": {"Type": "AWS::Logs::LogGroup"},
        "Good": building.project(building.spec("true")),
        "Bad": building.project(building.spec("false")),
    }
    outputs = stack(**resources).outputs
    codebuild = cloud.client("codebuild")
    for project in ("Good", "Bad"):
        codebuild.start_build(projectName=outputs[project])

    until(lambda: total(cloud, "SucceededBuilds", "AWS/CodeBuild", ProjectName=outputs["Good"]) == 1)
    until(lambda: total(cloud, "FailedBuilds", "AWS/CodeBuild", ProjectName=outputs["Bad"]) == 1)
    assert total(cloud, "Duration", "AWS/CodeBuild", "Maximum", ProjectName=outputs["Good"]) > 0
