"""Mappings are created, updated, disabled and deleted as on AWS; unsupported ones are refused by name."""

import json
import time

import pytest

from blueprints.errors import BlueprintError
from blueprints.local.cloud import Cloud
from blueprints.local.deployment import deploy
from blueprints.local.services.lambda_.event_source_mappings.refusals import refusal, starting_position_refusal
from tests.local.event_sources import (
    HANDLER,
    MAY_READ,
    STREAM,
    TABLE,
    batches,
    batches_until,
    mapping,
    on_failure,
    put,
    stored,
)
from tests.local.resources import QUEUE, ROLE, aliased, arn, function_resource, role_with
from tests.local.trace import LEAVE
from tests.local.waiting import printed, until

KINESIS = arn("kinesis", "stream/orders")
TOO_COMPLEX = json.dumps({"data": {"path": [{"wildcard": "*a*a*a*a*a*a*"}]}})
TOO_LONG = json.dumps({"data": {"path": ["x" * 4096]}})


@pytest.mark.parametrize(
    ("source", "properties", "named"),
    [
        (KINESIS, {"TumblingWindowInSeconds": 60}, "TumblingWindowInSeconds"),
        (KINESIS, {"ProvisionedPollerConfig": {"MinimumPollers": 1}}, "ProvisionedPollerConfig"),
        (KINESIS, {"KMSKeyArn": arn("kms", "key/1")}, "KMSKeyArn"),
        (arn("kafka", "cluster/c/1"), {"Topics": ["t"]}, "Topics"),
        (arn("mq", "broker:b:1"), {}, "only SQS, Kinesis and DynamoDB"),
        (arn("rds", "cluster:docs"), {"DocumentDBEventSourceConfig": {"DatabaseName": "d"}}, "DocumentDB"),
        ("arn:aws:kinesis:us-east-1", {}, "is no ARN of a stream"),
        (KINESIS + "/consumer/fast", {}, "is no ARN of a stream"),
        (arn("dynamodb", "table/orders"), {}, "StreamArn of a table"),
        ("", {"SelfManagedEventSource": {"Endpoints": {}}}, "SelfManagedEventSource"),
        (KINESIS, {"BatchSize": "many"}, "BatchSize must be a whole number, not 'many'"),
        (KINESIS, {"MaximumRetryAttempts": 1.5}, "MaximumRetryAttempts must be a whole number, not 1.5"),
        (KINESIS, {"BatchSize": 10_001}, "BatchSize must be between 1 and 10000"),
        (KINESIS, {"ParallelizationFactor": 11}, "ParallelizationFactor must be between 1 and 10"),
        (KINESIS, {"MaximumBatchingWindowInSeconds": 301}, "between 0 and 300"),
        (KINESIS, {"MaximumRecordAgeInSeconds": 59}, "at least 60"),
        (KINESIS, {"MaximumRecordAgeInSeconds": 0}, "at least 60"),
        (KINESIS, {"MaximumRetryAttempts": -2}, "between -1 and 10000"),
        (KINESIS, {"FilterCriteria": {"Filters": [{"Pattern": "{"}]}}, "Invalid filter pattern"),
        (KINESIS, {"FilterCriteria": {"Filters": [{"Pattern": '{"data": "text"}'}]}}, "Invalid filter pattern"),
        (KINESIS, {"FilterCriteria": {"Filters": [{"Pattern": '{"data": ["text"]}'}]}}, "must be an object"),
        (KINESIS, {"FilterCriteria": {"Filters": [{"Pattern": '{"eventName": ["x"]}'}] * 6}}, "may hold 5 filters"),
        (KINESIS, {"FilterCriteria": {"Filters": [{"Pattern": TOO_COMPLEX}]}}, "Rule is too complex"),
        (KINESIS, {"FilterCriteria": {"Filters": [{"Pattern": TOO_LONG}]}}, "length less than or equal to 4096"),
        (KINESIS, {"FunctionResponseTypes": ["ReportBatchItemFailure"]}, "not ReportBatchItemFailure."),
        (
            KINESIS,
            {"DestinationConfig": {"OnFailure": {"Destination": arn("lambda", "function:f")}}},
            "no SQS queue, SNS topic or S3 bucket",
        ),
        (KINESIS, {"DestinationConfig": {"OnFailure": {"Destination": arn("sqs", "failed.fifo")}}}, "is FIFO"),
    ],
)
def test_settings_that_are_invalid_or_not_emulated_are_refused_by_name(source, properties, named):
    assert named in refusal(properties, source)


