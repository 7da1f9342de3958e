"""A message leaves its queue only if the function's response allows it."""

import json
import uuid

import pytest

from blueprints.local.services.lambda_.event_source_mappings.answers import unprocessed
from tests.local.event_sources import REPORTING
from tests.local.resources import QUEUE, function_resource, role_with
from tests.local.waiting import printed, until

READING = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
# Answers with what the first message says; "ID" stands for the message's own id.
ANSWERING = """
    import json
    def handler(event, context):
        first = event["Records"][0]
        print("batch", json.dumps([each["body"] for each in event["Records"]]))
        return json.loads(first["body"].replace("ID", first["messageId"]))
"""
# Fails messages by their body.
FAILING = """
    import json
    def handler(event, context):
        print("batch", json.dumps([each["body"] for each in event["Records"]]))
        failed = [each["messageId"] for each in event["Records"] if "bad" in each["body"]]
        return {"batchItemFailures": [{"itemIdentifier": each} for each in failed * 2]}
"""


def failing(*identifiers):
    return {"batchItemFailures": [{"itemIdentifier": each} for each in identifiers]}


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        (None, set()),
        ("done", set()),
        ({}, set()),
        (failing(), set()),
        ({"batchItemFailures": None}, set()),
        (failing("b"), {"b"}),
        (failing("c", "a", "c"), {"a", "c"}),
        (failing("a", "of-no-message"), {"a", "b", "c"}),
        (failing(""), {"a", "b", "c"}),
        (failing(None), {"a", "b", "c"}),
        (failing(1), {"a", "b", "c"}),
        ({"batchItemFailures": [{"id": "a"}]}, {"a", "b", "c"}),
        ({"batchItemFailures": ["a"]}, {"a", "b", "c"}),
        ({"batchItemFailures": "a"}, {"a", "b", "c"}),
        ({"batchItemFailures": {"itemIdentifier": "a"}}, {"a", "b", "c"}),
        ({"batchItemFailures": 0}, {"a", "b", "c"}),
    ],
)
def test_messages_that_an_answer_does_not_clear_stay(body, kept):
    assert unprocessed({"body": body}, ["a", "b", "c"], partial_responses=True) == kept


@pytest.mark.parametrize(
    ("result", "partial_responses", "kept"),
    [
        ({"body": failing("a")}, False, set()),
        ({"body": failing("a"), "error": True}, True, {"a", "b"}),
        ({"body": {}, "error": True, "throttle": True}, True, {"a", "b"}),
    ],
)
def test_errors_and_settings_come_before_the_answer(result, partial_responses, kept):
    assert unprocessed(result, ["a", "b"], partial_responses=partial_responses) == kept


def reading(handler, dead="Dead", **properties):
    """A queue with dead letters after two receipts, and a function that reads it."""
    redrive = {"deadLetterTargetArn": {"Fn::GetAtt": [dead, "Arn"]}, "maxReceiveCount": 2}
    return {
        "Role": role_with(*READING),
        "Dead": QUEUE,
        "Queue": {**QUEUE, "Properties": {"VisibilityTimeout": 1, "RedrivePolicy": redrive}},
        "Function": function_resource(handler, Timeout=1),
        "Mapping": {
            "Type": "AWS::Lambda::EventSourceMapping",
            "Properties": {
                "FunctionName": {"Ref": "Function"},
                "EventSourceArn": {"Fn::GetAtt": ["Queue", "Arn"]},
                **properties,
            },
        },
    }


def bodies(cloud, queue, at_least):
    """The bodies of the queue's messages, once there are as many."""
    sqs, seen = cloud.client("sqs"), []

    def enough():
        received = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
        seen.extend(message["Body"] for message in received)
        return len(seen) >= at_least

    until(enough)
    return sorted(seen)


def left(cloud, queue):
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    attributes = cloud.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"]
    return sum(int(each) for each in attributes.values())


def test_answers_that_name_no_message_of_the_batch_end_in_the_dead_letters(cloud, stack):
    deployed = stack(**reading(ANSWERING, BatchSize=1, **REPORTING))
    wrong = [
        failing(""),
        failing(None),
        failing("of-no-message"),
        {"batchItemFailures": [{"id": "ID"}]},
        {"batchItemFailures": "ID"},
        failing("ID"),
    ]
    right = [failing(), {"batchItemFailures": None}, {}, None, "done"]
    for answer in (*wrong, *right):
        cloud.client("sqs").send_message(QueueUrl=deployed.outputs["Queue"], MessageBody=json.dumps(answer))

    assert bodies(cloud, deployed.outputs["Dead"], len(wrong)) == sorted(json.dumps(each) for each in wrong)
    until(lambda: left(cloud, deployed.outputs["Queue"]) == 0)
    assert left(cloud, deployed.outputs["Dead"]) == len(wrong)


def test_only_the_named_messages_of_a_batch_come_back(cloud, stack):
    deployed = stack(**reading(FAILING, Enabled=False, **REPORTING))
    entries = [{"Id": str(number), "MessageBody": body} for number, body in enumerate(["1", "2 bad", "3"])]
    cloud.client("sqs").send_message_batch(QueueUrl=deployed.outputs["Queue"], Entries=entries)
    cloud.client("lambda").update_event_source_mapping(UUID=deployed.outputs["Mapping"], Enabled=True)

    assert bodies(cloud, deployed.outputs["Dead"], 1) == ["2 bad"]

    lines = [line for line in printed(cloud, deployed.outputs["Function"]) if line.startswith("batch ")]
    received = [body for line in lines for body in json.loads(line.removeprefix("batch "))]
    assert sorted(received) == ["1", "2 bad", "2 bad", "3"]


def test_filtered_messages_leave_the_queue_even_if_their_batch_fails(cloud, stack):
    pattern = json.dumps({"body": {"kind": ["wanted"]}})
    deployed = stack(
        **reading(
            """
            def handler(event, context):
                raise ValueError("whatever comes")
            """,
            Enabled=False,
            FilterCriteria={"Filters": [{"Pattern": pattern}]},
        )
    )
    entries = [
        {"Id": kind, "MessageBody": json.dumps({"kind": kind, "run": uuid.uuid4().hex})} for kind in ("wanted", "other")
    ]
    cloud.client("sqs").send_message_batch(QueueUrl=deployed.outputs["Queue"], Entries=entries)
    cloud.client("lambda").update_event_source_mapping(UUID=deployed.outputs["Mapping"], Enabled=True)

    (dead,) = bodies(cloud, deployed.outputs["Dead"], 1)

    assert json.loads(dead)["kind"] == "wanted"
    assert left(cloud, deployed.outputs["Queue"]) == 0
    assert left(cloud, deployed.outputs["Dead"]) == 1


def test_a_fifo_queue_gives_back_the_named_messages_of_its_groups(cloud, stack):
    resources = reading(FAILING, Enabled=False, **REPORTING)
    for name in ("Dead", "Queue"):
        properties = {"FifoQueue": True, "ContentBasedDeduplication": True}
        resources[name] = {**QUEUE, "Properties": {**resources[name].get("Properties", {}), **properties}}
    deployed = stack(**resources)
    for group, body in (("one", "1 bad"), ("one", "2"), ("two", "3")):
        cloud.client("sqs").send_message(QueueUrl=deployed.outputs["Queue"], MessageBody=body, MessageGroupId=group)
    cloud.client("lambda").update_event_source_mapping(UUID=deployed.outputs["Mapping"], Enabled=True)

    assert bodies(cloud, deployed.outputs["Dead"], 1) == ["1 bad"]
    until(lambda: left(cloud, deployed.outputs["Queue"]) == 0)
