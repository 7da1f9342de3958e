"""A pipe that would move nothing in the embedded AWS is refused by name."""

import pytest
from botocore.exceptions import ClientError

from blueprints.errors import BlueprintError
from blueprints.local.services.pipes.refusals import refusal
from tests.local.resources import QUEUE, ROLE, arn

STREAM, MACHINE = arn("dynamodb", "table/t/stream/2026"), arn("states", "stateMachine:m")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"Source": arn("sqs", "q")}, "pipes read DynamoDB streams only"),
        ({"Source": arn("kinesis", "stream/s")}, "pipes read DynamoDB streams only"),
        ({"Target": arn("lambda", "function:f")}, "pipes send to state machines and topics only"),
        ({"Enrichment": arn("lambda", "function:f")}, "Enrichment of pipes"),
        ({"SourceParameters": {"FilterCriteria": {"Filters": [{"Pattern": "{}"}]}}}, "FilterCriteria of pipes"),
        (
            {"SourceParameters": {"DynamoDBStreamParameters": {"DeadLetterConfig": {"Arn": arn("sqs", "q")}}}},
            "DeadLetterConfig of pipes",
        ),
        ({"TargetParameters": {"InputTemplate": "<$.body>"}}, "InputTemplate of pipes"),
    ],
)
def test_what_the_base_emulator_ignores_is_refused(changes, message):
    assert message in refusal({"Source": STREAM, "Target": MACHINE, **changes})


@pytest.mark.parametrize(
    "pipe",
    [
        {"Source": STREAM, "Target": MACHINE},
        {"Source": STREAM, "Target": arn("sns", "t"), "SourceParameters": {"FilterCriteria": {"Filters": []}}},
        {"DesiredState": "STOPPED"},
    ],
)
def test_other_pipes_are_accepted(pipe):
    assert refusal(pipe) is None


def test_the_api_and_templates_refuse_such_a_pipe(cloud, stack):
    pipe = {"RoleArn": {"Fn::GetAtt": ["Role", "Arn"]}, "Source": {"Fn::GetAtt": ["Queue", "Arn"]}, "Target": MACHINE}
    with pytest.raises(BlueprintError, match=r"Pipe .*pipes read DynamoDB streams only"):
        stack(Role=ROLE, Queue=QUEUE, Pipe={"Type": "AWS::Pipes::Pipe", "Properties": pipe})
    with pytest.raises(ClientError, match=r"ValidationException.*pipes read DynamoDB streams only"):
        cloud.client("pipes").create_pipe(
            Name="from-queue", RoleArn=arn("iam", "role/r"), Source=arn("sqs", "q"), Target=MACHINE
        )
