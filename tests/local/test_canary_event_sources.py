"""A canary while batches are retried: each attempt takes a version of its own, each record succeeds once, in order."""

import json
import uuid

import pytest

from tests.local.event_sources import mapping
from tests.local.releases import LONG_CANARY, Releases
from tests.local.resources import role_with
from tests.local.trace import LEAVE
from tests.local.waiting import until

RECORDS = 24
# The first version fails on every third record, so that its batches are retried until the second version gets them.
HANDLER = """
import base64

def value(record):
    if "kinesis" in record:
        return int(base64.b64decode(record["kinesis"]["data"]))
    return int(record["dynamodb"]["Keys"]["id"]["S"])

def handler(event, context):
    values = [value(each) for each in event["Records"]]
    leave("".join(f"try {{context.function_version}} {{each}};" for each in values))
    if {release} == 1 and any(each % 3 == 0 for each in values):
        raise RuntimeError("not by this version")
    leave("".join(f"done {{context.function_version}} {{each}};" for each in values))
"""
PERMISSIONS = (
    "kinesis:GetRecords",
    "kinesis:GetShardIterator",
    "kinesis:DescribeStream",
    "kinesis:DescribeStreamSummary",
    "kinesis:ListShards",
    "kinesis:ListStreams",
    "dynamodb:GetRecords",
    "dynamodb:GetShardIterator",
    "dynamodb:DescribeStream",
    "dynamodb:ListStreams",
)
STREAM = {"Type": "AWS::Kinesis::Stream", "Properties": {"ShardCount": 1}}
TABLE = {
    "Type": "AWS::DynamoDB::Table",
    "Properties": {
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "StreamSpecification": {"StreamViewType": "KEYS_ONLY"},
    },
}
HALF = json.loads(json.dumps(LONG_CANARY))
HALF["Properties"]["TrafficRoutingConfig"]["TimeBasedCanary"]["CanaryPercentage"] = 50


def put_record(cloud, name, value):
    cloud.client("kinesis").put_record(StreamName=name, PartitionKey="key", Data=str(value).encode())


def put_item(cloud, name, value):
    cloud.client("dynamodb").put_item(TableName=name, Item={"id": {"S": str(value)}})


@pytest.mark.parametrize(
    ("source", "resource", "put"),
    [("Stream", STREAM, put_record), ("Table", TABLE, put_item)],
    ids=["kinesis", "table"],
)
def test_each_record_succeeds_once_and_in_order(cloud, trace, source, resource, put):
    releases = Releases(cloud, f"canary-{uuid.uuid4().hex[:12]}")
    code = LEAVE.replace('os.environ["TRACE"]', repr(trace.url)).replace("{", "{{").replace("}", "}}") + HANDLER
    changes = {
        "Role": role_with(*PERMISSIONS),
        source: resource,
        "Mapping": mapping(source, "Alias", BatchSize=2),
        "HalfCanary": HALF,
    }
    settings = {"source": code, "config": {"Ref": "HalfCanary"}, **changes}
    releases.deploy(1, **settings)
    cloudformation = cloud.client("cloudformation")
    found = cloudformation.describe_stack_resource(StackName=releases.name, LogicalResourceId=source)

    with releases.failing(2, **settings):
        until(lambda: releases.alias() == ("1", {"2": 0.5}))
        for value in range(RECORDS):
            put(cloud, found["StackResourceDetail"]["PhysicalResourceId"], value)
        until(lambda: trace.read().count("done") >= RECORDS, 30)
        cloudformation.cancel_update_stack(StackName=releases.name)

    left = [each.split() for each in trace.read().split(";") if each]
    done = [(int(value), version) for what, version, value in left if what == "done"]
    tried = [version for what, version, _ in left if what == "try"]
    assert [value for value, _ in done] == list(range(RECORDS))
    assert {version for value, version in done if value % 3 == 0} == {"2"}
    assert set(tried) == {"1", "2"}
    assert len(tried) > RECORDS