@pytest.mark.parametrize(
    "properties",
    [
        {},
        {"BatchSize": "10000", "ParallelizationFactor": "10", "MaximumBatchingWindowInSeconds": 300},
        {"MaximumRecordAgeInSeconds": -1, "MaximumRetryAttempts": -1, "TumblingWindowInSeconds": 0},
        {"MaximumRecordAgeInSeconds": 60, "MaximumRetryAttempts": 0},
        {"FilterCriteria": {"Filters": []}},
        {"FunctionResponseTypes": ["ReportBatchItemFailures"]},
        {"DestinationConfig": {"OnFailure": {}}},
    ],
)
def test_settings_that_are_emulated_are_accepted(properties):
    assert refusal(properties, KINESIS) is None
    assert refusal(properties, arn("dynamodb", "table/t/stream/2026")) is None


@pytest.mark.parametrize(
    ("source", "position", "moment", "named"),
    [
        (KINESIS, None, None, "StartingPosition must be LATEST or TRIM_HORIZON or AT_TIMESTAMP"),
        (KINESIS, "OLDEST", None, "not OLDEST"),
        (KINESIS, "AT_TIMESTAMP", None, "needs a StartingPositionTimestamp"),
        (KINESIS, "AT_TIMESTAMP", "yesterday", "must be in seconds since 1970, not 'yesterday'"),
        (KINESIS, "AT_TIMESTAMP", "99999999999", "can't be in the future"),
        (KINESIS, "LATEST", 1, "StartingPositionTimestamp is for StartingPosition AT_TIMESTAMP"),
        (arn("dynamodb", "table/t/stream/2026"), "AT_TIMESTAMP", 1, "must be LATEST or TRIM_HORIZON for this stream"),
    ],
)
def test_a_stream_needs_a_position_to_start_from(source, position, moment, named):
    given = {"EventSourceArn": source, "StartingPosition": position, "StartingPositionTimestamp": moment}
    assert named in starting_position_refusal(given)


@pytest.mark.parametrize(
    ("role", "source", "properties", "reason"),
    [
        (
            ROLE,
            "Stream",
            {},
            "Cannot access stream arn:aws:kinesis:.* GetRecords, GetShardIterator, DescribeStream, and ListShards Act",
        ),
        (
            role_with("dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:DescribeStream"),
            "Table",
            {},
            "Cannot access stream arn:aws:dynamodb:.* and ListStreams Actions on your stream in IAM",
        ),
        (MAY_READ, "Stream", {"TumblingWindowInSeconds": 30}, "tumbling windows"),
        (MAY_READ, "Table", {"StartingPosition": "AT_TIMESTAMP", "StartingPositionTimestamp": 1}, "not AT_TIMESTAMP"),
        (MAY_READ, "Stream", {"EventSourceArn": KINESIS}, "Stream not found: .*orders"),
        (MAY_READ, "Stream", {"EventSourceArn": "arn:aws:kinesis:us-east-1"}, "is no ARN of a stream"),
        (MAY_READ, "Stream", {"FunctionName": "nobody"}, "Function not found: nobody"),
    ],
)
def test_a_mapping_that_cannot_work_refuses_the_stack(stack, role, source, properties, reason):
    with pytest.raises(BlueprintError, match=f"Mapping .*{reason}"):
        stack(
            Role=role,
            Stream=STREAM,
            Table=TABLE,
            Function=function_resource(HANDLER),
            Mapping=mapping(source, **properties),
        )


