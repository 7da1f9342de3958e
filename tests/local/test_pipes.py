"""Pipes move messages of queues and records of streams; those that would move nothing here are refused."""

import json

import pytest
from botocore.exceptions import ClientError

from blueprints.errors import BlueprintError
from blueprints.local.services.pipes.refusals import refusal
from tests.local.event_sources import TABLE
from tests.local.resources import QUEUE, arn, function_resource, role_with
from tests.local.waiting import messages, printed, until

QUEUE_ARN, STREAM, MACHINE = arn("sqs", "q"), arn("dynamodb", "table/t/stream/2026"), arn("states", "stateMachine:m")
READING = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
READING_STREAMS = tuple(
    f"dynamodb:{action}" for action in ("DescribeStream", "GetRecords", "GetShardIterator", "ListStreams")
)
FILTERS = {"Filters": [{"Pattern": json.dumps({"body": {"kind": ["wanted"]}})}]}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"Source": arn("kinesis", "stream/s")}, "pipes read queues and DynamoDB streams only"),
        ({"Target": arn("events", "event-bus/b")}, "pipes send to state machines, functions, and"),
        ({"Target": arn("sqs", "q.fifo")}, "standard queues and topics only"),
        ({"Enrichment": arn("lambda", "function:f")}, "Enrichment of pipes"),
        (
            {"SourceParameters": {"DynamoDBStreamParameters": {"DeadLetterConfig": {"Arn": QUEUE_ARN}}}},
            "DeadLetterConfig of pipes",
        ),
        ({"TargetParameters": {"InputTemplate": "<$.body>"}}, "InputTemplate of pipes"),
        ({"SourceParameters": {"FilterCriteria": {"Filters": [{"Pattern": "{"}]}}}, "Invalid filter pattern"),
    ],
)
def test_a_pipe_that_would_not_work_is_refused(changes, message):
    assert message in refusal({"Source": STREAM, "Target": MACHINE, **changes})


@pytest.mark.parametrize(
    "pipe",
    [
        {"Source": STREAM, "Target": MACHINE},
        {"Source": QUEUE_ARN, "Target": arn("lambda", "function:f"), "SourceParameters": {"FilterCriteria": FILTERS}},
        {"Source": STREAM, "Target": arn("sns", "t"), "SourceParameters": {"FilterCriteria": {"Filters": []}}},
        {"DesiredState": "STOPPED"},
    ],
)
def test_other_pipes_are_accepted(pipe):
    assert refusal(pipe) is None


def role(*actions):
    """A role for pipes."""
    made = role_with(*actions)
    trust = json.loads(json.dumps(made["Properties"]["AssumeRolePolicyDocument"]))
    trust["Statement"][0]["Principal"] = {"Service": "pipes.amazonaws.com"}
    return {**made, "Properties": {**made["Properties"], "AssumeRolePolicyDocument": trust}}


def pipe(target, source="Queue", attribute="Arn", **properties):
    return {
        "Type": "AWS::Pipes::Pipe",
        "Properties": {
            "RoleArn": {"Fn::GetAtt": ["PipeRole", "Arn"]},
            "Source": {"Fn::GetAtt": [source, attribute]},
            "Target": {"Fn::GetAtt": [target, "Arn"]},
            **properties,
        },
    }


def send(cloud, deployed, *bodies):
    entries = [{"Id": str(number), "MessageBody": body} for number, body in enumerate(bodies)]
    cloud.client("sqs").send_message_batch(QueueUrl=deployed.outputs["Queue"], Entries=entries)


def left(cloud, deployed):
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    answer = cloud.client("sqs").get_queue_attributes(QueueUrl=deployed.outputs["Queue"], AttributeNames=names)
    return sum(int(each) for each in answer["Attributes"].values())


def reason(cloud, deployed):
    """Why the pipe moves nothing; '' if it does."""
    return cloud.client("pipes").describe_pipe(Name=deployed.outputs["Pipe"]).get("StateReason", "")


def allow(cloud, deployed, *actions):
    """Let the pipe's role do these actions on every resource."""
    allowed = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    cloud.client("iam").put_role_policy(
        RoleName=deployed.outputs["PipeRole"],
        PolicyName="test",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allowed]}),
    )


def test_the_api_and_templates_refuse_such_a_pipe(cloud, stack):
    with pytest.raises(BlueprintError, match=r"Pipe .*Enrichment of pipes is not emulated"):
        stack(PipeRole=role(), Queue=QUEUE, Pipe=pipe("Queue", Enrichment=arn("lambda", "function:f")))
    with pytest.raises(ClientError, match=r"ValidationException.*pipes read queues and DynamoDB streams only"):
        cloud.client("pipes").create_pipe(
            Name="from-kinesis", RoleArn=arn("iam", "role/r"), Source=arn("kinesis", "stream/s"), Target=MACHINE
        )


