"""A message leaves its queue only if the function's response allows it."""

import json
import textwrap
import uuid
from itertools import accumulate

import pytest

from blueprints.local.deployment import deploy
from blueprints.local.services.lambda_.event_source_mappings.answers import failed_messages
from tests.local.event_sources import REPORTING, stored, switch_on
from tests.local.resources import QUEUE, function_resource, queue_policy, role_with
from tests.local.trace import LEAVE
from tests.local.waiting import printed, until

READING = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
# Returns the first message's body as its response; "ID" stands for the message's own id.
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
        ("", set()),
        ([], set()),
        ({}, set()),
        ({"statusCode": 200}, set()),
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
        ("done", {"a", "b", "c"}),
        (0, {"a", "b", "c"}),
        (False, {"a", "b", "c"}),
        (["a"], {"a", "b", "c"}),
    ],
)
def test_messages_that_the_response_reports_as_failed_stay(body, kept):
    assert failed_messages({"body": body}, ["a", "b", "c"], partial_responses=True) == kept


@pytest.mark.parametrize(
    ("result", "partial_responses", "kept"),
    [
        ({"body": failing("a")}, False, set()),
        ({"body": failing("a"), "error": True}, True, {"a", "b"}),
        ({"body": {}, "error": True, "throttle": True}, True, {"a", "b"}),
    ],
)
def test_errors_and_settings_take_precedence_over_the_response(result, partial_responses, kept):
    assert failed_messages(result, ["a", "b"], partial_responses=partial_responses) == kept


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


def send(cloud, deployed, *bodies):
    entries = [{"Id": str(number), "MessageBody": body} for number, body in enumerate(bodies)]
    cloud.client("sqs").send_message_batch(QueueUrl=deployed.outputs["Queue"], Entries=entries)


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


def test_malformed_responses_end_in_the_dead_letter_queue(cloud, stack):
    deployed = stack(**reading(ANSWERING, BatchSize=1, **REPORTING))
    wrong = [
        failing(""),
        failing(None),
        failing("of-no-message"),
        {"batchItemFailures": [{"id": "ID"}]},
        {"batchItemFailures": "ID"},
        failing("ID"),
        "done",
    ]
    right = [failing(), {"batchItemFailures": None}, {}, None]
    for answer in (*wrong, *right):
        cloud.client("sqs").send_message(QueueUrl=deployed.outputs["Queue"], MessageBody=json.dumps(answer))

    assert bodies(cloud, deployed.outputs["Dead"], len(wrong)) == sorted(json.dumps(each) for each in wrong)
    until(lambda: left(cloud, deployed.outputs["Queue"]) == 0)
    assert left(cloud, deployed.outputs["Dead"]) == len(wrong)


def test_only_the_named_messages_of_a_batch_come_back(cloud, stack):
    deployed = stack(**reading(FAILING, Enabled=False, **REPORTING))
    send(cloud, deployed, "1", "2 bad", "3")
    switch_on(cloud, deployed)

    assert bodies(cloud, deployed.outputs["Dead"], 1) == ["2 bad"]

    lines = [line for line in printed(cloud, deployed.outputs["Function"]) if line.startswith("batch ")]
    received = [body for line in lines for body in json.loads(line.removeprefix("batch "))]
    assert sorted(received) == ["1", "2 bad", "2 bad", "3"]


def test_messages_excluded_by_filters_leave_the_queue_even_if_the_batch_fails(cloud, stack):
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
    send(cloud, deployed, *(json.dumps({"kind": kind}) for kind in ("wanted", "other")))
    switch_on(cloud, deployed)

    (dead,) = bodies(cloud, deployed.outputs["Dead"], 1)

    assert json.loads(dead)["kind"] == "wanted"
    assert left(cloud, deployed.outputs["Queue"]) == 0
    assert left(cloud, deployed.outputs["Dead"]) == 1


