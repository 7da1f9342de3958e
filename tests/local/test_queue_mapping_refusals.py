"""A queue mapping that Lambda refuses is refused at creation, by template and by API."""

import pytest
from botocore.exceptions import ClientError

from blueprints.errors import BlueprintError
from tests.local.resources import ROLE, function_resource, role_with

READING = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
FINE = "def handler(event, context): return 'fine'"
REFUSED = {
    "shorter": ({"VisibilityTimeout": 5}, {}, READING, "visibility timeout: 5 seconds is less than Function timeout"),
    "no permission": ({}, {}, (), "does not have permissions to call ReceiveMessage on SQS"),
    "may not delete": ({}, {}, READING[:1], "does not have permissions to call DeleteMessage on SQS"),
    "no window": ({}, {"BatchSize": 100}, READING, "Maximum batch window in seconds must be greater than 0"),
    "no window, as text": ({}, {"BatchSize": "11"}, READING, "must be greater than 0"),
    "FIFO with a window": (
        {"FifoQueue": True},
        {"MaximumBatchingWindowInSeconds": 5},
        READING,
        "Batching window is not supported for FIFO queues",
    ),
    "FIFO with large batches": ({"FifoQueue": True}, {"BatchSize": 11}, READING, "between 1 and 10"),
    "too large": ({}, {"BatchSize": 10_001, "MaximumBatchingWindowInSeconds": 1}, READING, "between 1 and 10000"),
    "window too long": ({}, {"MaximumBatchingWindowInSeconds": 301}, READING, "between 0 and 300"),
    "with a position": ({}, {"StartingPosition": "LATEST"}, READING, "StartingPosition is not valid"),
}
TAKEN = {
    "as long as the function": ({"VisibilityTimeout": 10}, {}),
    "large batches with a window": ({}, {"BatchSize": 100, "MaximumBatchingWindowInSeconds": 1}),
    "FIFO": ({"FifoQueue": True}, {"BatchSize": 10}),
}


def resources(queue, mapping, actions):
    return {
        "Role": role_with(*actions) if actions else ROLE,
        "Queue": {"Type": "AWS::SQS::Queue", "Properties": queue},
        "Function": function_resource(FINE),
        "Mapping": {
            "Type": "AWS::Lambda::EventSourceMapping",
            "Properties": {
                "FunctionName": {"Ref": "Function"},
                "EventSourceArn": {"Fn::GetAtt": ["Queue", "Arn"]},
                **mapping,
            },
        },
    }


@pytest.mark.parametrize("case", REFUSED)
def test_mappings_that_lambda_refuses_are_refused_at_creation(stack, case):
    queue, mapping, actions, reason = REFUSED[case]
    with pytest.raises(BlueprintError, match=reason):
        stack(**resources(queue, mapping, actions))


@pytest.mark.parametrize("case", TAKEN)
def test_mappings_that_lambda_accepts_are_accepted(cloud, stack, case):
    deployed = stack(**resources(*TAKEN[case], READING))
    mapping = cloud.client("lambda").get_event_source_mapping(UUID=deployed.outputs["Mapping"])
    assert mapping["State"] == "Enabled"


def test_the_api_refuses_as_templates_do(cloud, stack):
    deployed = stack(**resources({}, {}, READING))
    client = cloud.client("lambda")
    arn = client.get_event_source_mapping(UUID=deployed.outputs["Mapping"])["EventSourceArn"]

    with pytest.raises(ClientError, match=r"InvalidParameterValueException.*greater than 0"):
        client.update_event_source_mapping(UUID=deployed.outputs["Mapping"], BatchSize=100)
    with pytest.raises(ClientError, match="NonExistentQueue"):
        client.create_event_source_mapping(FunctionName=deployed.outputs["Function"], EventSourceArn=f"{arn}-other")
