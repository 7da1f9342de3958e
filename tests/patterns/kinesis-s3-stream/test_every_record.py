"""Every received record ends in exactly one of data and errors, whatever its bytes and the fields of its event are."""

import base64
import gzip
import hashlib
import json
import math
from collections import Counter

import pytest
from batch_lines import BatchLines
from hypothesis import given, settings
from hypothesis import strategies as st
from kpl_records import aggregated
from lake import batch_keys
from test_store_batch import FIRST, objects, read, record

from blueprints_shared.json_objects import build_check

MAGIC = b"\xf3\x89\x9a\xc2"
TRIED = settings(max_examples=400, derandomize=True, deadline=None, database=None)
GOOD = b'{"n": 1}'


def lines_of(*records):
    """The lines of the data and errors objects that records become."""
    lines = BatchLines("shardId-000000000006", build_check(), lambda each: each)
    for each in records:
        lines.add(each)
    data, errors = lines.data.finish(), lines.errors.finish()
    return _lines(data), _lines(errors)


def _lines(content):
    return [json.loads(line) for line in gzip.decompress(content).splitlines()] if content else []


def sealed(message):
    return MAGIC + message + hashlib.md5(message).digest()


def changed(**fields):
    """A good record with other fields in its event; `...` removes one."""
    made = record(0, GOOD)
    kinesis = {name: value for name, value in {**made["kinesis"], **fields}.items() if value is not ...}
    return {**made, "kinesis": kinesis}


CONTENT = st.sampled_from(
    [GOOD, b"", b"{}", b"poison", b"\xff", b"\x1f\x8b\x08", b"\xef\xbb\xbf{}", MAGIC]
) | st.binary(max_size=40)
AGGREGATES = st.lists(st.tuples(st.sampled_from(["a", "b"]), CONTENT), max_size=6).map(lambda each: (each, True))
OTHERS = (
    CONTENT
    | CONTENT.map(lambda data: MAGIC + data)
    | CONTENT.map(lambda data: MAGIC + data + hashlib.md5(data + b"x").digest())
    | st.binary(max_size=40).map(lambda data: sealed(data)[:-1])
).map(lambda data: ([("outer", data)], False))
NESTED = st.lists(st.tuples(st.just("a"), CONTENT), max_size=3).map(
    lambda inside: ([("a", aggregated(inside)), ("b", GOOD)], True)
)


@TRIED
@given(st.lists(AGGREGATES | OTHERS | NESTED, min_size=1, max_size=8))
def test_each_user_record_is_in_exactly_one_object(batch):
    """Also user records of aggregates: empty, nested, or bytes that only look like an aggregate."""
    records, due = [], Counter()
    for number, (user_records, is_aggregate) in enumerate(batch):
        data = aggregated(user_records) if is_aggregate else user_records[0][1]
        records.append(record(number, data))
        inside = [each for _, each in user_records] if is_aggregate and user_records else [data]
        due.update((str(FIRST + number), part, each) for part, each in enumerate(inside))

    data, errors = lines_of(*records)

    set_aside = Counter(
        (each["sequence_number"], each["sub_sequence_number"], base64.b64decode(each["data"])) for each in errors
    )
    stored = Counter((each["sequence_number"], each["sub_sequence_number"]) for each in data)
    assert set_aside <= due
    assert stored == Counter((number, part) for number, part, _ in (due - set_aside).elements())


@TRIED
@given(st.binary(max_size=60))
def test_an_aggregate_with_any_content_ends_somewhere(message):
    data, errors = lines_of(record(0, sealed(message)))

    parts = sorted(each["sub_sequence_number"] for each in data + errors)
    assert parts == list(range(max(1, len(parts))))


