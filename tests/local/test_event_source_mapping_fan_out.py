"""Enhanced fan-out: consumers from a template or the API, and mappings that read through them."""

import json
import uuid
from datetime import UTC

import pytest

from blueprints.errors import BlueprintError
from blueprints.local.deployment import deploy
from tests.local.event_sources import (
    HANDLER,
    MAY_READ,
    MAY_SUBSCRIBE,
    STREAM,
    batches,
    batches_until,
    mapping,
    on_failure,
    put,
    stored,
)
from tests.local.resources import QUEUE, function_resource, role_with
from tests.local.waiting import messages, printed, until

CONSUMER = {
    "Type": "AWS::Kinesis::StreamConsumer",
    "Properties": {"ConsumerName": "reader", "StreamARN": {"Fn::GetAtt": ["Stream", "Arn"]}},
}
THROUGH = {"EventSourceArn": {"Ref": "Consumer"}}


def named(name):
    return {**CONSUMER, "Properties": {**CONSUMER["Properties"], "ConsumerName": name}}


def consumers(cloud, stream):
    arn = cloud.client("kinesis").describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]["StreamARN"]
    return {each["ConsumerARN"] for each in cloud.client("kinesis").list_stream_consumers(StreamARN=arn)["Consumers"]}


def test_a_consumer_is_registered_described_and_removed_with_its_stack(cloud):
    names = ("ConsumerARN", "ConsumerName", "ConsumerStatus", "ConsumerCreationTimestamp", "StreamARN")
    outputs = {name: {"Value": {"Fn::GetAtt": ["Consumer", name]}} for name in names}
    outputs |= {"Ref": {"Value": {"Ref": "Consumer"}}, "Stream": {"Value": {"Ref": "Stream"}}}
    name = f"fan-out-{uuid.uuid4().hex[:8]}"
    deployed = deploy(
        cloud, name, json.dumps({"Resources": {"Stream": STREAM, "Consumer": CONSUMER}, "Outputs": outputs})
    )

    kinesis = cloud.client("kinesis")
    described = kinesis.describe_stream_consumer(ConsumerARN=deployed.outputs["Ref"])["ConsumerDescription"]
    described["ConsumerCreationTimestamp"] = (
        f"{described['ConsumerCreationTimestamp'].astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    )
    assert described == {each: deployed.outputs[each] for each in names}
    assert described["ConsumerARN"] == deployed.outputs["Ref"]
    assert (described["ConsumerName"], described["ConsumerStatus"]) == ("reader", "ACTIVE")

    cloud.client("cloudformation").delete_stack(StackName=name)
    with pytest.raises(kinesis.exceptions.ResourceNotFoundException):
        until(lambda: kinesis.describe_stream_consumer(ConsumerARN=deployed.outputs["Ref"]) and None)


def test_a_mapping_reads_through_a_consumer_with_no_more_than_it_needs(cloud, stack):
    source = """
        import base64, json
        def handler(event, context):
            print("sources", json.dumps([each["eventSourceARN"] for each in event["Records"]]))
            raise ValueError("poison")
    """
    deployed = stack(
        Role=MAY_SUBSCRIBE,
        Stream=STREAM,
        Consumer=CONSUMER,
        Queue=QUEUE,
        Function=function_resource(source),
        Mapping=mapping(MaximumRetryAttempts=0, **THROUGH, **on_failure({"Fn::GetAtt": ["Queue", "Arn"]})),
    )
    (sent,) = put(cloud, deployed, "1")

    (message,) = messages(cloud, deployed.outputs["Queue"])
    info = message["body"]["KinesisBatchInfo"]
    assert info["startSequenceNumber"] == sent["SequenceNumber"]
    assert info["streamArn"] == deployed.outputs["Consumer"]
    (line,) = [each for each in printed(cloud, deployed.outputs["Function"]) if each.startswith("sources ")]
    assert json.loads(line.removeprefix("sources ")) == [deployed.outputs["Consumer"]]
    assert stored(cloud, deployed)["EventSourceArn"] == deployed.outputs["Consumer"]


def test_a_split_is_followed_through_a_consumer(cloud, stack):
    deployed = stack(
        Role=MAY_SUBSCRIBE,
        Stream=STREAM,
        Consumer=CONSUMER,
        Function=function_resource(HANDLER),
        Mapping=mapping(**THROUGH),
    )
    put(cloud, deployed, "parent")
    cloud.client("kinesis").split_shard(
        StreamName=deployed.outputs["Stream"], ShardToSplit="shardId-000000000000", NewStartingHashKey=str(2**127)
    )
    put(cloud, deployed, "child")

    assert batches_until(cloud, deployed, "child") == [["parent"], ["child"]]


def test_permission_to_poll_a_stream_is_not_permission_to_subscribe(cloud, stack):
    resources = {"Stream": STREAM, "Consumer": CONSUMER, "Function": function_resource(HANDLER)}
    with pytest.raises(
        BlueprintError,
        match=r"Cannot access .*/consumer/reader:\d+\..* DescribeStreamSummary, ListShards, and SubscribeToShard",
    ):
        stack(Role=MAY_READ, Mapping=mapping(**THROUGH), **resources)
    with pytest.raises(BlueprintError, match="Cannot access stream"):
        stack(Role=role_with("kinesis:SubscribeToShard"), Mapping=mapping(**THROUGH), **resources)


def test_a_consumer_that_goes_stops_the_reading_by_name(cloud, stack):
    deployed = stack(
        Role=MAY_SUBSCRIBE,
        Stream=STREAM,
        Consumer=CONSUMER,
        Function=function_resource(HANDLER),
        Mapping=mapping(**THROUGH),
    )
    cloud.client("kinesis").deregister_stream_consumer(ConsumerARN=deployed.outputs["Consumer"])
    put(cloud, deployed, "1")

    until(
        lambda: f"Stream not found: {deployed.outputs['Consumer']}" in stored(cloud, deployed)["LastProcessingResult"]
    )
    assert batches(cloud, deployed) == []


def test_the_api_maps_a_registered_consumer_and_only_once(cloud, stack):
    deployed = stack(
        Role=MAY_SUBSCRIBE,
        Stream=STREAM,
        Function=function_resource(HANDLER),
        Other=function_resource(HANDLER),
    )
    kinesis, lambda_ = cloud.client("kinesis"), cloud.client("lambda")
    stream = kinesis.describe_stream_summary(StreamName=deployed.outputs["Stream"])["StreamDescriptionSummary"]
    consumer = kinesis.register_stream_consumer(StreamARN=stream["StreamARN"], ConsumerName="by-hand")["Consumer"]
    given = {"EventSourceArn": consumer["ConsumerARN"], "StartingPosition": "TRIM_HORIZON"}

    made = lambda_.create_event_source_mapping(FunctionName=deployed.outputs["Function"], **given)
    with pytest.raises(lambda_.exceptions.ResourceConflictException, match=f"read by the mapping .*{made['UUID']}"):
        lambda_.create_event_source_mapping(FunctionName=deployed.outputs["Other"], **given)
    with pytest.raises(lambda_.exceptions.InvalidParameterValueException, match=r"Stream not found: .*consumer/nobody"):
        lambda_.create_event_source_mapping(
            FunctionName=deployed.outputs["Function"],
            EventSourceArn=f"{stream['StreamARN']}/consumer/nobody:1",
            StartingPosition="LATEST",
        )
    put(cloud, deployed, "1")

    assert batches_until(cloud, deployed, "1") == [["1"]]


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({"ConsumerName": "a name"}, "ConsumerName 'a name' is not 1 to 128 letters"),
        ({"ConsumerName": "x" * 129}, "is not 1 to 128 letters"),
        ({"StreamARN": "arn:aws:kinesis:us-east-1:000000000000:stream/gone"}, "stream/gone not found"),
    ],
)
def test_a_consumer_that_could_not_be_registered_refuses_the_stack(stack, properties, reason):
    consumer = {**CONSUMER, "Properties": {**CONSUMER["Properties"], **properties}}
    with pytest.raises(BlueprintError, match=rf"Consumer \(AWS::Kinesis::StreamConsumer\): .*{reason}"):
        stack(Stream=STREAM, Consumer=consumer)


def test_another_name_makes_another_consumer_and_mapping(cloud, stack):
    resources = {"Role": MAY_SUBSCRIBE, "Stream": STREAM, "Function": function_resource(HANDLER)}
    outputs = {name: {"Value": {"Ref": name}} for name in [*resources, "Consumer", "Mapping"]}
    first = stack(**resources, Consumer=CONSUMER, Mapping=mapping(**THROUGH))
    put(cloud, first, "1")
    batches_until(cloud, first, "1")

    changed = {
        **resources,
        "Consumer": named("another"),
        "Mapping": mapping(**{**THROUGH, "StartingPosition": "LATEST"}),
    }
    second = deploy(cloud, first.name, json.dumps({"Resources": changed, "Outputs": outputs}))
    put(cloud, second, "2")

    assert "/consumer/another:" in second.outputs["Consumer"]
    assert consumers(cloud, second.outputs["Stream"]) == {second.outputs["Consumer"]}
    lambda_ = cloud.client("lambda")
    with pytest.raises(lambda_.exceptions.ResourceNotFoundException):
        lambda_.get_event_source_mapping(UUID=first.outputs["Mapping"])
    assert batches_until(cloud, second, "2") == [["1"], ["2"]]
