"""Kinesis streams reach functions in order; failed batches are retried, bisected, or sent to a destination."""

import json
import re
import time

import pytest

from blueprints.local.services.lambda_.event_source_mappings.shard_progress import lane_of
from tests.local.event_sources import (
    HANDLER,
    MAY_READ,
    REPORTING,
    STREAM,
    batches,
    batches_until,
    mapping,
    on_failure,
    put,
    stored,
    switch_on,
)
from tests.local.resources import QUEUE, aliased, function_resource, queue_policy, role_with
from tests.local.trace import LEAVE
from tests.local.waiting import messages, printed, until

TO_QUEUE = on_failure({"Fn::GetAtt": ["Queue", "Arn"]})


def test_a_record_looks_as_the_service_sends_it(cloud, stack):
    source = """
        import json
        def handler(event, context):
            print("event", json.dumps(event), context.invoked_function_arn)
    """
    deployed = stack(
        Role=MAY_READ,
        Stream=STREAM,
        **aliased("Function", source),
        Mapping=mapping(function="FunctionAlias"),
    )
    (sent,) = put(cloud, deployed, "räksmörgås", key="a key")

    lines = until(lambda: [line for line in printed(cloud, deployed.outputs["Function"]) if line.startswith("event ")])
    event, _, arn = lines[0].removeprefix("event ").rpartition(" ")
    (record,) = json.loads(event)["Records"]

    assert arn == deployed.outputs["FunctionAlias"]
    assert arn.endswith(":live")
    assert abs(record["kinesis"].pop("approximateArrivalTimestamp") - time.time()) < 60
    assert record.pop("invokeIdentityArn").endswith(f":role/{deployed.outputs['Role']}")
    assert record == {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": "a key",
            "sequenceNumber": sent["SequenceNumber"],
            "data": "csOka3Ntw7ZyZ8Olcw==",
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"{sent['ShardId']}:{sent['SequenceNumber']}",
        "eventName": "aws:kinesis:record",
        "awsRegion": "us-east-1",
        "eventSourceARN": stored(cloud, deployed)["EventSourceArn"],
    }


def test_a_partial_response_is_a_checkpoint_at_the_lowest_failed_record(cloud, stack):
    deployed = stack(
        Role=MAY_READ,
        Stream=STREAM,
        Queue=QUEUE,
        **aliased("Function", HANDLER),
        Mapping=mapping(function="FunctionAlias", Enabled=False, MaximumRetryAttempts=1, **REPORTING, **TO_QUEUE),
    )
    sent = put(cloud, deployed, "1", "2 report", "3", "4 report")
    switch_on(cloud, deployed)
    until(lambda: len(batches(cloud, deployed)) == 2)
    put(cloud, deployed, "5")

    assert batches_until(cloud, deployed, "5") == [
        ["1", "2 report", "3", "4 report"],
        ["2 report", "3", "4 report"],
        ["5"],
    ]
    (record,) = [message["body"] for message in messages(cloud, deployed.outputs["Queue"])]
    info, context = record["KinesisBatchInfo"], record["requestContext"]
    assert info["startSequenceNumber"] == sent[1]["SequenceNumber"]
    assert info["endSequenceNumber"] == sent[3]["SequenceNumber"]
    assert (info["batchSize"], info["shardId"]) == (3, sent[0]["ShardId"])
    assert info["streamArn"] == stored(cloud, deployed)["EventSourceArn"]
    assert info["approximateArrivalOfFirstRecord"] <= info["approximateArrivalOfLastRecord"] < record["timestamp"]
    assert (context["condition"], context["approximateInvokeCount"]) == ("RetryAttemptsExhausted", 2)
    assert context["functionArn"] == deployed.outputs["FunctionAlias"]
    assert record["responseContext"] == {"statusCode": 200, "executedVersion": "1"}
    assert record["version"] == "1.0"
    lines = printed(cloud, deployed.outputs["Function"])
    assert any(line.startswith(f"START RequestId: {context['requestId']}") for line in lines)


def test_without_the_setting_a_partial_response_says_nothing(cloud, stack):
    deployed = stack(Role=MAY_READ, Stream=STREAM, Function=function_resource(HANDLER), Mapping=mapping())
    put(cloud, deployed, "1 report")
    until(lambda: batches(cloud, deployed))
    put(cloud, deployed, "2")

    assert batches_until(cloud, deployed, "2") == [["1 report"], ["2"]]
    assert until(lambda: stored(cloud, deployed)["LastProcessingResult"]) == "OK"


