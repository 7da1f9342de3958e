"""A queue mapping that Lambda refuses is refused at creation and at an update, by template and by API."""

import json
import uuid

import pytest
from botocore.exceptions import ClientError

from blueprints.errors import BlueprintError
from blueprints.local.cloud import ACCOUNT
from blueprints.local.deployment import deploy
from blueprints.local.services.lambda_.event_source_mappings.queue_refusals import queue_refusal
from tests.local.resources import ROLE, arn, function_resource, role_with

READING = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
FINE = "def handler(event, context): return 'fine'"
STANDARD, FIFO = arn("sqs", "orders"), arn("sqs", "orders.fifo")


def out_of_range(value, name, bound):
    return f"1 validation error detected: Value '{value}' at '{name}' failed to satisfy constraint: Member must {bound}"


def unsupported(name):
    return f"Unsupported {name} parameter for given event source mapping type."


NO_WINDOW = "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10"
NO_FIFO_WINDOW = "Batching window is not supported for FIFO queues"


@pytest.mark.parametrize(
    ("queue", "properties", "message"),
    [
        (STANDARD, {"BatchSize": 11}, NO_WINDOW),
        (STANDARD, {"BatchSize": "11"}, NO_WINDOW),
        (FIFO, {"BatchSize": 11}, NO_WINDOW),
        (FIFO, {"MaximumBatchingWindowInSeconds": 5}, NO_FIFO_WINDOW),
        (FIFO, {"BatchSize": 100, "MaximumBatchingWindowInSeconds": 5}, NO_FIFO_WINDOW),
        (STANDARD, {"BatchSize": 0}, out_of_range(0, "batchSize", "have value greater than or equal to 1")),
        (
            STANDARD,
            {"BatchSize": 10_001, "MaximumBatchingWindowInSeconds": 1},
            out_of_range(10_001, "batchSize", "have value less than or equal to 10000"),
        ),
        (STANDARD, {"BatchSize": "many"}, out_of_range("many", "batchSize", "be an integer")),
        (
            STANDARD,
            {"MaximumBatchingWindowInSeconds": 301},
            out_of_range(301, "maximumBatchingWindowInSeconds", "have value less than or equal to 300"),
        ),
        (
            STANDARD,
            {"ScalingConfig": {"MaximumConcurrency": 1}},
            out_of_range(1, "scalingConfig.maximumConcurrency", "have value greater than or equal to 2"),
        ),
        (
            STANDARD,
            {"ScalingConfig": {"MaximumConcurrency": "1001"}},
            out_of_range(1001, "scalingConfig.maximumConcurrency", "have value less than or equal to 1000"),
        ),
        (
            STANDARD,
            {"FunctionResponseTypes": ["ReportBatchItemFailure"]},
            out_of_range(
                "[ReportBatchItemFailure]",
                "functionResponseTypes",
                "satisfy constraint: [Member must satisfy enum value set: [ReportBatchItemFailures]]",
            ),
        ),
        (STANDARD, {"StartingPosition": "LATEST"}, "StartingPosition is not valid for SQS event sources."),
        (STANDARD, {"BisectBatchOnFunctionError": False}, unsupported("BisectBatchOnFunctionError")),
        (STANDARD, {"MaximumRetryAttempts": 0}, unsupported("MaximumRetryAttempts")),
        (STANDARD, {"MaximumRecordAgeInSeconds": 60}, unsupported("MaximumRecordAgeInSeconds")),
        (STANDARD, {"ParallelizationFactor": 2}, unsupported("ParallelizationFactor")),
        (STANDARD, {"TumblingWindowInSeconds": 30}, unsupported("TumblingWindowInSeconds")),
        (STANDARD, {"Topics": ["t"]}, unsupported("Topics")),
        (
            STANDARD,
            {"DestinationConfig": {"OnFailure": {"Destination": STANDARD}}},
            unsupported("DestinationConfig"),
        ),
        (
            STANDARD,
            {"ProvisionedPollerConfig": {"MinimumPollers": 2}},
            "ProvisionedPollerConfig (provisioned pollers) is not emulated by the embedded AWS.",
        ),
        ("arn:aws:sqs:orders", {}, "Event source arn:aws:sqs:orders is no ARN of a queue; take the Arn of a queue."),
    ],
)
def test_settings_that_lambda_refuses_are_refused_in_its_words(queue, properties, message):
    assert queue_refusal(properties, queue, None) == message


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        (["{"], "Invalid filter pattern"),
        (['{"body": []}'], "Empty arrays are not allowed"),
        (['{"body": {"n": [{"numeric": [">", 5, "<", 1]}]}}'], "Bottom must be less than top"),
        (['{"body": {"path": [{"wildcard": "*a*a*a*a*a*a*"}]}}'], "Rule is too complex"),
        (['{"body": ["x"]}', '{"body": ["' + "x" * 4096 + '"]}'], "'filterCriteria.filters.2.member.pattern'"),
        (['{"body": ["x"]}'] * 6, "may hold 5 filters"),
    ],
)
def test_filters_that_are_no_patterns_are_refused(filters, message):
    criteria = {"Filters": [{"Pattern": each} for each in filters]}
    assert message in queue_refusal({"FilterCriteria": criteria}, STANDARD, None)


