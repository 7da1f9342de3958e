"""A stream distributes records by key, or by itself; then it accepts records without a key."""

import json

import pytest
from botocore.exceptions import ClientError

from tests.local.event_sources import MAY_READ, mapping
from tests.local.resources import function_resource
from tests.local.waiting import printed, until

PRINTING = """
    import json
    def handler(event, context):
        for each in event["Records"]:
            print("key", json.dumps(each["kinesis"]["partitionKey"]))
"""


def on_demand(**properties):
    return {
        "Type": "AWS::Kinesis::Stream",
        "Properties": {"StreamModeDetails": {"StreamMode": "ON_DEMAND"}, **properties},
    }


def read(kinesis, stream):
    """Every record of a stream, with its shard."""
    for shard in kinesis.list_shards(StreamName=stream)["Shards"]:
        given = {"StreamName": stream, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
        iterator = kinesis.get_shard_iterator(**given)["ShardIterator"]
        for record in kinesis.get_records(ShardIterator=iterator)["Records"]:
            yield shard["ShardId"], record


def test_records_without_a_key_reach_a_function_with_null_for_it(cloud, stack):
    deployed = stack(
        Role=MAY_READ,
        Stream=on_demand(RecordDistributionStrategy="AUTO"),
        Function=function_resource(PRINTING),
        Mapping=mapping(),
    )
    kinesis, stream = cloud.client("kinesis"), deployed.outputs["Stream"]

    kinesis.put_record(StreamName=stream, Data=b"{}")
    kinesis.put_records(StreamName=stream, Records=[{"Data": b"{}"}, {"Data": b"{}", "PartitionKey": "a"}])

    until(lambda: len(printed_keys(cloud, deployed)) == 3)
    assert sorted(printed_keys(cloud, deployed)) == ['"a"', "null", "null"]
    records = [record for _, record in read(kinesis, stream)]
    assert sorted(record.get("PartitionKey", "none") for record in records) == ["a", "none", "none"]


def printed_keys(cloud, deployed):
    lines = printed(cloud, deployed.outputs["Function"])
    return [line.removeprefix("key ") for line in lines if line.startswith("key ")]


def test_keys_decide_about_the_shard_unless_the_service_does(cloud, stack):
    kinesis, stream = cloud.client("kinesis"), stack(Stream=on_demand()).outputs["Stream"]
    arn = kinesis.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]["StreamARN"]
    same_key = [{"Data": b"{}", "PartitionKey": "a", "ExplicitHashKey": "0"}] * 100

    kinesis.put_records(StreamName=stream, Records=same_key)
    assert len({shard for shard, _ in read(kinesis, stream)}) == 1

    kinesis.update_stream_record_distribution_strategy(StreamARN=arn, RecordDistributionStrategy="AUTO")
    described = kinesis.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]
    assert described["RecordDistributionStrategy"] == "AUTO"
    kinesis.put_records(StreamName=stream, Records=same_key)
    assert len({shard for shard, _ in read(kinesis, stream)}) == described["OpenShardCount"]


@pytest.mark.parametrize("records", [[{"Data": b"{}"}], [{"Data": b"{}", "PartitionKey": "a"}, {"Data": b"{}"}]])
def test_a_stream_that_needs_keys_refuses_records_without(cloud, stack, records):
    kinesis, stream = cloud.client("kinesis"), stack(Stream=on_demand()).outputs["Stream"]

    with pytest.raises(ClientError, match="ValidationException"):
        kinesis.put_records(StreamName=stream, Records=records)
    with pytest.raises(ClientError, match="ValidationException"):
        kinesis.put_record(StreamName=stream, Data=b"{}")

    assert list(read(kinesis, stream)) == []


def test_records_that_kinesis_cannot_distribute_are_refused(cloud, stack):
    kinesis = cloud.client("kinesis")
    deployed = stack(Stream=on_demand(RecordDistributionStrategy="AUTO"), Other={"Type": "AWS::Kinesis::Stream"})
    other = kinesis.describe_stream_summary(StreamName=deployed.outputs["Other"])["StreamDescriptionSummary"]

    with pytest.raises(ClientError, match="InvalidArgumentException"):
        kinesis.put_record(StreamName=deployed.outputs["Stream"], Data=b"{}", SequenceNumberForOrdering="1")
    with pytest.raises(ClientError, match="InvalidArgumentException"):
        kinesis.update_stream_record_distribution_strategy(
            StreamARN=other["StreamARN"], RecordDistributionStrategy="AUTO"
        )
    with pytest.raises(ClientError, match="InvalidArgumentException"):
        kinesis.create_stream(StreamName="provisioned", ShardCount=1, RecordDistributionStrategy="AUTO")
    before = kinesis.list_streams()["StreamNames"]
    with pytest.raises(Exception, match="needs a stream in on-demand mode"):
        stack(Stream={"Type": "AWS::Kinesis::Stream", "Properties": {"RecordDistributionStrategy": "AUTO"}})
    assert kinesis.list_streams()["StreamNames"] == before
    assert other["RecordDistributionStrategy"] == "USER_PARTITION_KEY"
    assert json.dumps(other["StreamModeDetails"]) == '{"StreamMode": "PROVISIONED"}'