def test_the_api_refuses_what_templates_refuse_and_a_second_mapping(cloud, stack):
    deployed = stack(Role=MAY_READ, Stream=STREAM, Function=function_resource(HANDLER), Mapping=mapping())
    given = {
        "FunctionName": deployed.outputs["Function"],
        "EventSourceArn": stored(cloud, deployed)["EventSourceArn"],
        "StartingPosition": "LATEST",
    }
    lambda_ = cloud.client("lambda")

    with pytest.raises(lambda_.exceptions.ResourceConflictException, match=deployed.outputs["Mapping"]):
        lambda_.create_event_source_mapping(**given)
    with pytest.raises(lambda_.exceptions.InvalidParameterValueException, match="AT_TIMESTAMP needs a"):
        lambda_.create_event_source_mapping(**{**given, "StartingPosition": "AT_TIMESTAMP"})
    with pytest.raises(lambda_.exceptions.InvalidParameterValueException, match="is no ARN of a stream"):
        lambda_.create_event_source_mapping(**{**given, "EventSourceArn": "arn:aws:kinesis:us-east-1"})
    with pytest.raises(lambda_.exceptions.InvalidParameterValueException, match="tumbling"):
        lambda_.update_event_source_mapping(UUID=deployed.outputs["Mapping"], TumblingWindowInSeconds=30)
    cloud.client("iam").delete_role_policy(RoleName=deployed.outputs["Role"], PolicyName="test")
    lambda_.delete_event_source_mapping(UUID=deployed.outputs["Mapping"])
    with pytest.raises(lambda_.exceptions.InvalidParameterValueException, match="Cannot access stream"):
        lambda_.create_event_source_mapping(**given)


def test_a_mapping_is_described_with_all_its_settings(cloud, stack):
    deployed = stack(Role=MAY_READ, Stream=STREAM, **aliased("Function", HANDLER))
    lambda_ = cloud.client("lambda")
    source = cloud.client("kinesis").describe_stream(StreamName=deployed.outputs["Stream"])["StreamDescription"]

    made = lambda_.create_event_source_mapping(
        FunctionName=deployed.outputs["FunctionAlias"], EventSourceArn=source["StreamARN"], StartingPosition="LATEST"
    )
    described = until(
        lambda: (seen := lambda_.get_event_source_mapping(UUID=made["UUID"])) and seen["State"] == "Enabled" and seen
    )

    assert made["State"] == "Creating"
    assert described["FunctionArn"] == deployed.outputs["FunctionAlias"]
    expected = {
        "BatchSize": 100,
        "BisectBatchOnFunctionError": False,
        "DestinationConfig": {"OnFailure": {}},
        "FunctionResponseTypes": [],
        "LastProcessingResult": "No records processed",
        "MaximumBatchingWindowInSeconds": 0,
        "MaximumRecordAgeInSeconds": -1,
        "MaximumRetryAttempts": -1,
        "ParallelizationFactor": 1,
        "StartingPosition": "LATEST",
        "StateTransitionReason": "User action",
        "TumblingWindowInSeconds": 0,
    }
    assert {name: described[name] for name in expected} == expected


def test_latest_begins_at_the_end_of_the_stream_when_the_mapping_is_created(cloud, stack):
    resources = {"Role": MAY_READ, "Stream": STREAM, "Function": function_resource(HANDLER)}
    deployed = stack(**resources)
    put(cloud, deployed, "before")
    source = cloud.client("kinesis").describe_stream(StreamName=deployed.outputs["Stream"])["StreamDescription"]
    made = cloud.client("lambda").create_event_source_mapping(
        FunctionName=deployed.outputs["Function"],
        EventSourceArn=source["StreamARN"],
        StartingPosition="LATEST",
        Enabled=False,
    )
    put(cloud, deployed, "after")
    cloud.client("lambda").update_event_source_mapping(UUID=made["UUID"], Enabled=True)

    assert batches_until(cloud, deployed, "after") == [["after"]]


def test_reading_begins_at_a_timestamp(cloud, stack):
    """Records since then of every shard, closed or open, and all records of shards that are created later."""
    deployed = stack(Role=MAY_READ, Stream=STREAM, Function=function_resource(HANDLER))
    kinesis, name = cloud.client("kinesis"), deployed.outputs["Stream"]
    put(cloud, deployed, "before")
    time.sleep(0.01)
    moment = time.time()
    put(cloud, deployed, "since")
    kinesis.split_shard(StreamName=name, ShardToSplit="shardId-000000000000", NewStartingHashKey=str(2**127))
    put(cloud, deployed, "in a child")
    source = kinesis.describe_stream(StreamName=name)["StreamDescription"]["StreamARN"]

    made = cloud.client("lambda").create_event_source_mapping(
        FunctionName=deployed.outputs["Function"],
        EventSourceArn=source,
        StartingPosition="AT_TIMESTAMP",
        StartingPositionTimestamp=moment,
    )

    assert batches_until(cloud, deployed, "in a child") == [["since"], ["in a child"]]
    assert abs(made["StartingPositionTimestamp"].timestamp() - moment) < 0.001


