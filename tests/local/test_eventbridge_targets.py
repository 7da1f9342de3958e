"""EventBridge needs permission to deliver, retries, and sends failed events to the target's dead letters."""

import json
import uuid
from pathlib import Path

import pytest

from blueprints.local.base.clock import Clock
from blueprints.local.base.delivery import Delivery
from blueprints.local.base.extension import EmbeddedAws
from blueprints.local.services.eventbridge import targets as event_targets
from blueprints.local.services.eventbridge.targets import Attempts
from tests.local.resources import QUEUE, aliased, arn, function_resource, permission, queue_policy
from tests.local.waiting import messages, printed, until

RECORDING = "def handler(event, context): print('got', event['detail']['id'], context.invoked_function_arn)"
EVENTS = "events.amazonaws.com"


def rule(target_arn, **target):
    return {
        "Type": "AWS::Events::Rule",
        "Properties": {
            "EventPattern": {"source": [{"Ref": "AWS::StackName"}]},
            "Targets": [{"Id": "target", "Arn": target_arn, **target}],
        },
    }


def put(cloud, stack):
    """Put an event that the stack's rule matches; returns its id."""
    number = uuid.uuid4().hex
    entry = {"Source": stack.name, "DetailType": "test", "Detail": json.dumps({"id": number})}
    assert cloud.client("events").put_events(Entries=[entry])["FailedEntryCount"] == 0
    return number


def test_a_rule_reaches_the_alias_its_permission_allows(cloud, stack):
    deployed = stack(
        **aliased("Function", RECORDING),
        Permission=permission({"Ref": "FunctionAlias"}, EVENTS),
        Rule=rule({"Ref": "FunctionAlias"}),
    )
    number = put(cloud, deployed)

    (line,) = until(lambda: [each for each in printed(cloud, deployed.outputs["Function"]) if number in each])

    assert line.endswith(":live")


def test_without_a_permission_the_event_goes_to_the_dead_letters_at_once(cloud, stack):
    deployed = stack(
        **aliased("Function", RECORDING),
        Queue=QUEUE,
        QueuePolicy=queue_policy("Queue", EVENTS),
        # The function itself is open to events; the alias, which the rule names, is not.
        Permission=permission({"Ref": "Function"}, EVENTS),
        Rule=rule({"Ref": "FunctionAlias"}, DeadLetterConfig={"Arn": {"Fn::GetAtt": ["Queue", "Arn"]}}),
    )
    number = put(cloud, deployed)

    (letter,) = messages(cloud, deployed.outputs["Queue"])

    assert letter["body"]["detail"] == {"id": number}
    assert letter["attributes"]["ERROR_CODE"] == "NO_PERMISSIONS"
    assert letter["attributes"]["RETRY_ATTEMPTS"] == "0"
    assert letter["attributes"]["TARGET_ARN"].endswith(":live")
    assert ":rule/" in letter["attributes"]["RULE_ARN"]
    assert printed(cloud, deployed.outputs["Function"]) == []