@pytest.mark.parametrize(
    "data",
    [MAGIC, MAGIC + b"x", MAGIC + bytes(15), MAGIC + bytes(16), sealed(b""), sealed(b"\x0a\x03key"), MAGIC * 9],
    ids=["magic", "one byte", "too short", "another digest", "no message", "no record", "magic, many times"],
)
def test_an_aggregate_without_a_user_record_becomes_one_error_line(store_batch, s3, context, data):
    event = {"Records": [record(0, GOOD), record(1, data), record(2, GOOD)]}

    assert store_batch.handler(event, context) == {"batchItemFailures": []}

    assert [int(each["sequence_number"]) - FIRST for each in read(s3, "data")] == [0, 2]
    (poison,) = read(s3, "errors")
    assert base64.b64decode(poison["data"]) == data


UNUSUAL_FIELDS = {
    "no partition key": {"partitionKey": ...},
    "a partition key that is null": {"partitionKey": None},
    "no schema version": {"kinesisSchemaVersion": ...},
    "another schema version": {"kinesisSchemaVersion": "2.0"},
    "an encryption type": {"encryptionType": "KMS"},
    "an explicit hash key": {"explicitHashKey": "170141183460469231731687303715884105728"},
    "unknown fields": {"distribution": {"mode": "AUTO"}, "headers": [1, None]},
    "base64 in lines": {"data": base64.encodebytes(b'{"n": 1' + b" " * 100 + b"}").decode()},
    "an arrival in whole seconds": {"approximateArrivalTimestamp": 1794478272},
}


@pytest.mark.parametrize("fields", UNUSUAL_FIELDS.values(), ids=UNUSUAL_FIELDS)
def test_unusual_fields_of_the_event_do_not_matter(store_batch, s3, context, fields):
    event = {"Records": [changed(**fields), record(1, GOOD)]}

    assert store_batch.handler(event, context) == {"batchItemFailures": []}

    odd, other = read(s3, "data")
    assert odd["record"] == {"n": 1}
    assert odd["partition_key"] == (None if "partitionKey" in fields else "c-1")
    assert (other["partition_key"], objects(s3)) == ("c-1", {batch_keys(event["Records"][0]).data})
    assert "dt=2026-11-12/hour=10/" in batch_keys(event["Records"][0]).data


NO_TIMES = {
    "none": ...,
    "null": None,
    "text": "2026-11-12T10:11:12Z",
    "NaN": math.nan,
    "infinite": math.inf,
    "too late": 1e300,
    "a boolean": True,
}


@pytest.mark.parametrize("seconds", NO_TIMES.values(), ids=NO_TIMES)
def test_a_batch_without_an_arrival_time_is_stored_below_1970(store_batch, s3, context, seconds):
    """The time is part of the key and must be the same for each attempt, so it never comes from the clock."""
    event = {"Records": [changed(approximateArrivalTimestamp=seconds), record(1, GOOD)]}

    for _ in range(2):
        assert store_batch.handler(event, context) == {"batchItemFailures": []}

    (key,) = objects(s3)
    assert key.startswith("data/dt=1970-01-01/hour=00/")


@pytest.mark.parametrize("data", [..., None, "é", "=", "eyJuIjogMX0", 7, ["e30="]])
def test_data_that_is_not_base64_becomes_an_error_line(store_batch, s3, context, data):
    event = {"Records": [changed(data=data), record(1, GOOD)]}

    assert store_batch.handler(event, context) == {"batchItemFailures": []}

    (poison,) = read(s3, "errors")
    assert (poison["code"], poison["sequence_number"]) == ("not-base64", str(FIRST))
    text = base64.b64decode(poison["data"]).decode()
    assert text == ("" if data in (..., None) else data if isinstance(data, str) else json.dumps(data))
    assert len(read(s3, "data")) == 1


def test_a_partition_key_that_is_not_valid_text_is_escaped(store_batch, s3, context):
    event = {"Records": [changed(partitionKey="half \ud800"), changed(partitionKey="ключ"), changed(partitionKey=7)]}

    assert store_batch.handler(event, context) == {"batchItemFailures": []}

    assert [each["partition_key"] for each in read(s3, "data")] == ["half \\ud800", "ключ", "7"]