def test_an_update_that_changes_only_the_position_is_refused(cloud, stack):
    """CloudFormation makes the new mapping first, and Lambda has one of a stream and a function."""
    resources = {"Role": MAY_READ, "Stream": STREAM, "Function": function_resource(HANDLER)}
    deployed = stack(**resources, Mapping=mapping())
    changed = {**resources, "Mapping": mapping(StartingPosition="LATEST")}

    with pytest.raises(BlueprintError, match=f"Mapping .*already exists.*{deployed.outputs['Mapping']}"):
        deploy(cloud, deployed.name, json.dumps({"Resources": changed}))
    assert stored(cloud, deployed)["StartingPosition"] == "TRIM_HORIZON"


def test_a_pause_keeps_the_position_and_changed_settings_apply(cloud, stack):
    deployed = stack(Role=MAY_READ, Stream=STREAM, Function=function_resource(HANDLER), Mapping=mapping())
    lambda_, mapping_id = cloud.client("lambda"), deployed.outputs["Mapping"]
    put(cloud, deployed, "1")
    batches_until(cloud, deployed, "1")

    assert lambda_.update_event_source_mapping(UUID=mapping_id, Enabled=False)["State"] == "Disabling"
    until(lambda: stored(cloud, deployed)["State"] == "Disabled")
    put(cloud, deployed, "2", "3", "4")
    assert lambda_.update_event_source_mapping(UUID=mapping_id, BatchSize=2, Enabled=True)["State"] == "Enabling"

    assert batches_until(cloud, deployed, "4") == [["1"], ["2", "3"], ["4"]]
    assert stored(cloud, deployed)["State"] == "Enabled"


def test_an_updated_template_changes_a_mapping_and_takes_settings_back(cloud, stack):
    resources = {"Role": MAY_READ, "Stream": STREAM, **aliased("Function", HANDLER)}
    first = mapping(FilterCriteria={"Filters": [{"Pattern": '{"partitionKey": ["x"]}'}]}, MaximumRetryAttempts=3)
    deployed = stack(**resources, Mapping=first)
    put(cloud, deployed, "filtered")
    outputs = {name: {"Value": {"Ref": name}} for name in [*resources, "Mapping"]}

    changed = {**resources, "Mapping": mapping(function="FunctionAlias", BatchSize="7")}
    deploy(cloud, deployed.name, json.dumps({"Resources": changed, "Outputs": outputs}))
    put(cloud, deployed, "1")

    assert batches_until(cloud, deployed, "1") == [["1"]]
    described = stored(cloud, deployed)
    assert described["FunctionArn"].endswith(":live")
    assert (described["BatchSize"], described["MaximumRetryAttempts"]) == (7, -1)
    assert "FilterCriteria" not in described


def test_a_withdrawn_permission_stops_reading_until_it_is_granted_again(cloud, stack):
    deployed = stack(Role=MAY_READ, Stream=STREAM, Function=function_resource(HANDLER), Mapping=mapping())
    iam, role = cloud.client("iam"), deployed.outputs["Role"]
    policy = iam.get_role_policy(RoleName=role, PolicyName="test")["PolicyDocument"]
    iam.delete_role_policy(RoleName=role, PolicyName="test")
    put(cloud, deployed, "1")

    until(lambda: "not authorized to perform: kinesis:GetRecords" in stored(cloud, deployed)["LastProcessingResult"])
    assert batches(cloud, deployed) == []
    iam.put_role_policy(RoleName=role, PolicyName="test", PolicyDocument=json.dumps(policy))

    assert batches_until(cloud, deployed, "1") == [["1"]]
    until(lambda: stored(cloud, deployed)["LastProcessingResult"] == "OK")


# Leaves a trace of every try where the test can see it at once.
TRACING = f"""{LEAVE}
import time
def handler(event, context):
    leave("begun ")
    time.sleep(0.7)
    print("ended")
    raise ValueError
"""


