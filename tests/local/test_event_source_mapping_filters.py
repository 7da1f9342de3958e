"""Which records the filters of a mapping keep, by the tables of the Lambda Developer Guide."""

import base64
import json

import pytest

from blueprints.local.base.stream_records import Record
from blueprints.local.services.lambda_.event_source_mappings.filters import defect_of, keeps, matching

NO_DATA = {"eventName": ["aws:kinesis:record"]}


def kinesis(data: str | bytes) -> dict:
    encoded = base64.b64encode(data.encode() if isinstance(data, str) else data).decode()
    return {"eventName": "aws:kinesis:record", "kinesis": {"partitionKey": "k-1", "data": encoded}}


def sqs(body: str) -> dict:
    return {"messageId": "1", "body": body, "attributes": {"SenderId": "AIDA"}, "eventSource": "aws:sqs"}


def kept(event: dict, *patterns: object) -> bool:
    criteria = {"Filters": [{"Pattern": json.dumps(pattern)} for pattern in patterns]}
    record = Record(1, "1", "key", 0.0, 1, event)
    assert bool(matching([event], criteria)) == keeps(criteria)(record)
    return keeps(criteria)(record)


@pytest.mark.parametrize(
    ("data", "pattern", "answer"),
    [
        ('{"kind": "order"}', {"data": {"kind": ["order"]}}, True),
        ('{"kind": "order"}', {"data": {"kind": ["refund"]}}, False),
        ('{"kind": "order"}', {"partitionKey": ["k-1"], "data": {"kind": ["order"]}}, True),
        ('{"kind": "order"}', {"partitionKey": ["k-2"], "data": {"kind": ["order"]}}, False),
        ('{"kind": "order"}', NO_DATA, True),
        ("text", NO_DATA, True),
        ("text", {"data": {"kind": ["order"]}}, False),
        ("text", {"data": {"kind": [{"exists": False}]}}, False),
        (b"\xff\xfe", {"data": {"kind": [{"exists": False}]}}, False),
        ('{"a.b": 1}', {"data": {"a": {"b": [1]}}}, True),
        ('{"n": 9007199254740993}', {"data": {"n": [{"numeric": [">", 0]}]}}, False),
        ('{"n": 1e400}', {"data": {"n": [{"numeric": [">", 0]}]}}, False),
        ('{"n": NaN}', {"data": {"n": [{"exists": True}]}}, False),
        ('{"n": 0.3000000000000000445}', {"data": {"n": [{"numeric": [">", 0]}]}}, False),
        ('{"n": 0.3000000000000000445}', {"data": {"n": [{"exists": True}]}}, True),
        ('{"kind": "\\u006frder"}', {"data": {"kind": ["order"]}}, True),
        ('{"path": "a\\/b"}', {"data": {"path": ["a/b"]}}, True),
        ('{"kind": "order"', {"data": {"kind": ["order"]}}, False),
        ('{"l": [{"x": 1}, {"y": 2}]}', {"data": {"l": {"y": [{"exists": False}]}}}, False),
        ("[" * 50_000, {"data": {"kind": ["order"]}}, False),
        ("", {"data": {"kind": ["order"]}}, False),
    ],
)
def test_kinesis_data_is_matched_as_json(data, pattern, answer):
    assert kept(kinesis(data), pattern) == answer


@pytest.mark.parametrize(
    ("body", "pattern", "answer"),
    [
        ('{"kind": "order"}', {"body": {"kind": ["order"]}}, True),
        ('{"kind": "order"}', {"body": {"kind": ["refund"]}}, False),
        ('{"kind": "order"}', {"body": ["text"]}, False),
        ('{"kind": "order"}', {"body": [{"exists": False}]}, False),
        ('{"kind": "order"}', {"eventSource": ["aws:sqs"]}, True),
        ("text", {"body": ["text"]}, True),
        ("text", {"body": [{"prefix": "te"}]}, True),
        ("text", {"body": ["other"]}, False),
        ("text", {"body": {"kind": ["order"]}}, False),
        ("text", {"body": {"kind": [{"exists": False}]}}, False),
        ("text", {"eventSource": ["aws:sqs"]}, True),
        ("{broken", {"body": [{"prefix": "{"}]}, True),
        ('{"ip": "10.0.0.7"}', {"body": {"ip": [{"cidr": "10.0.0.0/24"}]}}, True),
        ('{"n": 5}', {"body": {"n": [{"anything-but": {"prefix": "x"}}]}}, True),
        ('{"a": {"b": 2}}', {"body": {"$or": [{"a": {"b": [1]}}, {"a": {"b": [2]}}]}}, True),
        ('{"name": "ANA"}', {"body": {"name": [{"equals-ignore-case": "Ana"}]}}, True),
    ],
)
def test_sqs_bodies_are_matched_as_json_or_as_text(body, pattern, answer):
    assert kept(sqs(body), pattern) == answer


def test_records_of_dynamodb_streams_are_matched_as_they_are():
    event = {"eventName": "MODIFY", "dynamodb": {"NewImage": {"n": {"N": "5"}, "a.b": {"S": "x"}}}}
    assert kept(event, {"eventName": ["MODIFY"], "dynamodb": {"NewImage": {"n": {"N": ["5"]}}}})
    assert not kept(event, {"dynamodb": {"NewImage": {"n": {"N": [5]}}}})
    assert kept(event, {"dynamodb": {"NewImage": {"a.b": {"S": ["x"]}}}})


def test_one_of_several_filters_is_enough():
    assert kept(kinesis("text"), {"data": {"kind": ["order"]}}, {"partitionKey": ["k-1"]})
    assert not kept(kinesis("text"), {"data": {"kind": ["order"]}}, {"partitionKey": ["k-2"]})
    assert kept(sqs('{"a": "x"}'), {"body": {"b": ["y"]}}, {"body": {"a": ["x"]}})
    assert kept(sqs('{"a": "x"}'), {"body": {"b": ["y"]}}, {"body": {"a": [{"prefix": ""}]}})
    assert kept(sqs('{"a": "x"}'), {"body": {"b": ["y"]}}, {"eventSource": ["aws:sqs"]})


@pytest.mark.parametrize(
    ("service", "pattern", "defect"),
    [
        ("sqs", '{"body": ["text"]}', None),
        ("kinesis", '{"data": ["text"]}', "data is matched as JSON"),
        ("dynamodb", '{"dynamodb": ["text"]}', "dynamodb is matched as JSON"),
        ("kinesis", '{"data": {"n": [{"numeric": [">", 5, "<", 1]}]}}', "Bottom must be less than top"),
        ("sqs", '{"body": {"n": []}}', "Empty arrays are not allowed"),
        ("sqs", "", "Filter is not an object"),
        ("sqs", '{"body": {"n": [{"regex": "x"}]}}', "Unrecognized match type regex"),
        ("sqs", json.dumps({"body": ["x" * 4100]}), "longer than 4096"),
    ],
)
def test_a_pattern_that_lambda_refuses_has_a_defect(service, pattern, defect):
    found = defect_of(pattern, service)
    assert found is None if defect is None else defect in found