def test_a_function_gets_the_messages_that_the_filter_lets_through(cloud, stack):
    """The function reports one of them as failed, which becomes a dead letter; the others leave the queue."""
    source = """
        def handler(events, context):
            print("got", *sorted(each["body"] for each in events))
            failed = [each["messageId"] for each in events if "bad" in each["body"]]
            return {"batchItemFailures": [{"itemIdentifier": each} for each in failed]}
    """
    redrive = {"deadLetterTargetArn": {"Fn::GetAtt": ["Dead", "Arn"]}, "maxReceiveCount": 1}
    deployed = stack(
        PipeRole=role(*READING, "lambda:InvokeFunction"),
        Dead=QUEUE,
        Queue={**QUEUE, "Properties": {"VisibilityTimeout": 1, "RedrivePolicy": redrive}},
        Function=function_resource(source),
        Pipe=pipe("Function", SourceParameters={"FilterCriteria": FILTERS, "SqsQueueParameters": {"BatchSize": 10}}),
    )
    good, bad, other = (json.dumps({"kind": kind, "n": n}) for kind, n in (("wanted", 1), ("wanted", "bad"), ("no", 2)))
    send(cloud, deployed, good, bad, other)

    (dead,) = messages(cloud, deployed.outputs["Dead"])

    assert dead["body"] == json.loads(bad)
    assert left(cloud, deployed) == 0
    got = [line for line in printed(cloud, deployed.outputs["Function"]) if line.startswith("got ")]
    assert sorted(" ".join(got).replace("got ", "").replace("} {", "}|{").split("|")) == sorted([good, bad])


def test_messages_stay_until_the_role_may_deliver_them(cloud, stack):
    deployed = stack(
        PipeRole=role(*READING),
        Queue={**QUEUE, "Properties": {"VisibilityTimeout": 1}},
        Target=QUEUE,
        Pipe=pipe("Target"),
    )
    send(cloud, deployed, "1")
    until(lambda: "sqs:SendMessage" in reason(cloud, deployed))
    assert left(cloud, deployed) == 1

    allow(cloud, deployed, "sqs:*")

    (moved,) = messages(cloud, deployed.outputs["Target"])
    assert (moved["body"]["body"], moved["body"]["eventSource"]) == ("1", "aws:sqs")
    until(lambda: left(cloud, deployed) == 0)
    assert reason(cloud, deployed) == ""


def test_records_of_a_table_pass_the_filter(cloud, stack):
    inserted = {"Filters": [{"Pattern": json.dumps({"eventName": ["REMOVE"]})}]}
    start = {"DynamoDBStreamParameters": {"StartingPosition": "TRIM_HORIZON"}, "FilterCriteria": inserted}
    deployed = stack(
        PipeRole=role("sqs:SendMessage", *READING_STREAMS),
        Table=TABLE,
        Target=QUEUE,
        Pipe=pipe("Target", source="Table", attribute="StreamArn", SourceParameters=start),
    )
    table = deployed.outputs["Table"]
    cloud.client("dynamodb").put_item(TableName=table, Item={"id": {"S": "n1"}})
    cloud.client("dynamodb").delete_item(TableName=table, Key={"id": {"S": "n1"}})

    (moved,) = messages(cloud, deployed.outputs["Target"])

    assert moved["body"]["eventName"] == "REMOVE"


def test_records_stay_until_the_role_may_read_the_stream(cloud, stack):
    start = {"DynamoDBStreamParameters": {"StartingPosition": "TRIM_HORIZON"}}
    deployed = stack(
        PipeRole=role("sqs:SendMessage"),
        Table=TABLE,
        Target=QUEUE,
        Pipe=pipe("Target", source="Table", attribute="StreamArn", SourceParameters=start),
    )
    cloud.client("dynamodb").put_item(TableName=deployed.outputs["Table"], Item={"id": {"S": "n1"}})
    until(lambda: "dynamodb:GetRecords" in reason(cloud, deployed))

    allow(cloud, deployed, "sqs:SendMessage", *READING_STREAMS)

    (moved,) = messages(cloud, deployed.outputs["Target"])
    assert moved["body"]["eventName"] == "INSERT"


def test_encrypted_messages_stay_until_the_role_may_decrypt_them(cloud, stack):
    key = cloud.client("kms").create_key()["KeyMetadata"]["Arn"]
    deployed = stack(
        PipeRole=role(*READING, "sqs:SendMessage"),
        Queue={**QUEUE, "Properties": {"KmsMasterKeyId": key}},
        Target=QUEUE,
        Pipe=pipe("Target"),
    )
    send(cloud, deployed, "1")
    until(lambda: "kms:Decrypt" in reason(cloud, deployed))
    assert left(cloud, deployed) == 1

    allow(cloud, deployed, *READING, "sqs:SendMessage", "kms:Decrypt")

    (moved,) = messages(cloud, deployed.outputs["Target"])
    assert moved["body"]["body"] == "1"
