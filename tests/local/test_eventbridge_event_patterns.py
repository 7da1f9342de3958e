"""EventBridge refuses event patterns, and matches them, as AWS does: in every operation that takes one."""

import json

import pytest
from botocore.exceptions import ClientError

from blueprints.local.base.resource_types import ResourceFailed
from blueprints.local.services.eventbridge import rules
from tests.local.resources import QUEUE, queue_policy
from tests.local.waiting import messages

EVENT = {
    "id": "1",
    "account": "123456789012",
    "source": "shop",
    "time": "2026-01-31T12:00:00Z",
    "region": "us-east-1",
    "resources": [],
    "detail-type": "order",
}
TOO_COMPLEX = json.dumps({"detail": {"a": [{"wildcard": "*a*a*a*a*a*a*"}]}})
TOO_LONG = json.dumps({"detail": {"a": ["x" * 4096]}})


@pytest.fixture(scope="module")
def events(cloud):
    return cloud.client("events")


@pytest.mark.parametrize(
    ("pattern", "code", "message"),
    [
        (TOO_COMPLEX, "InvalidEventPatternException", "Event pattern is not valid. Reason: Rule is too complex"),
        (TOO_LONG, "ValidationException", "Member must have length less than or equal to 4096"),
        ('{"a": [{"regex": "x"}]}', "InvalidEventPatternException", "Unrecognized match type regex"),
        ('{"a": []}', "InvalidEventPatternException", "Empty arrays are not allowed"),
        ('{"a": [{"numeric": [">", 5, "<", 1]}]}', "InvalidEventPatternException", "Bottom must be less than top"),
    ],
)
def test_every_operation_refuses_invalid_patterns(events, pattern, code, message):
    bus = events.describe_event_bus(Name="default")["Arn"]
    for call in (
        lambda: events.put_rule(Name="refused", EventPattern=pattern),
        lambda: events.test_event_pattern(EventPattern=pattern, Event=json.dumps(EVENT)),
        lambda: events.create_archive(ArchiveName="refused", EventSourceArn=bus, EventPattern=pattern),
    ):
        with pytest.raises(ClientError, match=code) as refused:
            call()
        assert message in refused.value.response["Error"]["Message"]
    assert not events.list_rules(NamePrefix="refused")["Rules"]


@pytest.mark.parametrize(
    ("pattern", "detail", "answer"),
    [
        ({"detail": {"a": {"b": [1]}}}, '{"a.b": 1.0}', True),
        ({"detail": {"n": [{"numeric": [">", 0]}]}}, '{"n": 9007199254740993}', False),
        ({"detail": {"n": [{"numeric": [">", 0]}]}}, '{"n": 0.30000000000000004}', True),
        ({"detail": {"n": [{"numeric": [">", 0]}]}}, '{"n": 0.3000000000000000445}', False),
        ({"detail": {"l": {"x": [{"exists": False}]}}}, '{"l": [{"y": 1}, {"x": 1}]}', False),
        ({"source": ["shop"], "detail-type": [{"prefix": "or"}], "more": [{"exists": False}]}, "{}", True),
    ],
)
def test_test_event_pattern_answers_as_the_library(events, pattern, detail, answer):
    event = json.dumps(EVENT)[:-1] + f', "detail": {detail}}}'
    assert events.test_event_pattern(EventPattern=json.dumps(pattern), Event=event)["Result"] is answer


def test_a_rule_selects_by_keys_with_dots_and_all_digits(cloud, stack):
    deployed = stack(
        Queue=QUEUE,
        Policy=queue_policy("Queue", "events.amazonaws.com"),
        Rule={
            "Type": "AWS::Events::Rule",
            "Properties": {
                "EventPattern": {
                    "source": [{"Ref": "AWS::StackName"}],
                    "detail": {"order": {"size": [{"numeric": [">", 0]}]}},
                },
                "Targets": [{"Id": "queue", "Arn": {"Fn::GetAtt": ["Queue", "Arn"]}}],
            },
        },
    )
    details = ('{"order.size": 9007199254740993}', '{"order.size": 0}', '{"order.size": 7}', '{"order": {"size": 8}}')
    cloud.client("events").put_events(
        Entries=[{"Source": deployed.name, "DetailType": "order", "Detail": each} for each in details]
    )

    arrived = messages(cloud, deployed.outputs["Queue"], 2)
    assert [each["body"]["detail"] for each in arrived] == [{"order.size": 7}, {"order": {"size": 8}}]


def test_rules_of_templates_are_checked():
    """A template's pattern is an object; its text counts without spaces."""
    checked = rules.with_valid_pattern({"EventPattern": {"detail": {"é": ["x" * 4075]}}})
    assert len(checked["EventPattern"]) == 4096
    for pattern, problem in (
        ({"a": []}, "Event pattern is not valid. Reason: Empty arrays are not allowed"),
        ({"detail": {"é": ["x" * 4076]}}, "Member must have length less than or equal to 4096"),
        (TOO_COMPLEX, "Rule is too complex"),
    ):
        with pytest.raises(ResourceFailed, match=problem):
            rules.with_valid_pattern({"EventPattern": pattern})


def test_a_stack_with_an_invalid_pattern_is_refused(stack):
    rule = {"Type": "AWS::Events::Rule", "Properties": {"EventPattern": {"detail": {"a": [{"numeric": ["=", "1"]}]}}}}
    with pytest.raises(Exception, match="Value of equals must be numeric"):
        stack(Rule=rule)
