"""Asynchronous invocations follow the settings of their alias, and keep one request id through retries."""

import json

import pytest

from tests.local.resources import QUEUE, ROLE, aliased, function_resource, role_with
from tests.local.waiting import messages, printed, until

FAILING = """
    def handler(event, context):
        print("try", context.aws_request_id)
        raise RuntimeError("never works")
"""


def invoke_config(function, qualifier, **settings):
    return {
        "Type": "AWS::Lambda::EventInvokeConfig",
        "Properties": {"FunctionName": {"Ref": function}, "Qualifier": qualifier, **settings},
    }


def on_failure(queue):
    return {"DestinationConfig": {"OnFailure": {"Destination": {"Fn::GetAtt": [queue, "Arn"]}}}}


def tries(cloud, function):
    """The request ids of all invocations of a function so far."""
    return [line.split()[1] for line in printed(cloud, function) if line.startswith("try ")]


def test_retries_keep_the_request_id_and_end_at_the_alias_destination(cloud, stack):
    deployed = stack(
        Role=role_with("sqs:SendMessage"),
        **aliased("Function", FAILING),
        Queue=QUEUE,
        Config=invoke_config("Function", "live", MaximumRetryAttempts=1, **on_failure("Queue"))
        | {"DependsOn": "FunctionAlias"},
    )
    cloud.client("lambda").invoke(
        FunctionName=deployed.outputs["FunctionAlias"], InvocationType="Event", Payload=b'{"order": 7}'
    )

    (record,) = [message["body"] for message in messages(cloud, deployed.outputs["Queue"])]

    assert record["requestPayload"] == {"order": 7}
    assert record["requestContext"]["condition"] == "RetriesExhausted"
    assert record["requestContext"]["approximateInvokeCount"] == 2
    assert record["requestContext"]["functionArn"].endswith(":live")
    assert record["responsePayload"]["errorType"] == "RuntimeError"
    assert record["responseContext"] == {"statusCode": 200, "executedVersion": "1", "functionError": "Unhandled"}
    assert tries(cloud, deployed.outputs["Function"]) == [record["requestContext"]["requestId"]] * 2


def test_an_alias_may_forbid_retries(cloud, stack):
    deployed = stack(
        Role=role_with("sqs:SendMessage"),
        **aliased("Function", FAILING),
        Queue=QUEUE,
        Config=invoke_config("Function", "live", MaximumRetryAttempts=0, **on_failure("Queue"))
        | {"DependsOn": "FunctionAlias"},
    )
    cloud.client("lambda").invoke(FunctionName=deployed.outputs["FunctionAlias"], InvocationType="Event")

    (record,) = [message["body"] for message in messages(cloud, deployed.outputs["Queue"])]

    assert record["requestContext"]["approximateInvokeCount"] == 1
    assert len(tries(cloud, deployed.outputs["Function"])) == 1


def test_without_settings_an_event_is_tried_three_times(cloud, stack):
    deployed = stack(Function=function_resource(FAILING))
    name = deployed.outputs["Function"]
    cloud.client("lambda").invoke(FunctionName=name, InvocationType="Event")

    request_ids = until(lambda: (seen := tries(cloud, name)) and len(seen) == 3 and seen)

    assert len(set(request_ids)) == 1


def test_a_dead_letter_queue_gets_the_event_itself(cloud, stack):
    deployed = stack(
        Role=role_with("sqs:SendMessage"),
        Queue=QUEUE,
        Function=function_resource(FAILING, DeadLetterConfig={"TargetArn": {"Fn::GetAtt": ["Queue", "Arn"]}}),
    )
    cloud.client("lambda").invoke(
        FunctionName=deployed.outputs["Function"], InvocationType="Event", Payload=json.dumps([1, 2]).encode()
    )

    (letter,) = messages(cloud, deployed.outputs["Queue"])

    assert letter["body"] == [1, 2]
    assert letter["attributes"]["ErrorMessage"] == "never works"
    assert letter["attributes"]["RequestID"] == tries(cloud, deployed.outputs["Function"])[0]