@pytest.mark.parametrize(
    ("queue", "properties"),
    [
        (STANDARD, {}),
        (STANDARD, {"BatchSize": "10000", "MaximumBatchingWindowInSeconds": 300}),
        (STANDARD, {"ScalingConfig": {"MaximumConcurrency": 2}, "FunctionResponseTypes": ["ReportBatchItemFailures"]}),
        (STANDARD, {"DestinationConfig": {}, "FilterCriteria": {"Filters": []}, "ScalingConfig": {}}),
        (FIFO, {"BatchSize": 10, "MaximumBatchingWindowInSeconds": 0}),
    ],
)
def test_settings_that_lambda_accepts_are_accepted(queue, properties):
    assert queue_refusal(properties, queue, None) is None


def mapping(queue="Queue", function="Function", **properties):
    return {
        "Type": "AWS::Lambda::EventSourceMapping",
        "Properties": {
            "FunctionName": {"Ref": function},
            "EventSourceArn": {"Fn::GetAtt": [queue, "Arn"]},
            **properties,
        },
    }


def queue(**properties):
    return {"Type": "AWS::SQS::Queue", "Properties": properties}


@pytest.mark.parametrize(
    ("role", "properties", "reason"),
    [
        (ROLE, {}, "The provided execution role does not have permissions to call ReceiveMessage on SQS"),
        (role_with(READING[0]), {}, "does not have permissions to call DeleteMessage on SQS"),
        (role_with(*READING[:2]), {}, "does not have permissions to call GetQueueAttributes on SQS"),
        (role_with(*READING), {"FunctionName": "nobody"}, "Function not found: nobody"),
        (role_with(*READING), {"BatchSize": 100}, NO_WINDOW),
    ],
)
def test_a_mapping_that_lambda_refuses_refuses_the_stack(stack, role, properties, reason):
    with pytest.raises(BlueprintError, match=f"Mapping .*{reason}"):
        stack(Role=role, Queue=queue(), Function=function_resource(FINE), Mapping=mapping(**properties))


