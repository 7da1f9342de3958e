"""Kinesis streams reach functions in order, and what fails is retried, cut, or handed on, as the guide says."""

import json
import uuid

from tests.local.resources import QUEUE, function_resource, role_with
from tests.local.waiting import messages, printed, until

STREAM = {"Type": "AWS::Kinesis::Stream", "Properties": {"ShardCount": 1}}
ROLE = role_with("kinesis:*", "sqs:*", "sns:*", "s3:*")

# Prints what it is given; fails as the data says: `raise` raises, `report` reports itself.
HANDLER = """
    import base64, json
    def handler(event, context):
        data = [base64.b64decode(each["kinesis"]["data"]).decode() for each in event["Records"]]
        print("batch", json.dumps(data))
        if any("raise" in each for each in data):
            raise ValueError("poison")
        failed = [each["kinesis"]["sequenceNumber"] for each, text in zip(event["Records"], data) if "report" in text]
        return {"batchItemFailures": [{"itemIdentifier": each} for each in reversed(failed)]}
"""
REPORTING = {"FunctionResponseTypes": ["ReportBatchItemFailures"]}
ON_FAILURE = {"DestinationConfig": {"OnFailure": {"Destination": {"Fn::GetAtt": ["Queue", "Arn"]}}}}


def mapping(**properties):
    return {
        "Type": "AWS::Lambda::EventSourceMapping",
        "Properties": {
            "FunctionName": {"Ref": "Function"},
            "EventSourceArn": {"Fn::GetAtt": ["Stream", "Arn"]},
            "StartingPosition": "TRIM_HORIZON",
            **properties,
        },
    }


def put(cloud, deployed, *data, key="key"):
    """Put records into the stack's stream at once."""
    records = [{"Data": each.encode(), "PartitionKey": key} for each in data]
    return cloud.client("kinesis").put_records(StreamName=deployed.outputs["Stream"], Records=records)["Records"]


def batches(cloud, deployed):
    """All batches the function was given so far."""
    lines = printed(cloud, deployed.outputs["Function"])
    return [json.loads(line.removeprefix("batch ")) for line in lines if line.startswith("batch ")]


def batches_ending_with(cloud, deployed, last):
    """All batches, once there is one that ends so."""
    return until(lambda: (seen := batches(cloud, deployed)) and seen[-1][-1] == last and seen)


def test_a_partial_response_is_a_checkpoint_at_the_lowest_failed_record(cloud, stack):
    deployed = stack(
        Role=ROLE,
        Stream=STREAM,
        Queue=QUEUE,
        Function=function_resource(HANDLER),
        Mapping=mapping(MaximumRetryAttempts=1, **REPORTING, **ON_FAILURE),
    )
    sent = put(cloud, deployed, "1", "2 report", "3", "4 report")
    until(lambda: len(batches(cloud, deployed)) == 2)
    put(cloud, deployed, "5")

    assert batches_ending_with(cloud, deployed, "5") == [
        ["1", "2 report", "3", "4 report"],
        ["2 report", "3", "4 report"],
        ["5"],
    ]
    (record,) = [message["body"] for message in messages(cloud, deployed.outputs["Queue"])]
    info = record["KinesisBatchInfo"]
    assert (info["startSequenceNumber"], info["endSequenceNumber"], info["batchSize"]) == (
        sent[1]["SequenceNumber"],
        sent[3]["SequenceNumber"],
        3,
    )
    assert record["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert record["requestContext"]["approximateInvokeCount"] == 2
    assert uuid.UUID(record["requestContext"]["requestId"])