def test_bisecting_isolates_the_poison_and_s3_gets_the_records(cloud, stack):
    deployed = stack(
        Role=MAY_READ,
        Stream=STREAM,
        Bucket={"Type": "AWS::S3::Bucket"},
        Function=function_resource(HANDLER),
        Mapping=mapping(
            Enabled=False,
            MaximumRetryAttempts=0,
            BisectBatchOnFunctionError=True,
            **on_failure({"Fn::GetAtt": ["Bucket", "Arn"]}),
        ),
    )
    (first, *_) = sent = put(cloud, deployed, "1", "2", "3 raise", "4", "5")
    switch_on(cloud, deployed)

    assert until(lambda: (seen := batches(cloud, deployed)) and len(seen) == 5 and seen) == [
        ["1", "2", "3 raise", "4", "5"],
        ["1", "2", "3 raise"],
        ["1", "2"],
        ["3 raise"],
        ["4", "5"],
    ]
    s3, bucket = cloud.client("s3"), deployed.outputs["Bucket"]
    (key,) = [each["Key"] for each in until(lambda: s3.list_objects_v2(Bucket=bucket).get("Contents"))]
    place = f"aws/lambda/{deployed.outputs['Mapping']}/{first['ShardId']}/"
    assert re.fullmatch(place + r"\d{4}/\d\d/\d\d/\d{4}-\d\d-\d\dT\d\d\.\d\d\.\d\d-[0-9a-f-]{36}", key)
    record = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    (failed,) = json.loads(record["payload"])["Records"]
    assert failed["kinesis"]["sequenceNumber"] == sent[2]["SequenceNumber"]
    assert record["KinesisBatchInfo"]["batchSize"] == 1
    assert record["responseContext"]["functionError"] == "Unhandled"


def test_a_poison_record_stops_its_lane_alone(cloud, stack):
    """Keys go to lanes by their hash: what follows a record that never works waits, other lanes go on."""
    deployed = stack(
        Role=MAY_READ,
        Stream=STREAM,
        Function=function_resource(HANDLER),
        Mapping=mapping(ParallelizationFactor=10, BatchSize=1),
    )
    keys = {lane_of(str(key), 10): str(key) for key in range(50)}
    put(cloud, deployed, "raise", "behind", key=keys[0])
    for number in range(3):
        put(cloud, deployed, f"red {number}", key=keys[1])
        put(cloud, deployed, f"green {number}", key=keys[2])

    seen = until(lambda: (seen := batches(cloud, deployed)) and ["red 2"] in seen and ["green 2"] in seen and seen)
    cloud.client("lambda").delete_event_source_mapping(UUID=deployed.outputs["Mapping"])

    assert [each for each in seen if "red" in each[0]] == [["red 0"], ["red 1"], ["red 2"]]
    assert [each for each in seen if "green" in each[0]] == [["green 0"], ["green 1"], ["green 2"]]
    assert ["behind"] not in seen


def test_children_wait_for_their_parents_through_splits_and_merges(cloud, stack):
    source = HANDLER.replace('"raise" in each', '"raise" in each and not os.path.exists("/nowhere") and fails()')
    source = (
        source.replace("import base64, json", "import base64, json, os, boto3")
        + """
    def fails():
        items = boto3.client("s3").list_objects_v2(Bucket=os.environ["BUCKET"])
        return not items["KeyCount"]
"""
    )
    deployed = stack(
        Role=MAY_READ,
        Stream=STREAM,
        Bucket={"Type": "AWS::S3::Bucket"},
        Function=function_resource(source, Environment={"Variables": {"BUCKET": {"Ref": "Bucket"}}}),
        Mapping=mapping(),
    )
    kinesis, name = cloud.client("kinesis"), deployed.outputs["Stream"]

    put(cloud, deployed, "raise: grandparent")
    until(lambda: batches(cloud, deployed))
    kinesis.split_shard(StreamName=name, ShardToSplit="shardId-000000000000", NewStartingHashKey=str(2**127))
    for number in range(8):
        put(cloud, deployed, f"parent {number}", key=f"key {number}")
    kinesis.merge_shards(
        StreamName=name, ShardToMerge="shardId-000000000001", AdjacentShardToMerge="shardId-000000000002"
    )
    put(cloud, deployed, "child")
    kinesis.update_shard_count(StreamName=name, TargetShardCount=2, ScalingType="UNIFORM_SCALING")
    put(cloud, deployed, "grandchild")

    assert {text for each in batches(cloud, deployed) for text in each} == {"raise: grandparent"}
    cloud.client("s3").put_object(Bucket=deployed.outputs["Bucket"], Key="go", Body=b"")

    seen = [text for each in batches_until(cloud, deployed, "grandchild") for text in each]
    order = [text for text in dict.fromkeys(seen) if "parent" not in text or text.startswith("raise")]
    assert order == ["raise: grandparent", "child", "grandchild"]
    assert {text for text in seen if text.startswith("parent")} == {f"parent {number}" for number in range(8)}
    assert seen.index("child") == len(seen) - 2