def test_an_input_that_is_no_json_goes_to_the_dead_letters(cloud, stack):
    deployed = stack(
        Function=function_resource(RECORDING),
        Queue=QUEUE,
        QueuePolicy=queue_policy("Queue", EVENTS),
        Permission=permission({"Ref": "Function"}, EVENTS),
        Rule=rule(
            {"Fn::GetAtt": ["Function", "Arn"]},
            DeadLetterConfig={"Arn": {"Fn::GetAtt": ["Queue", "Arn"]}},
            InputTransformer={"InputPathsMap": {"id": "$.detail.id"}, "InputTemplate": "number <id>"},
        ),
    )
    number = put(cloud, deployed)

    receive = cloud.client("sqs").receive_message
    named = {"QueueUrl": deployed.outputs["Queue"], "MessageAttributeNames": ["All"]}
    (letter,) = until(lambda: receive(**named).get("Messages"))

    assert number in letter["Body"]
    assert letter["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "INVALID_JSON"
    assert printed(cloud, deployed.outputs["Function"]) == []


def test_an_event_for_a_function_that_is_gone_goes_to_the_dead_letters(cloud, stack):
    deployed = stack(
        Function=function_resource(RECORDING),
        Queue=QUEUE,
        QueuePolicy=queue_policy("Queue", EVENTS),
        Permission=permission({"Ref": "Function"}, EVENTS),
        Rule=rule({"Fn::GetAtt": ["Function", "Arn"]}, DeadLetterConfig={"Arn": {"Fn::GetAtt": ["Queue", "Arn"]}}),
    )
    cloud.client("lambda").delete_function(FunctionName=deployed.outputs["Function"])
    put(cloud, deployed)

    (letter,) = messages(cloud, deployed.outputs["Queue"])

    assert letter["attributes"]["ERROR_CODE"] == "NO_RESOURCE"


class Target:
    """A target that fails a number of times before it takes an event, and the dead letters it leaves."""

    def __init__(self, monkeypatch, failures, **policy):
        self.failures = failures
        self.tries = 0
        self.dead_letters = []
        monkeypatch.setattr(event_targets, "may_send", lambda *_: True)
        monkeypatch.setattr(event_targets, "send", lambda *sent: self.dead_letters.append(sent[-1]))
        self.definition = {"RetryPolicy": policy, "DeadLetterConfig": {"Arn": arn("sqs", "dead-letters")}}
        self.delivery = Delivery(arn("lambda", "function:shop"), arn("events", "rule/orders"))

    def __call__(self):
        self.tries += 1
        if self.tries <= self.failures:
            self.delivery.fail("CONFLICT_ERROR", "not ready", final=False)

    def deliver(self, clock=None):
        aws = EmbeddedAws(Path(), "http://127.0.0.1:1", clock or Clock(60_000))
        Attempts(self.definition, self.delivery, aws, self).make()


def test_a_target_is_retried_until_it_accepts_the_event(monkeypatch):
    target = Target(monkeypatch, failures=2, MaximumRetryAttempts=5)

    target.deliver()

    until(lambda: target.tries == 3)
    assert target.dead_letters == []


@pytest.mark.parametrize("retries", [0, 5], ids=["the last attempt", "an attempt before others"])
def test_an_attempt_that_fails_during_a_reset_has_no_consequence(monkeypatch, retries):
    target, clock, later = Target(monkeypatch, failures=100, MaximumRetryAttempts=retries), Clock(60_000), []
    failing = target.delivery.fail

    def fail_during_a_reset(code, message, *, final):
        clock.reset()
        failing(code, message, final=final)

    monkeypatch.setattr(target.delivery, "fail", fail_during_a_reset)

    target.deliver(clock)

    clock.after(60, lambda: later.append(1))  # a next attempt would come before
    until(lambda: later)
    assert target.tries == 1
    assert target.dead_letters == []


@pytest.mark.parametrize(
    ("policy", "tries", "exhausted"),
    [
        ({"MaximumRetryAttempts": 3}, 4, "MaximumRetryAttempts"),
        ({"MaximumRetryAttempts": 0}, 1, "MaximumRetryAttempts"),
        ({"MaximumEventAgeInSeconds": 0}, 1, "MaximumEventAgeInSeconds"),
    ],
)
def test_a_target_that_never_accepts_is_retried_by_its_retry_policy(monkeypatch, policy, tries, exhausted):
    target = Target(monkeypatch, failures=100, **policy)

    target.deliver()

    (letter,) = until(lambda: target.dead_letters)
    assert target.tries == tries
    assert letter["RETRY_ATTEMPTS"] == str(tries - 1)
    assert letter["EXHAUSTED_RETRY_CONDITION"] == exhausted
    assert letter["ERROR_CODE"] == "CONFLICT_ERROR"


@pytest.mark.parametrize("allowed", [True, False])
def test_a_queue_gets_events_only_by_its_policy(cloud, stack, allowed):
    policies = {"TargetPolicy": queue_policy("Target", EVENTS)} if allowed else {}
    deployed = stack(
        Target=QUEUE,
        DeadLetters=QUEUE,
        DeadLettersPolicy=queue_policy("DeadLetters", EVENTS),
        Rule=rule({"Fn::GetAtt": ["Target", "Arn"]}, DeadLetterConfig={"Arn": {"Fn::GetAtt": ["DeadLetters", "Arn"]}}),
        **policies,
    )
    number = put(cloud, deployed)

    (message,) = messages(cloud, deployed.outputs["Target" if allowed else "DeadLetters"])

    assert message["body"]["detail"]["id"] == number
    assert message["attributes"].get("ERROR_CODE") == (None if allowed else "NO_PERMISSIONS")
