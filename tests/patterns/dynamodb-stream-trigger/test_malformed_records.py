"""Malformed records and items are stored with the reason, and the rest of the batch is handled."""

import copy
import json
import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from streamed import StreamedTable

TRIED = settings(
    max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture
def replicate(load, data_api, schema, context):
    """Invoke Replicate; return the states of the rows by name."""
    module = load("Replicate", given={"rds-data": data_api}, DATABASE_SCHEMA=schema)

    def handle(*records):
        assert module.handler({"Records": list(records)}, context) == {"batchItemFailures": []}
        answer = data_api.execute_statement(f"SELECT key->>'pk', state FROM {schema}.items", [])
        return {name.get("stringValue"): state["stringValue"] for name, state in answer["records"]}

    return handle


@pytest.fixture
def announce(load, context, events):
    """Invoke Announce; return the details of its events."""
    module = load("Announce")

    def handle(*records):
        events.taken.clear()
        assert module.handler({"Records": list(records)}, context) == {"batchItemFailures": []}
        return [json.loads(entry["Detail"], parse_constant=pytest.fail) for entry in events.taken]

    return handle


def change(**fields):
    """The record of a change of the item `odd`, with other fields; None removes one."""
    record = {**StreamedTable(start=5).put("odd"), **fields}
    return {name: value for name, value in record.items() if value is not None}


def image(**attributes):
    return StreamedTable(start=5).put("odd", **attributes)


def deep(levels):
    value = {"S": "inside"}
    for level in range(levels):
        value = {"M": {"m": value}} if level % 2 else {"L": [value]}
    return value


NO_RECORDS = {
    "nothing": None,
    "empty": {},
    "text": "text",
    "list": [],
    "no stream's": {"dynamodb": {}},
    "without keys": change(dynamodb={**image()["dynamodb"], "Keys": None}),
    "with empty keys": change(dynamodb={**image()["dynamodb"], "Keys": {}}),
    "a key of no type": change(dynamodb={**image()["dynamodb"], "Keys": {"pk": "odd"}}),
    "no number": change(dynamodb={**image()["dynamodb"], "SequenceNumber": None}),
    "a number that is none": change(dynamodb={**image()["dynamodb"], "SequenceNumber": "one"}),
    "at no time": change(dynamodb={**image()["dynamodb"], "ApproximateCreationDateTime": math.nan}),
    "at the end of time": change(dynamodb={**image()["dynamodb"], "ApproximateCreationDateTime": 1e300}),
    "an id with a header in it": change(eventID="x\r\nx-admin: yes"),
    "an id with a quote in it": change(eventID='x","id":"y'),
    "no id": change(eventID=None),
    "another stream's": change(eventSourceARN="arn:aws:kinesis:eu-west-1:123456789012:stream/x"),
    "half a pair in its stream": change(eventSourceARN=StreamedTable().stream + "\ud800"),
}


def test_records_without_id_and_number_get_different_keys(announce, s3):
    some = [{"dynamodb": {}}, {"eventName": "INSERT"}, {}]
    announce(*some)
    found = [each["record"] for each in s3.contents()]
    assert sorted(found, key=some.index) == some


@pytest.mark.parametrize("poison", NO_RECORDS.values(), ids=NO_RECORDS)
def test_a_malformed_record_is_stored_and_the_batch_goes_on(replicate, announce, s3, poison):
    """First, last and in the middle of a batch, and twice: each function stores one object."""
    table = StreamedTable()
    before, after = table.put("before"), table.put("after")

    for records in ([poison, before, after], [before, poison, after], [before, after, poison]):
        assert replicate(*records) == {"before": "present", "after": "present"}
        assert [each["data"]["keys"]["pk"] for each in announce(*records)] == ["before", "after"]

    kept = s3.contents()
    assert {key.split("/")[1] for key in s3.objects} == {"replicate", "announce"}
    assert len(kept) == 2
    for each in kept:
        assert json.dumps(each["record"]) == json.dumps(poison)
        assert each["code"] == "malformed-record"
        assert each["reason"]


REMOVED = StreamedTable(start=5).delete("odd")
VARIANTS = {
    "no size": (image(), "SizeBytes", ..., "present", "item.created"),
    "no time": (image(), "ApproximateCreationDateTime", ..., "present", "item.created"),
    "a time that is null": (image(), "ApproximateCreationDateTime", None, "present", "item.created"),
    "no view type": (image(), "StreamViewType", ..., "present", "item.created"),
    "no old image": (StreamedTable(start=5).delete("odd"), "OldImage", ..., "deleted", "item.deleted"),
    "a field that is new": (image(), "Distribution", {"Mode": "AUTO"}, "present", "item.created"),
    "no size of what expired": (StreamedTable(start=5).expire("odd"), "SizeBytes", ..., "expired", "item.expired"),
}


@pytest.mark.parametrize(("record", "field", "value", "state", "kind"), VARIANTS.values(), ids=VARIANTS)
def test_a_record_without_unneeded_fields_is_handled(replicate, announce, s3, record, field, value, state, kind):
    data = {name: each for name, each in {**record["dynamodb"], field: value}.items() if each is not ...}
    odd = {**record, "dynamodb": data}

    assert replicate(odd)["odd"] == state
    (heard,) = announce(odd)

    assert (heard["type"], s3.objects) == (kind, {})
    assert (heard["timestamp"] is None) == (field == "ApproximateCreationDateTime")


@pytest.mark.parametrize(
    ("identity", "kind"),
    [
        (None, "item.deleted"),
        ({}, "item.deleted"),
        ({"type": "Service"}, "item.deleted"),
        ({"type": "AssumedRole", "principalId": "dynamodb.amazonaws.com"}, "item.deleted"),
        ({"type": "Service", "principalId": "replication.dynamodb.amazonaws.com"}, "item.deleted"),
        ({"type": "Service", "principalId": "dynamodb.amazonaws.com", "region": "eu-west-1"}, "item.expired"),
    ],
)
def test_only_a_deletion_by_time_to_live_is_an_expiry(announce, identity, kind):
    (heard,) = announce({**REMOVED, "userIdentity": identity})

    assert heard["type"] == kind


@pytest.mark.parametrize("name", ["INSERT", "MODIFY"])
def test_a_change_without_its_new_image_is_stored_and_the_batch_goes_on(replicate, announce, s3, name):
    """As in a stream of another view type."""
    odd = image()
    odd = {**odd, "eventName": name, "dynamodb": {each: odd["dynamodb"][each] for each in ("Keys", "SequenceNumber")}}
    after = StreamedTable(start=9).put("after")

    assert replicate(odd, after) == {"after": "present"}
    assert [each["data"]["keys"]["pk"] for each in announce(odd, after)] == ["after"]
    assert ["lacks a NewImage" in each["reason"] for each in s3.contents()] == [True, True]


ITEMS = {
    "a NUL": ({"note": {"S": "before\0after"}}, "rejected", True),
    "a NUL in a name": ({"a\0b": {"S": "x"}}, "rejected", True),
    "half a surrogate pair": ({"note": {"S": "\ud800"}}, "rejected", False),
    "no number": ({"n": {"N": "NaN"}}, "rejected", False),
    "an endless number": ({"n": {"N": "-Infinity"}}, "rejected", False),
    "a number without end": ({"n": {"N": "1E+999999"}}, "rejected", True),
    "a word for a number": ({"n": {"N": "one"}}, "rejected", False),
    "binary that is none": ({"b": {"B": "é"}}, "rejected", False),
    "no type": ({"n": {}}, "rejected", False),
    "two types": ({"n": {"S": "x", "N": "1"}}, "rejected", False),
    "three times as deep as DynamoDB takes it": ({"n": deep(96)}, "present", True),
    "as deep as DynamoDB takes it": ({"n": deep(31)}, "present", True),
    "as large as DynamoDB takes it": ({"text": {"S": "\x01é" * 130_000}}, "present", True),
    "what looks like a NUL": ({"note": {"S": "\\u0000"}}, "present", True),
    "the words NaN and Infinity": ({"note": {"S": "NaN Infinity"}}, "present", True),
}


@pytest.mark.parametrize(("attributes", "state", "announced"), ITEMS.values(), ids=ITEMS)
def test_an_item_that_one_function_cannot_handle_is_stored_by_it(replicate, announce, s3, attributes, state, announced):
    odd, other = image(**attributes), StreamedTable(start=9).put("other")

    assert replicate(odd, other) == {"odd": state, "other": "present"}
    assert [each["data"]["keys"]["pk"] for each in announce(odd, other)] == ["odd", "other"][not announced :]

    refused_by = {"replicate"} if state == "rejected" else set()
    refused_by |= set() if announced else {"announce"}
    assert {key.split("/")[1] for key in s3.objects} == refused_by
    for key in s3.objects:
        assert key.endswith(f"/dt=2026-09-21/{5:040}-{5:032x}.json")


def places(value, path=()):
    """The path of every part of a JSON value."""
    yield path
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, each in inside:
        yield from places(each, (*path, name))


def replaced(value, path, other):
    if not path:
        return other
    made = copy.copy(value)
    made[path[0]] = replaced(value[path[0]], path[1:], other)
    return made


RECORD = image(n={"N": "1"}, b={"B": "AP8="}, tags={"SS": ["a", "b"]}, deep={"M": {"l": {"L": [{"BOOL": True}]}}})
anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(
        ["", "\0", "\ud800", "NaN", "1E+999999999", "0", "-1", "INSERT", "REMOVE", "'; DROP TABLE items"]
    ),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["S", "N", "B", "M", "L", "NS", "NULL", "pk", "\0"]), inner, max_size=2)
    ),
    max_leaves=6,
)


@TRIED
@given(place=st.sampled_from(list(places(RECORD))), other=anything)
def test_a_record_with_anything_in_any_place_blocks_nothing(replicate, announce, s3, data_api, schema, place, other):
    """Any part of a record is replaced by anything: the other records are handled, and it is written or rejected."""
    s3.objects.clear()
    table = StreamedTable(start=10**22)
    first, last = table.put("before"), table.put("after")
    odd = replaced(RECORD, place, other)

    rows = replicate(first, odd, last)
    heard = [each["data"]["keys"].get("pk") for each in announce(first, odd, last)]

    assert rows.pop("before") == rows.pop("after") == "present"
    assert heard[0] == "before"
    assert heard[-1] == "after"
    by = [key.split("/")[1] for key in s3.objects]
    # Rejected by the replica: there is no row, or it says so.
    assert by.count("replicate") == (not rows or set(rows.values()) == {"rejected"})
    assert by.count("announce") == (len(heard) == 2)
    data_api.execute_statement(f"DELETE FROM {schema}.items", [])