def test_the_function_and_the_dead_letter_get_the_payload_as_it_was_sent(cloud, stack):
    failing = """
        def handler(event, context):
            raise RuntimeError(str(event["number"]))
    """
    deployed = stack(
        Role=role_with("sqs:SendMessage"),
        Queue=QUEUE,
        Function=function_resource(failing, DeadLetterConfig={"TargetArn": {"Fn::GetAtt": ["Queue", "Arn"]}}),
    )
    sent = '{ "number" : 1e400, "text": "\u00e9\u2028", "text": "\u00e9" }'
    cloud.client("lambda").invoke(
        FunctionName=deployed.outputs["Function"], InvocationType="Event", Payload=sent.encode()
    )

    receive = cloud.client("sqs").receive_message
    named = {"QueueUrl": deployed.outputs["Queue"], "MessageAttributeNames": ["All"]}
    (letter,) = until(lambda: receive(**named).get("Messages"))

    assert letter["Body"] == sent
    assert letter["MessageAttributes"]["ErrorMessage"]["StringValue"] == "inf"


@pytest.mark.parametrize("payload", ["[" * 5000 + "]" * 5000, '"text"'.encode("utf-16").decode("latin-1"), "{"])
def test_a_payload_that_is_not_json_in_utf_8_is_refused(cloud, stack, payload):
    deployed = stack(Function=function_resource(FAILING))
    client = cloud.client("lambda")

    with pytest.raises(client.exceptions.InvalidRequestContentException):
        client.invoke(FunctionName=deployed.outputs["Function"], Payload=payload.encode("latin-1"))


def test_a_destination_the_role_may_not_reach_loses_the_record_and_says_so(cloud, stack):
    deployed = stack(
        Role=ROLE,
        **aliased("Function", FAILING),
        Queue=QUEUE,
        Config=invoke_config("Function", "live", MaximumRetryAttempts=0, **on_failure("Queue"))
        | {"DependsOn": "FunctionAlias"},
    )
    name = deployed.outputs["Function"]
    cloud.client("lambda").invoke(FunctionName=f"{name}:live", InvocationType="Event")

    until(lambda: f"function:{name}:live did not take a record" in cloud.server_log())

    assert "AccessDenied" in cloud.server_log()
    counted = cloud.client("sqs").get_queue_attributes(
        QueueUrl=deployed.outputs["Queue"], AttributeNames=["ApproximateNumberOfMessages"]
    )
    assert counted["Attributes"]["ApproximateNumberOfMessages"] == "0"


def test_a_success_destination_gets_the_answer(cloud, stack):
    destination = {"DestinationConfig": {"OnSuccess": {"Destination": {"Fn::GetAtt": ["Queue", "Arn"]}}}}
    deployed = stack(
        Role=role_with("sqs:SendMessage"),
        **aliased("Function", "def handler(event, context): return event + 1"),
        Queue=QUEUE,
        Config=invoke_config("Function", "live", **destination) | {"DependsOn": "FunctionAlias"},
    )
    cloud.client("lambda").invoke(FunctionName=deployed.outputs["FunctionAlias"], InvocationType="Event", Payload=b"41")

    (record,) = [message["body"] for message in messages(cloud, deployed.outputs["Queue"])]

    assert record["requestContext"]["condition"] == "Success"
    assert record["responsePayload"] == 42


def test_a_throttled_event_waits_for_its_turn(cloud, stack):
    source = """
        import time
        def handler(event, context):
            print("try", event)
            time.sleep(0.3)
    """
    deployed = stack(Function=function_resource(source, ReservedConcurrentExecutions=1))
    name = deployed.outputs["Function"]
    for number in range(4):
        cloud.client("lambda").invoke(
            FunctionName=name, InvocationType="Event", Payload=json.dumps(f"n{number}").encode()
        )

    seen = until(lambda: (ran := tries(cloud, name)) and len(ran) >= 4 and ran)

    assert sorted(seen) == ["n0", "n1", "n2", "n3"]