def test_a_window_gathers_the_records_that_arrive_in_it(cloud, stack):
    deployed = stack(
        Role=MAY_READ,
        Stream=STREAM,
        Function=function_resource(HANDLER),
        # 300 seconds are a tenth of one here.
        Mapping=mapping(MaximumBatchingWindowInSeconds=300),
    )
    sent = [str(number) for number in range(20)]
    begun = time.monotonic()
    for each in sent:
        put(cloud, deployed, each)
    windows = (time.monotonic() - begun) / 0.1

    seen = batches_until(cloud, deployed, "19")

    assert [text for each in seen for text in each] == sent
    assert len(seen) <= windows + 2  # those that begin or end outside


def test_a_batch_stays_within_the_payload_limit(cloud, stack):
    source = HANDLER.replace('"batch", json.dumps(data)', '"batch", json.dumps([each[:2] for each in data])')
    deployed = stack(
        Role=MAY_READ,
        Stream=STREAM,
        Function=function_resource(source, MemorySize=1024),
        Mapping=mapping(Enabled=False, BatchSize=1000),
    )
    for number in range(6):
        put(cloud, deployed, f"{number} " + "x" * 1_000_000)
    switch_on(cloud, deployed)

    # A million bytes are a third more in base64: four of them fit into 6 MB.
    assert batches_until(cloud, deployed, "5 ") == [["0 ", "1 ", "2 ", "3 "], ["4 ", "5 "]]


def test_filters_pass_matching_json_records(cloud, stack):
    patterns = [
        {"data": {"kind": ["order"], "amount": [{"numeric": [">", 10]}]}},
        {"partitionKey": [{"prefix": "vip-"}]},
    ]
    deployed = stack(
        Role=MAY_READ,
        Stream=STREAM,
        Function=function_resource(HANDLER),
        Mapping=mapping(FilterCriteria={"Filters": [{"Pattern": json.dumps(each)} for each in patterns]}),
    )
    put(cloud, deployed, "no json", json.dumps({"kind": "order", "amount": 10}))
    put(cloud, deployed, json.dumps({"kind": "order", "amount": 11}), json.dumps({"kind": "refund", "amount": 11}))
    put(cloud, deployed, "no json either", key="vip-1")

    seen = [text for each in batches_until(cloud, deployed, "no json either") for text in each]
    assert seen == ['{"kind": "order", "amount": 11}', "no json either"]


def test_records_grow_too_old_while_the_function_fails(cloud, stack):
    deployed = stack(
        Role=MAY_READ,
        Stream=STREAM,
        Queue=QUEUE,
        QueuePolicy=queue_policy("Queue", "sns.amazonaws.com"),
        Topic={"Type": "AWS::SNS::Topic"},
        Subscription={
            "Type": "AWS::SNS::Subscription",
            "Properties": {
                "TopicArn": {"Ref": "Topic"},
                "Protocol": "sqs",
                "Endpoint": {"Fn::GetAtt": ["Queue", "Arn"]},
                "RawMessageDelivery": True,
            },
        },
        Function=function_resource(HANDLER),
        # 1500 seconds are half a second here.
        Mapping=mapping(MaximumRecordAgeInSeconds=1500, **on_failure({"Ref": "Topic"})),
    )
    put(cloud, deployed, "raise")

    (record,) = [message["body"] for message in messages(cloud, deployed.outputs["Queue"])]
    put(cloud, deployed, "next")

    assert record["requestContext"]["condition"] == "RecordAgeExceeded"
    assert record["requestContext"]["approximateInvokeCount"] == batches_until(cloud, deployed, "next").count(["raise"])
    assert record["responseContext"]["functionError"] == "Unhandled"