def test_failed_messages_of_a_fifo_queue_come_back_and_others_are_deleted(cloud, stack):
    resources = reading(FAILING, Enabled=False, **REPORTING)
    for name in ("Dead", "Queue"):
        properties = {"FifoQueue": True, "ContentBasedDeduplication": True}
        resources[name] = {**QUEUE, "Properties": {**resources[name].get("Properties", {}), **properties}}
    deployed = stack(**resources)
    for group, body in (("one", "1 bad"), ("one", "2"), ("two", "3")):
        cloud.client("sqs").send_message(QueueUrl=deployed.outputs["Queue"], MessageBody=body, MessageGroupId=group)
    switch_on(cloud, deployed)

    assert bodies(cloud, deployed.outputs["Dead"], 1) == ["1 bad"]
    until(lambda: left(cloud, deployed.outputs["Queue"]) == 0)


def tracing(handler, trace, **properties):
    """A queue and a function whose handler may call `leave`; the mapping is disabled."""
    source = f"{LEAVE}\n{textwrap.dedent(handler)}"
    function = function_resource(source, Environment={"Variables": {"TRACE": trace.url}})
    return {**reading(handler, Enabled=False, **properties), "Queue": QUEUE, "Function": function}


def test_the_batches_of_a_mapping_at_the_same_time_are_limited(cloud, stack, trace):
    handler = """
        def handler(event, context):
            leave("(")
            time.sleep(0.2)
            leave(")")
    """
    deployed = stack(**tracing(handler, trace, BatchSize=1, ScalingConfig={"MaximumConcurrency": 3}))
    send(cloud, deployed, *map(str, range(9)))
    switch_on(cloud, deployed)

    until(lambda: trace.read().count(")") == 9)

    assert max(accumulate(1 if each == "(" else -1 for each in trace.read())) == 3
    until(lambda: left(cloud, deployed.outputs["Queue"]) == 0)


def test_throttled_batches_are_sent_again_until_the_function_is_free(cloud, stack, trace):
    handler = """
        def handler(event, context):
            leave(event["Records"][0]["body"] + event["Records"][0]["attributes"]["ApproximateReceiveCount"] + " ")
            time.sleep(0.1)
    """
    deployed = stack(**tracing(handler, trace, BatchSize=1))
    lambda_ = cloud.client("lambda")
    lambda_.put_function_concurrency(FunctionName=deployed.outputs["Function"], ReservedConcurrentExecutions=1)
    send(cloud, deployed, *"abcdef")
    switch_on(cloud, deployed)

    until(lambda: left(cloud, deployed.outputs["Queue"]) == 0)

    assert sorted(trace.read().split()) == ["a1", "b1", "c1", "d1", "e1", "f1"]


@pytest.mark.parametrize("change", ["disable", "delete"])
def test_a_mapping_stopped_during_a_batch_finishes_it_and_takes_no_other(cloud, stack, trace, change):
    handler = """
        def handler(event, context):
            leave("begun ")
            wait_for_release()
    """
    deployed = stack(**tracing(handler, trace, BatchSize=1, ScalingConfig={"MaximumConcurrency": 2}))
    lambda_, mapping_id = cloud.client("lambda"), deployed.outputs["Mapping"]
    send(cloud, deployed, "1", "2", "3")
    switch_on(cloud, deployed)
    until(lambda: trace.read().count("begun") == 2)

    if change == "disable":
        assert lambda_.update_event_source_mapping(UUID=mapping_id, Enabled=False)["State"] == "Disabling"
        trace.release()
        until(lambda: stored(cloud, deployed)["State"] == "Disabled")
    else:
        assert lambda_.delete_event_source_mapping(UUID=mapping_id)["State"] == "Deleting"
        trace.release()

    until(lambda: left(cloud, deployed.outputs["Queue"]) == 1)
    assert trace.read().split().count("begun") == 2
    received = cloud.client("sqs").receive_message(
        QueueUrl=deployed.outputs["Queue"], MessageSystemAttributeNames=["ApproximateReceiveCount"]
    )
    assert [each["Attributes"]["ApproximateReceiveCount"] for each in received["Messages"]] == ["1"]


