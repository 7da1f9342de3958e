"""Streams, mappings and functions for the tests of event source mappings."""

import json
from typing import Any

from tests.local.resources import role_with
from tests.local.waiting import printed, until

STREAM: dict[str, Any] = {"Type": "AWS::Kinesis::Stream", "Properties": {"ShardCount": 1}}
TABLE: dict[str, Any] = {
    "Type": "AWS::DynamoDB::Table",
    "Properties": {
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "StreamSpecification": {"StreamViewType": "NEW_AND_OLD_IMAGES"},
        "TimeToLiveSpecification": {"AttributeName": "expires", "Enabled": True},
    },
}
# What the guide says a role needs, and no more; s3:ListBucket is for a handler of the tests.
MAY_READ = role_with(
    *(f"kinesis:{action}" for action in ("GetRecords", "GetShardIterator", "DescribeStream", "ListShards")),
    *(f"dynamodb:{action}" for action in ("GetRecords", "GetShardIterator", "DescribeStream", "ListStreams")),
    *("sqs:SendMessage", "sns:Publish", "s3:PutObject", "s3:ListBucket"),
)
# The same for a mapping that reads through an enhanced fan-out consumer.
MAY_SUBSCRIBE = role_with(
    *(f"kinesis:{action}" for action in ("DescribeStreamSummary", "ListShards", "SubscribeToShard")), "sqs:SendMessage"
)
REPORTING = {"FunctionResponseTypes": ["ReportBatchItemFailures"]}

# Prints every batch; fails as the data says: `raise` raises, `report` reports itself.
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


def mapping(source: str = "Stream", function: str = "Function", **properties: Any) -> dict[str, Any]:
    """A mapping of a stream or table of the same stack, read from its beginning."""
    attribute = "StreamArn" if source == "Table" else "Arn"
    return {
        "Type": "AWS::Lambda::EventSourceMapping",
        "Properties": {
            "FunctionName": {"Ref": function},
            "EventSourceArn": {"Fn::GetAtt": [source, attribute]},
            "StartingPosition": "TRIM_HORIZON",
            **properties,
        },
    }


def on_failure(destination: object) -> dict[str, Any]:
    """The mapping's destination for what it gives up."""
    return {"DestinationConfig": {"OnFailure": {"Destination": destination}}}


def put(cloud: Any, deployed: Any, *data: str, key: str = "key") -> list[dict[str, str]]:
    """Put records into the stack's stream; a poller that is awake may see the first before the last."""
    records = [{"Data": each.encode(), "PartitionKey": key} for each in data]
    answer: list[dict[str, str]] = cloud.client("kinesis").put_records(
        StreamName=deployed.outputs["Stream"], Records=records
    )["Records"]
    return answer


def switch_on(cloud: Any, deployed: Any) -> None:
    """Enable the stack's mapping, made with `Enabled=False` so that what was put is there at once."""
    cloud.client("lambda").update_event_source_mapping(UUID=deployed.outputs["Mapping"], Enabled=True)


def batches(cloud: Any, deployed: Any) -> list[list[str]]:
    """All batches the stack's function was given so far."""
    lines = printed(cloud, deployed.outputs["Function"])
    return [json.loads(line.removeprefix("batch ")) for line in lines if line.startswith("batch ")]


def batches_until(cloud: Any, deployed: Any, last: str) -> list[list[str]]:
    """All batches, once there is one that ends so."""
    seen: list[list[str]] = until(lambda: (seen := batches(cloud, deployed)) and seen[-1][-1:] == [last] and seen)
    return seen


def stored(cloud: Any, deployed: Any) -> dict[str, Any]:
    """The stack's mapping as the API describes it."""
    described: dict[str, Any] = cloud.client("lambda").get_event_source_mapping(UUID=deployed.outputs["Mapping"])
    return described