def test_an_initialisation_that_fails_is_a_function_error(cloud, stack):
    deployed = stack(
        Role=MAY_READ,
        Stream=STREAM,
        Queue=QUEUE,
        Function=function_resource("import nothing_of_that_name\ndef handler(event, context): pass"),
        Mapping=mapping(MaximumRetryAttempts=1, **TO_QUEUE),
    )
    put(cloud, deployed, "1")

    (record,) = [message["body"] for message in messages(cloud, deployed.outputs["Queue"])]

    assert record["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert record["requestContext"]["approximateInvokeCount"] == 2


def test_a_throttled_batch_waits_for_its_turn_and_counts_no_try(cloud, stack, trace):
    source = f"""{LEAVE}
import base64, json, time
def handler(event, context):
    if "Records" in event:
        data = [base64.b64decode(each["kinesis"]["data"]).decode() for each in event["Records"]]
        print("batch", json.dumps(data))
    else:
        leave("begun")
        time.sleep(1)
"""
    deployed = stack(
        Role=MAY_READ,
        Stream=STREAM,
        Queue=QUEUE,
        Function=function_resource(
            source, ReservedConcurrentExecutions=1, Environment={"Variables": {"TRACE": trace.url}}
        ),
        Mapping=mapping(MaximumRetryAttempts=0, **TO_QUEUE),
    )
    cloud.client("lambda").invoke(FunctionName=deployed.outputs["Function"], InvocationType="Event")
    until(trace.read)
    put(cloud, deployed, "1")
    until(lambda: stored(cloud, deployed)["LastProcessingResult"] == "PROBLEM: Function could not be invoked")

    assert batches_until(cloud, deployed, "1") == [["1"]]
    counted = cloud.client("sqs").get_queue_attributes(
        QueueUrl=deployed.outputs["Queue"], AttributeNames=["ApproximateNumberOfMessages"]
    )
    assert counted["Attributes"]["ApproximateNumberOfMessages"] == "0"


def test_a_destination_out_of_reach_is_logged_and_the_lane_goes_on(cloud, stack):
    deployed = stack(
        Role=MAY_READ,
        Stream=STREAM,
        Function=function_resource(HANDLER),
        Mapping=mapping(MaximumRetryAttempts=0, BatchSize=1, **on_failure("arn:aws:sqs:us-east-1:000000000000:gone")),
    )
    (sent, _) = put(cloud, deployed, "raise", "next")

    assert batches_until(cloud, deployed, "next") == [["raise"], ["next"]]
    (line,) = [each for each in cloud.server_log().splitlines() if sent["SequenceNumber"] in each]
    assert "did not take 1 record of" in line
    assert "RetryAttemptsExhausted" in line


@pytest.mark.parametrize("missing", ["s3:PutObject", "s3:ListBucket"])
def test_failed_records_go_to_a_bucket_only_with_both_permissions(cloud, stack, missing):
    reading = [f"kinesis:{action}" for action in ("GetRecords", "GetShardIterator", "DescribeStream", "ListShards")]
    deployed = stack(
        Role=role_with(*reading, *({"s3:PutObject", "s3:ListBucket"} - {missing})),
        Stream=STREAM,
        Bucket={"Type": "AWS::S3::Bucket"},
        Function=function_resource(HANDLER),
        Mapping=mapping(MaximumRetryAttempts=0, BatchSize=1, **on_failure({"Fn::GetAtt": ["Bucket", "Arn"]})),
    )
    (sent, _) = put(cloud, deployed, "raise", "next")

    assert batches_until(cloud, deployed, "next") == [["raise"], ["next"]]
    (line,) = [each for each in cloud.server_log().splitlines() if sent["SequenceNumber"] in each]
    assert f"not authorized to perform: {missing}" in line
    assert "Contents" not in cloud.client("s3").list_objects_v2(Bucket=deployed.outputs["Bucket"])


STORMY = (
    LEAVE
    + """
import base64, json, random
def handler(event, context):
    chance = random.Random(context.aws_request_id)
    if chance.random() < 0.1:
        raise ValueError("bad weather")
    records = event["Records"]
    good = records[: chance.randrange(len(records))] if chance.random() < 0.3 else records
    leave("".join(base64.b64decode(each["kinesis"]["data"]).decode() + chr(10) for each in good))
    failed = records[len(good):len(good) + 1]
    return {"batchItemFailures": [{"itemIdentifier": each["kinesis"]["sequenceNumber"]} for each in failed]}
"""
)


def test_in_a_storm_of_failures_every_key_arrives_whole_and_in_order(cloud, stack, trace):
    """Lanes, bisecting, checkpoints, a split and a change of the number of lanes, all at once."""
    deployed = stack(
        Role=MAY_READ,
        Stream={"Type": "AWS::Kinesis::Stream", "Properties": {"ShardCount": 2}},
        Function=function_resource(STORMY, Environment={"Variables": {"TRACE": trace.url}}),
        Mapping=mapping(ParallelizationFactor=3, BatchSize=10, BisectBatchOnFunctionError=True, **REPORTING),
    )
    kinesis, name = cloud.client("kinesis"), deployed.outputs["Stream"]
    for begin in range(0, 400, 40):
        records = [(f"{number % 10} {number}", f"key {number % 10}") for number in range(begin, begin + 40)]
        kinesis.put_records(
            StreamName=name, Records=[{"Data": data.encode(), "PartitionKey": key} for data, key in records]
        )
        if begin == 120:
            kinesis.split_shard(StreamName=name, ShardToSplit="shardId-000000000000", NewStartingHashKey=str(2**126))
        if begin == 240:
            cloud.client("lambda").update_event_source_mapping(
                UUID=deployed.outputs["Mapping"], ParallelizationFactor=5
            )

    lines = until(lambda: (seen := trace.read().splitlines()) and len(seen) >= 400 and seen)

    assert len(lines) == 400
    for key in range(10):
        assert [line for line in lines if line.startswith(f"{key} ")] == [f"{key} {n}" for n in range(key, 400, 10)]
