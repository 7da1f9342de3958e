"""AWS/Kinesis: what is put into streams and read from them, with the dimensions that AWS documents."""

import json

import pytest

from blueprints.local.services.kinesis.metrics import of_put, of_put_several
from tests.local.cloudwatch.reading import total
from tests.local.event_sources import HANDLER, MAY_READ, MAY_SUBSCRIBE, STREAM, mapping
from tests.local.resources import function_resource
from tests.local.waiting import until

THROTTLED = "ProvisionedThroughputExceededException"
RECORDS = {"Records": [{"Data": "YWJj"}, {"Data": "YWI="}, {"Data": "YQ=="}]}


def test_records_that_are_put_are_counted_with_their_bytes(cloud, stack):
    name = stack(Stream=STREAM).outputs["Stream"]
    kinesis = cloud.client("kinesis")
    kinesis.put_record(StreamName=name, Data=b"four", PartitionKey="a")
    kinesis.put_records(StreamName=name, Records=[{"Data": b"12345", "PartitionKey": "a"}] * 3)

    expected = {
        "IncomingRecords": 4,
        "IncomingBytes": 4 + 3 * 5,
        "PutRecord.Success": 1,
        "PutRecord.Bytes": 4,
        "PutRecords.Success": 1,
        "PutRecords.TotalRecords": 3,
        "PutRecords.SuccessfulRecords": 3,
        "PutRecords.ThrottledRecords": 0,
        "WriteProvisionedThroughputExceeded": 0,
    }
    assert {each: total(cloud, each, "AWS/Kinesis", StreamName=name) for each in expected} == expected


def test_records_that_are_read_by_the_api_are_counted_with_their_age(cloud, stack):
    name = stack(Stream=STREAM).outputs["Stream"]
    kinesis = cloud.client("kinesis")
    put = kinesis.put_record(StreamName=name, Data=b"four", PartitionKey="a")
    iterator = kinesis.get_shard_iterator(StreamName=name, ShardId=put["ShardId"], ShardIteratorType="TRIM_HORIZON")[
        "ShardIterator"
    ]
    kinesis.get_records(ShardIterator=iterator)

    assert total(cloud, "GetRecords.Records", "AWS/Kinesis", StreamName=name) == 1
    assert total(cloud, "GetRecords.Bytes", "AWS/Kinesis", StreamName=name) == 4
    assert total(cloud, "GetRecords.IteratorAgeMilliseconds", "AWS/Kinesis", "Maximum", StreamName=name) > 0


def test_records_that_mappings_read_are_counted_by_stream_or_by_consumer(cloud, stack):
    consumer = {
        "Type": "AWS::Kinesis::StreamConsumer",
        "Properties": {"ConsumerName": "reader", "StreamARN": {"Fn::GetAtt": ["Stream", "Arn"]}},
    }
    through_consumer = mapping(EventSourceArn={"Ref": "Consumer"}, FunctionName={"Ref": "Other"})
    name = stack(
        Role=MAY_READ,
        Subscriber=MAY_SUBSCRIBE,
        Stream=STREAM,
        Consumer=consumer,
        Function=function_resource(HANDLER),
        Other=function_resource(HANDLER, Role={"Fn::GetAtt": ["Subscriber", "Arn"]}),
        Mapping=mapping(),
        ThroughConsumer=through_consumer,
    ).outputs["Stream"]
    cloud.client("kinesis").put_record(StreamName=name, Data=b"four", PartitionKey="a")

    until(lambda: total(cloud, "GetRecords.Records", "AWS/Kinesis", StreamName=name) == 1)
    dimensions = {"StreamName": name, "ConsumerName": "reader"}
    until(lambda: total(cloud, "SubscribeToShardEvent.Records", "AWS/Kinesis", **dimensions) == 1)


def counts(values):
    return {name: value for name, value, _ in values if value and not name.endswith(("Latency", "Bytes"))}


def test_a_throttled_record_is_counted():
    """No stream here is throttled; so the answer is made up."""
    answer = 400, {}, json.dumps({"__type": THROTTLED}).encode()

    assert counts(of_put({"Data": "YQ=="}, answer, 1.0)) == {"WriteProvisionedThroughputExceeded": 1}


@pytest.mark.parametrize(
    ("status", "answer", "expected"),
    [
        (
            200,
            {"FailedRecordCount": 2, "Records": [{}, {"ErrorCode": THROTTLED}, {"ErrorCode": "InternalFailure"}]},
            {
                "PutRecords.Success": 1,
                "PutRecords.TotalRecords": 3,
                "PutRecords.SuccessfulRecords": 1,
                "PutRecords.FailedRecords": 1,
                "PutRecords.ThrottledRecords": 1,
                "WriteProvisionedThroughputExceeded": 1,
                "IncomingRecords": 1,
            },
        ),
        (
            400,
            {"__type": THROTTLED},
            {
                "PutRecords.TotalRecords": 3,
                "PutRecords.ThrottledRecords": 3,
                "WriteProvisionedThroughputExceeded": 3,
            },
        ),
        (400, {"__type": "ValidationException"}, {"PutRecords.TotalRecords": 3, "PutRecords.FailedRecords": 3}),
    ],
)
def test_the_records_of_a_request_are_counted_by_their_outcome(status, answer, expected):
    values = of_put_several(RECORDS, (status, {}, json.dumps(answer).encode()), 1.0)

    assert counts(values) == expected
    assert ("PutRecords.Bytes", 6, "Bytes") in values
