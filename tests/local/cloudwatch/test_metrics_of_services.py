"""Metrics of queues, rules, topics, buckets and builds."""

import uuid

from tests.local import building
from tests.local.cloudwatch.reading import history, total
from tests.local.resources import QUEUE, function_resource, queue_policy, role_with
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


def test_messages_in_a_queue_ring_its_alarm(cloud, stack):
    name = {"Fn::GetAtt": ["Letters", "QueueName"]}
    outputs = stack(
        Letters=QUEUE, Waiting=alarm("AWS/SQS", "ApproximateNumberOfMessagesVisible", {"QueueName": name})
    ).outputs
    queue = outputs["Letters"].rpartition("/")[2]
    cloud.client("sqs").send_message(QueueUrl=outputs["Letters"], MessageBody='"lost"')

    until(lambda: "ALARM" in history(cloud, outputs["Waiting"]))
    assert total(cloud, "ApproximateAgeOfOldestMessage", "AWS/SQS", "Maximum", QueueName=queue) > 0
    messages(cloud, outputs["Letters"])
    until(lambda: total(cloud, "ApproximateNumberOfMessagesVisible", "AWS/SQS", "Minimum", QueueName=queue) == 0)


def test_messages_are_counted_when_they_are_sent_received_and_deleted(cloud, stack):
    source = f"shop.{uuid.uuid4().hex[:8]}"
    target = {"Id": "queue", "Arn": {"Fn::GetAtt": ["Orders", "Arn"]}}
    outputs = stack(
        Orders=QUEUE,
        OrdersPolicy=queue_policy("Orders", "events.amazonaws.com"),
        Rule={"Type": "AWS::Events::Rule", "Properties": {"EventPattern": {"source": [source]}, "Targets": [target]}},
    ).outputs
    sqs, url = cloud.client("sqs"), outputs["Orders"]
    sqs.receive_message(QueueUrl=url)
    sqs.send_message(QueueUrl=url, MessageBody='"four"')
    sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": name, "MessageBody": '"six"'} for name in "ab"])
    cloud.client("events").put_events(Entries=[{"Source": source, "DetailType": "order", "Detail": "{}"}])
    messages(cloud, url, at_least=4)

    queue = url.rpartition("/")[2]
    expected = {
        "NumberOfMessagesSent": 4,
        "NumberOfMessagesReceived": 4,
        "NumberOfMessagesDeleted": 4,
        "NumberOfEmptyReceives": 1,
    }
    assert {each: total(cloud, each, "AWS/SQS", QueueName=queue) for each in expected} == expected
    assert total(cloud, "SentMessageSize", "AWS/SQS", "Minimum", QueueName=queue) == 5


def test_messages_that_a_mapping_reads_are_counted(cloud, stack):
    reader = {
        "Type": "AWS::Lambda::EventSourceMapping",
        "Properties": {"FunctionName": {"Ref": "Function"}, "EventSourceArn": {"Fn::GetAtt": ["Orders", "Arn"]}},
    }
    outputs = stack(
        Role=role_with("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"),
        Orders=QUEUE,
        Function=function_resource("def handler(event, context): pass"),
        Mapping=reader,
    ).outputs
    queue = outputs["Orders"].rpartition("/")[2]
    cloud.client("sqs").send_message(QueueUrl=outputs["Orders"], MessageBody="{}")

    until(lambda: total(cloud, "NumberOfMessagesDeleted", "AWS/SQS", QueueName=queue) == 1)
    assert total(cloud, "NumberOfMessagesReceived", "AWS/SQS", QueueName=queue) == 1


def test_events_of_a_rule_are_counted_by_what_becomes_of_them(cloud, stack):
    source = f"shop.{uuid.uuid4().hex[:8]}"
    dead_letters = {"DeadLetterConfig": {"Arn": {"Fn::GetAtt": ["Dead", "Arn"]}}}
    rule = {
        "Type": "AWS::Events::Rule",
        "Properties": {
            "EventPattern": {"source": [source]},
            "Targets": [
                {"Id": "queue", "Arn": {"Fn::GetAtt": ["Orders", "Arn"]}},
                # Without its permission.
                {"Id": "function", "Arn": {"Fn::GetAtt": ["Function", "Arn"]}, **dead_letters},
            ],
        },
    }
    name = stack(
        Orders=QUEUE,
        OrdersPolicy=queue_policy("Orders", "events.amazonaws.com"),
        Dead=QUEUE,
        DeadPolicy=queue_policy("Dead", "events.amazonaws.com"),
        Function=function_resource("def handler(event, context): pass"),
        Rule=rule,
    ).outputs["Rule"]
    cloud.client("events").put_events(Entries=[{"Source": source, "DetailType": "order", "Detail": "{}"}])

    expected = {
        "MatchedEvents": 1,
        "TriggeredRules": 1,
        "InvocationAttempts": 2,
        "SuccessfulInvocationAttempts": 1,
        "Invocations": 2,
        "FailedInvocations": 1,
        "InvocationsSentToDlq": 1,
        "InvocationsFailedToBeSentToDlq": None,
        "RetryInvocationAttempts": None,
    }
    until(lambda: total(cloud, "InvocationsSentToDlq", "AWS/Events", RuleName=name) == 1)
    assert {each: total(cloud, each, "AWS/Events", RuleName=name) for each in expected} == expected
    assert total(cloud, "FailedInvocations", "AWS/Events") >= 1


def test_notifications_of_a_topic_are_counted_by_what_becomes_of_them(cloud, stack):
    def subscription(queue, **properties):
        given = {"TopicArn": {"Ref": "Topic"}, "Protocol": "sqs", "Endpoint": {"Fn::GetAtt": [queue, "Arn"]}}
        return {"Type": "AWS::SNS::Subscription", "Properties": {**given, **properties}}

    outputs = stack(
        Topic={"Type": "AWS::SNS::Topic"},
        Open=QUEUE,
        OpenPolicy=queue_policy("Open", "sns.amazonaws.com"),
        Closed=QUEUE,
        ToOpen=subscription("Open"),
        ToClosed=subscription("Closed", RedrivePolicy={"deadLetterTargetArn": {"Fn::GetAtt": ["Open", "Arn"]}}),
        Filtered=subscription("Open", FilterPolicy={"kind": ["other"]}),
    ).outputs
    topic = outputs["Topic"].rpartition(":")[2]
    cloud.client("sns").publish(TopicArn=outputs["Topic"], Message="four")

    until(lambda: total(cloud, "NumberOfNotificationsRedrivenToDlq", "AWS/SNS", TopicName=topic) == 1)
    expected = {
        "NumberOfMessagesPublished": 1,
        "PublishSize": 4,
        "NumberOfNotificationsDelivered": 1,
        "NumberOfNotificationsFailed": 1,
        "NumberOfNotificationsFilteredOut": 1,
    }
    assert {each: total(cloud, each, "AWS/SNS", TopicName=topic) for each in expected} == expected


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
