"""Filter policies of SNS subscriptions: what they match, and what is refused."""

import json

import pytest
from botocore.exceptions import ClientError

from blueprints.local.base.event_patterns import InvalidPattern, compiled
from blueprints.local.services.sns.filter_policies import matches, refusal
from tests.local.resources import QUEUE, queue_policy
from tests.local.waiting import messages

ATTRIBUTES = {
    "store": {"DataType": "String", "StringValue": "shoes.example"},
    "price": {"DataType": "Number", "StringValue": "100.0"},
    "kinds": {"DataType": "String.Array", "StringValue": '["new", 7, true, null]'},
    "code": {"DataType": "String", "StringValue": "100"},
    "image": {"DataType": "Binary", "BinaryValue": "eA=="},
}


@pytest.mark.parametrize(
    ("policy", "answer"),
    [
        ({"store": ["shoes.example"]}, True),
        ({"store": [{"prefix": "shoes."}]}, True),
        ({"store": [{"anything-but": {"suffix": ".example"}}]}, False),
        ({"store": [{"wildcard": "*.ex*"}]}, True),
        ({"store": ["shoes.example"], "price": [{"numeric": [">", 100]}]}, False),
        ({"price": [100]}, True),
        ({"price": [{"numeric": [">=", 1e2]}]}, True),
        ({"price": ["100"]}, False),
        ({"code": ["100"]}, True),
        ({"code": [{"numeric": ["=", 100]}]}, False),
        ({"kinds": ["new"]}, True),
        ({"kinds": [7]}, True),
        ({"kinds": [True]}, True),
        ({"kinds": ["old"]}, False),
        ({"image": [{"exists": True}]}, False),
        ({"none": [{"exists": False}]}, True),
        ({"store": [{"exists": False}]}, False),
        ({"$or": [{"store": ["x"]}, {"code": ["100"]}]}, True),
    ],
)
def test_attributes_are_matched_by_their_types(policy, answer):
    assert matches(json.dumps(policy), "MessageAttributes", ATTRIBUTES, "{}") is answer


@pytest.mark.parametrize(
    ("policy", "body", "answer"),
    [
        ({"a": {"b": ["x"]}}, '{"a": {"b": "x"}}', True),
        ({"a": {"b": ["x"], "c": [1]}}, '{"a": [{"b": "x"}, {"c": 1}]}', False),
        ({"a": {"b": ["x"], "c": [1]}}, '{"a": [{"b": "x", "c": 1}]}', True),
        ({"a": [{"exists": True}]}, '{"a": null}', False),
        ({"a": [{"exists": True}]}, '{"a": ""}', False),
        ({"a": [{"exists": True}]}, '{"a": 0}', True),
        ({"a": [{"exists": True}]}, '{"a": false}', True),
        ({"a": [None]}, '{"a": null}', True),
        ({"a": [{"exists": False}]}, '{"b": 1}', True),
        ({"a": [{"exists": False}]}, "{}", False),
        ({"a": [{"exists": False}]}, "text", False),
        ({"a": [{"numeric": [">", 0]}]}, '{"a": 1000000000}', True),
        ({"a": [{"numeric": [">", 0]}]}, '{"a": 1000000001}', False),
        ({"a": [{"numeric": [">", 0]}]}, '{"a": 0.12345}', True),
        ({"a": [{"numeric": [">", 0]}]}, '{"a": 0.123456}', False),
        ({"a": [{"cidr": "10.0.0.0/24"}]}, '{"a": "10.0.0.9"}', True),
    ],
)
def test_bodies_are_matched_as_json(policy, body, answer):
    assert matches(json.dumps(policy), "MessageBody", {}, body) is answer


def test_a_message_without_attributes_matches_no_policy():
    assert not matches('{"none": [{"exists": false}]}', "MessageAttributes", {}, "text")


def test_event_patterns_and_policies_of_the_same_text_differ():
    """In an event pattern, null exists; in a filter policy it does not."""
    policy = '{"a": [{"exists": true}]}'
    assert not matches(policy, "MessageBody", {}, '{"a": null}')
    assert compiled(policy).matches({"a": None})