def test_a_queue_that_the_role_cannot_decrypt_refuses_the_stack(stack):
    owner = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    root = {"Effect": "Allow", "Principal": owner, "Action": "kms:*", "Resource": "*"}
    key = {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": {"Version": "2012-10-17", "Statement": [root]}}}
    resources = {
        "Key": key,
        "Queue": queue(KmsMasterKeyId={"Fn::GetAtt": ["Key", "Arn"]}),
        "Function": function_resource(FINE),
        "Mapping": mapping(),
    }

    with pytest.raises(BlueprintError, match=r"Mapping .*SQS Error Code: KMS.AccessDeniedException.*kms:Decrypt"):
        stack(Role=role_with(*READING), **resources)
    stack(Role=role_with(*READING, "kms:Decrypt"), **resources)


def refused(call, **request):
    with pytest.raises(ClientError) as raised:
        call(**request)
    error = raised.value.response["Error"]
    return error["Code"], error["Message"]


def test_the_api_refuses_as_templates_do(cloud, stack):
    deployed = stack(
        Role=role_with(*READING),
        Queue=queue(VisibilityTimeout=10),
        Short=queue(VisibilityTimeout=5),
        Function=function_resource(FINE),
        Mapping=mapping(),
    )
    lambda_, mapping_id = cloud.client("lambda"), deployed.outputs["Mapping"]
    function = deployed.outputs["Function"]
    described = lambda_.get_event_source_mapping(UUID=mapping_id)
    source = described["EventSourceArn"]
    short = arn("sqs", deployed.outputs["Short"].rpartition("/")[2])

    def created(**request):
        return refused(lambda_.create_event_source_mapping, **{"FunctionName": function, **request})

    invalid = "InvalidParameterValueException"
    same = f'An event source mapping with SQS arn (" {source} ") and function (" {function} ") already exists.'
    remedy = f"Please update or delete the existing mapping with UUID {mapping_id}"
    assert created(EventSourceArn=source) == ("ResourceConflictException", f"{same} {remedy}")
    assert created(EventSourceArn=short) == (
        invalid,
        "Queue visibility timeout: 5 seconds is less than Function timeout: 10 seconds",
    )
    code, message = created(EventSourceArn=f"{source}-other")
    assert code == invalid
    assert message.startswith(
        "Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue."
    )
    elsewhere = source.replace("us-east-1", "eu-west-1")
    assert created(EventSourceArn=elsewhere) == (invalid, "Event source region must match Lambda region us-east-1")
    assert created(EventSourceArn=short, ScalingConfig={"MaximumConcurrency": 1001})[0] == "ValidationException"
    assert refused(lambda_.update_event_source_mapping, UUID=mapping_id, BatchSize=100) == (invalid, NO_WINDOW)

    lambda_.update_function_configuration(FunctionName=function, Timeout=11)  # Lambda accepts this, and SQS the like
    assert refused(lambda_.update_event_source_mapping, UUID=mapping_id, BatchSize=5) == (
        invalid,
        "Queue visibility timeout: 10 seconds is less than Function timeout: 11 seconds",
    )
    assert lambda_.get_event_source_mapping(UUID=mapping_id)["BatchSize"] == described["BatchSize"]


def test_a_mapping_of_a_queue_is_described_with_its_settings_alone(cloud, stack):
    deployed = stack(Role=role_with(*READING), Queue=queue(), Function=function_resource(FINE))
    lambda_ = cloud.client("lambda")
    source = arn("sqs", deployed.outputs["Queue"].rpartition("/")[2])

    made = lambda_.create_event_source_mapping(
        FunctionName=deployed.outputs["Function"], EventSourceArn=source, ScalingConfig={"MaximumConcurrency": 7}
    )
    cleared = lambda_.update_event_source_mapping(UUID=made["UUID"], ScalingConfig={}, FilterCriteria={})

    assert (made["State"], cleared["State"]) == ("Creating", "Updating")
    assert made["ScalingConfig"] == {"MaximumConcurrency": 7}
    assert set(cleared) - {"ResponseMetadata", "LastModified", "LastProcessingResult"} == {
        "BatchSize",
        "EventSourceArn",
        "EventSourceMappingArn",
        "FunctionArn",
        "FunctionResponseTypes",
        "MaximumBatchingWindowInSeconds",
        "State",
        "StateTransitionReason",
        "UUID",
    }
    assert (cleared["BatchSize"], cleared["StateTransitionReason"]) == (10, "USER_INITIATED")


def test_an_updated_template_takes_settings_back(cloud):
    resources = {"Role": role_with(*READING), "Queue": queue(), "Function": function_resource(FINE)}
    name = f"test-{uuid.uuid4().hex[:12]}"
    outputs = {"Mapping": {"Value": {"Ref": "Mapping"}}}
    first = mapping(BatchSize="5", ScalingConfig={"MaximumConcurrency": "3"}, Enabled="false")

    def described(made):
        template = json.dumps({"Resources": {**resources, "Mapping": made}, "Outputs": outputs})
        mapping_id = deploy(cloud, name, template).outputs["Mapping"]
        return cloud.client("lambda").get_event_source_mapping(UUID=mapping_id)

    before, after = described(first), described(mapping(BatchSize="6"))

    assert (before["BatchSize"], before["ScalingConfig"], before["State"]) == (5, {"MaximumConcurrency": 3}, "Disabled")
    assert (after["BatchSize"], after.get("ScalingConfig"), after["State"]) == (6, None, "Enabled")
    assert after["UUID"] == before["UUID"]