def tracing(trace):
    return function_resource(TRACING, Environment={"Variables": {"TRACE": trace.url}})


@pytest.mark.parametrize("retries", [-1, 0])
def test_a_mapping_deleted_during_a_batch_finishes_it_and_stops(cloud, stack, trace, retries):
    """Nothing is tried again, nothing that follows is sent, and nothing is given up."""
    deployed = stack(
        Role=MAY_READ,
        Stream=STREAM,
        Queue=QUEUE,
        Function=tracing(trace),
        Mapping=mapping(BatchSize=1, MaximumRetryAttempts=retries, **on_failure({"Fn::GetAtt": ["Queue", "Arn"]})),
    )
    put(cloud, deployed, "1", "2")
    until(trace.read)
    cloud.client("lambda").delete_event_source_mapping(UUID=deployed.outputs["Mapping"])

    until(lambda: "ended" in printed(cloud, deployed.outputs["Function"]))
    time.sleep(0.3)  # nothing is to come; a retry would within 20 ms
    assert trace.read() == "begun "
    assert "Messages" not in cloud.client("sqs").receive_message(QueueUrl=deployed.outputs["Queue"])


def test_a_mapping_disabled_during_a_batch_finishes_it_and_continues_when_enabled(cloud, stack, trace):
    deployed = stack(Role=MAY_READ, Stream=STREAM, Function=tracing(trace), Mapping=mapping(BatchSize=1))
    lambda_, mapping_id = cloud.client("lambda"), deployed.outputs["Mapping"]
    put(cloud, deployed, "1", "2")
    until(trace.read)
    assert lambda_.update_event_source_mapping(UUID=mapping_id, Enabled=False)["State"] == "Disabling"
    until(lambda: stored(cloud, deployed)["State"] == "Disabled")
    time.sleep(0.3)  # nothing is to come; a retry would within 20 ms
    assert trace.read() == "begun "
    lambda_.update_event_source_mapping(UUID=mapping_id, Enabled=True)
    until(lambda: trace.read() == "begun begun ")
    lambda_.delete_event_source_mapping(UUID=mapping_id)


def test_a_stack_deleted_during_a_batch_leaves_nothing_that_reads_or_invokes(trace):
    with Cloud(time_scale=3000) as cloud:
        resources = {"Role": MAY_READ, "Stream": STREAM, "Function": tracing(trace), "Mapping": mapping(BatchSize=1)}
        outputs = {"Stream": {"Value": {"Ref": "Stream"}}}
        deployed = deploy(cloud, "short-lived", json.dumps({"Resources": resources, "Outputs": outputs}))
        put(cloud, deployed, "1", "2")
        until(trace.read)

        cloudformation = cloud.client("cloudformation")
        cloudformation.delete_stack(StackName="short-lived")
        until(lambda: gone(cloudformation, "short-lived"))

        time.sleep(1.0)  # the batch under way has ended by now, and a retry would have come
        assert trace.read() == "begun "
        assert cloud.client("lambda").list_event_source_mappings()["EventSourceMappings"] == []
        assert cloud.client("kinesis").list_streams()["StreamNames"] == []
        assert "failed inside the embedded AWS" not in cloud.server_log()


def gone(cloudformation, name):
    try:
        return cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"] == "DELETE_COMPLETE"
    except cloudformation.exceptions.ClientError:
        return True


def test_a_reset_leaves_nothing_that_invokes(trace):
    with Cloud(time_scale=3000) as cloud:
        resources = {"Role": MAY_READ, "Stream": STREAM, "Function": tracing(trace), "Mapping": mapping()}
        outputs = {"Stream": {"Value": {"Ref": "Stream"}}}
        deployed = deploy(cloud, "reset", json.dumps({"Resources": resources, "Outputs": outputs}))
        put(cloud, deployed, "1")
        until(trace.read)

        cloud.reset()

        tries = trace.read()
        time.sleep(0.5)  # nothing is to come; a retry would within 20 ms
        assert trace.read() == tries
        assert cloud.client("lambda").list_event_source_mappings()["EventSourceMappings"] == []
        assert "failed inside the embedded AWS" not in cloud.server_log()