@pytest.mark.parametrize(
    ("policy", "scope", "problem"),
    [
        ({"a": ["x"]}, "MessageAttributes", None),
        ({}, "MessageAttributes", None),
        ({"a.b": ["x"]}, "MessageAttributes", None),
        ({"a": {"b": ["x"]}}, "MessageAttributes", "does not support nested filter policy"),
        ({"a": {"b": ["x"]}}, "MessageBody", None),
        ({"a": {str(key): ["x"] for key in range(6)}}, "MessageBody", None),
        ({str(key): ["x"] for key in range(6)}, "MessageBody", "can not have more than 5 keys"),
        ({str(key): ["x"] for key in range(6)}, "MessageAttributes", "can not have more than 5 keys"),
        ({"a": list(range(15)), "b": list(range(10))}, "MessageAttributes", None),
        ({"a": list(range(16)), "b": list(range(10))}, "MessageAttributes", "Filter policy is too complex"),
        ({"a": {"b": list(range(76))}}, "MessageBody", "Filter policy is too complex"),
        ({"a": "x"}, "MessageAttributes", '"a" must be an object or an array'),
        ({"a": [{"regex": "x"}]}, "MessageBody", "Unrecognized match type regex"),
        ({"a": ["x"]}, "Body", "Invalid value [Body]"),
    ],
)
def test_policies_beyond_the_constraints_are_refused(policy, scope, problem):
    found = refusal({"FilterPolicy": json.dumps(policy), "FilterPolicyScope": scope})
    assert found is None if problem is None else problem in found


def test_a_policy_may_be_longer_than_an_event_pattern():
    policy = json.dumps({"a": ["x" * 5000]})
    assert refusal({"FilterPolicy": policy}) is None
    with pytest.raises(InvalidPattern, match="4096"):
        compiled(policy)


def test_requests_and_templates_are_checked_and_messages_filtered(cloud, stack):
    def subscription(**properties):
        endpoint = {"TopicArn": {"Ref": "Topic"}, "Protocol": "sqs", "Endpoint": {"Fn::GetAtt": ["Queue", "Arn"]}}
        return {"Type": "AWS::SNS::Subscription", "Properties": {**endpoint, **properties}}

    resources = {
        "Topic": {"Type": "AWS::SNS::Topic"},
        "Queue": QUEUE,
        "Policy": queue_policy("Queue", "sns.amazonaws.com"),
    }
    deployed = stack(
        **resources,
        Subscription=subscription(
            FilterPolicy={"order": {"size": [{"numeric": [">", 5]}]}},
            FilterPolicyScope="MessageBody",
            RawMessageDelivery=True,
        ),
    )
    sns, topic = cloud.client("sns"), deployed.outputs["Topic"]
    for body in ('{"order": {"size": 5}}', "text", '{"order.size": 6}', '{"order": [{"size": 1}, {"size": 7}]}'):
        sns.publish(TopicArn=topic, Message=body)
    arrived = messages(cloud, deployed.outputs["Queue"], 2)
    assert [each["body"] for each in arrived] == [{"order.size": 6}, {"order": [{"size": 1}, {"size": 7}]}]

    with pytest.raises(ClientError, match="Attributes Reason: FilterPolicy: Unrecognized match type regex"):
        sns.subscribe(
            TopicArn=topic,
            Protocol="sqs",
            Endpoint="arn:aws:sqs:us-east-1:000000000000:other",
            Attributes={"FilterPolicy": '{"a": [{"regex": "x"}]}'},
        )
    with pytest.raises(ClientError, match="does not support nested filter policy"):
        sns.set_subscription_attributes(
            SubscriptionArn=deployed.outputs["Subscription"],
            AttributeName="FilterPolicyScope",
            AttributeValue="MessageAttributes",
        )
    with pytest.raises(Exception, match="can not have more than 5 keys"):
        stack(**resources, Subscription=subscription(FilterPolicy={str(key): ["x"] for key in range(6)}))