def test_a_withdrawn_permission_stops_reading_until_it_is_granted_again(cloud, stack):
    deployed = stack(**{**reading(FAILING), "Queue": QUEUE})
    iam, role = cloud.client("iam"), deployed.outputs["Role"]
    policy = iam.get_role_policy(RoleName=role, PolicyName="test")["PolicyDocument"]
    iam.delete_role_policy(RoleName=role, PolicyName="test")
    send(cloud, deployed, "1")

    until(lambda: "not authorized to perform: sqs:ReceiveMessage" in stored(cloud, deployed)["LastProcessingResult"])
    assert "is not authorized to perform: sqs:ReceiveMessage" in cloud.server_log()
    assert printed(cloud, deployed.outputs["Function"]) == []
    iam.put_role_policy(RoleName=role, PolicyName="test", PolicyDocument=json.dumps(policy))

    until(lambda: left(cloud, deployed.outputs["Queue"]) == 0)
    until(lambda: stored(cloud, deployed)["LastProcessingResult"] == "OK")


def test_messages_that_the_role_may_not_delete_come_again(cloud, stack):
    deployed = stack(**reading(FAILING))
    statement = {"Effect": "Allow", "Action": ["sqs:ReceiveMessage", "sqs:GetQueueAttributes"], "Resource": "*"}
    cloud.client("iam").put_role_policy(
        RoleName=deployed.outputs["Role"],
        PolicyName="test",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )
    send(cloud, deployed, "1")

    assert bodies(cloud, deployed.outputs["Dead"], 1) == ["1"]
    assert printed(cloud, deployed.outputs["Function"]).count('batch ["1"]') == 2
    assert "not authorized to perform: sqs:DeleteMessage" in stored(cloud, deployed)["LastProcessingResult"]


def test_messages_of_a_topic_reach_the_function_through_the_queue(cloud, stack):
    handler = """
        def handler(event, context):
            for each in event["Records"]:
                colour = each["messageAttributes"]["colour"]
                print("got", each["body"], colour["dataType"], colour["stringValue"])
    """
    subscription = {
        "TopicArn": {"Ref": "Topic"},
        "Protocol": "sqs",
        "Endpoint": {"Fn::GetAtt": ["Queue", "Arn"]},
        "RawMessageDelivery": True,
    }
    deployed = stack(
        **reading(handler),
        Topic={"Type": "AWS::SNS::Topic"},
        Policy=queue_policy("Queue", "sns.amazonaws.com"),
        Subscription={"Type": "AWS::SNS::Subscription", "Properties": subscription},
    )

    cloud.client("sns").publish(
        TopicArn=deployed.outputs["Topic"],
        Message="hello",
        MessageAttributes={"colour": {"DataType": "String", "StringValue": "blue"}},
    )

    until(lambda: "got hello String blue" in printed(cloud, deployed.outputs["Function"]))
    until(lambda: left(cloud, deployed.outputs["Queue"]) == 0)


def test_a_mapping_to_an_alias_with_weights_runs_the_version_that_they_choose(cloud):
    """The weights are the template's; with a weight of 1, every batch goes to the additional version."""

    def printing(text):
        return f"def handler(event, context): print({text!r}, context.function_version)"

    version = {"Type": "AWS::Lambda::Version", "Properties": {"FunctionName": {"Ref": "Function"}}}
    weights = [{"FunctionVersion": {"Fn::GetAtt": ["Second", "Version"]}, "FunctionWeight": 1.0}]
    alias = {
        "Name": "live",
        "FunctionName": {"Ref": "Function"},
        "FunctionVersion": {"Fn::GetAtt": ["First", "Version"]},
        "RoutingConfig": {"AdditionalVersionWeights": weights},
    }
    before = {"Role": role_with(*READING), "Function": function_resource(printing("first")), "First": version}
    after = {
        **reading(printing("second"), FunctionName={"Ref": "Alias"}),
        "First": version,
        "Second": version,
        "Alias": {"Type": "AWS::Lambda::Alias", "Properties": alias},
    }
    name = f"test-{uuid.uuid4().hex[:12]}"
    outputs = {each: {"Value": {"Ref": each}} for each in ("Function", "Queue")}
    deploy(cloud, name, json.dumps({"Resources": before}))
    deployed = deploy(cloud, name, json.dumps({"Resources": after, "Outputs": outputs}))
    send(cloud, deployed, "1")

    until(lambda: "second 2" in printed(cloud, deployed.outputs["Function"]))
    until(lambda: left(cloud, deployed.outputs["Queue"]) == 0)
