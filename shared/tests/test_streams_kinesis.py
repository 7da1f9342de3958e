"""Kinesis records as Lambda delivers them, those that the KPL aggregated included."""

import base64
import contextlib
import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blueprints_shared.streams import KinesisRecord, MalformedAggregate, shard_id, user_records
from blueprints_shared.streams.kpl import MAGIC, UserRecord, deaggregate

# As the published aggregator (aws-kinesis-agg 1.2.3) makes it of three records.
PUBLISHED = (
    b"\xf3\x89\x9a\xc2\n\x04pk-1\n\x04pk-2\x12\x03123"
    b'\x1a\x0e\x08\x00\x10\x00\x1a\x08{"n": 1}\x1a\x0c\x08\x01\x1a\x08{"n": 2}\x1a\x08\x08\x00\x10\x00\x1a\x02\x00\xff'
    b"\x8e0\x1f\x87\xe4Imz\x0bEb\x18H\xc3\x9e}"
)
THREE = [
    UserRecord(b'{"n": 1}', "pk-1", "123"),
    UserRecord(b'{"n": 2}', "pk-2", None),
    UserRecord(b"\0\xff", "pk-1", "123"),
]


def delivered(data):
    return {
        "kinesis": {
            "partitionKey": "outer",
            "sequenceNumber": "4959",
            "data": base64.b64encode(data).decode(),
            "approximateArrivalTimestamp": 1794478272.987,
        },
        "eventID": "shardId-000000000006:4959",
    }


def varint(number):
    return bytes([number]) if number < 0x80 else bytes([number & 0x7F | 0x80]) + varint(number >> 7)


def field(number, content):
    return varint(number << 3 | 2) + varint(len(content)) + content


def sealed(message):
    return MAGIC + message + hashlib.md5(message).digest()


def test_a_record_by_itself():
    assert user_records(delivered(b"data")) == [
        KinesisRecord("shardId-000000000006", "4959", 0, "outer", 1794478272.987, b"data")
    ]
    assert shard_id(delivered(b"")) == "shardId-000000000006"


def test_a_record_without_key_or_time_has_none():
    """A producer need not give a partition key to every stream, nor does Kinesis promise the time."""
    for data in (b"data", PUBLISHED):
        record = delivered(data)
        del record["kinesis"]["partitionKey"], record["kinesis"]["approximateArrivalTimestamp"]
        first = user_records(record)[0]
        assert (first.partition_key, first.arrived_at) == (None if data == b"data" else "pk-1", None)


def test_what_the_published_aggregator_made():
    assert deaggregate(PUBLISHED) == THREE
    found = [(each.sub_sequence_number, each.partition_key, each.data) for each in user_records(delivered(PUBLISHED))]
    assert found == [(0, "pk-1", b'{"n": 1}'), (1, "pk-2", b'{"n": 2}'), (2, "pk-1", b"\0\xff")]


def test_decoder_and_class_can_be_ones_own():
    made = user_records(delivered(b"x"), lambda text: text.encode(), lambda *fields: fields)
    assert made == [("shardId-000000000006", "4959", 0, "outer", 1794478272.987, b"eA==")]


def test_only_the_digest_makes_it_an_aggregate():
    """The documentation: with another MD5, it is a record that happens to begin so."""
    for data in (PUBLISHED[:-1], PUBLISHED[:-1] + b"!", MAGIC, MAGIC + b"short", b"", b"\xf3"):
        assert deaggregate(data) is None
    assert [each.data for each in user_records(delivered(MAGIC + b"short"))] == [MAGIC + b"short"]


def test_fields_of_later_formats_are_passed_over():
    tagged = (
        b"\x08\x00" + field(3, b"data") + field(4, field(1, b"tag")) + b"\x28\x05\x31" + bytes(8) + b"\x3d" + bytes(4)
    )
    message = field(1, b"key") + field(3, tagged) + field(9, b"new") + b"\x50\x96\x01"
    assert deaggregate(sealed(message)) == [UserRecord(b"data", "key", None)]


@pytest.mark.parametrize(
    "message",
    [
        field(3, field(3, b"data")),  # no partition key
        field(1, b"key") + field(3, b"\x08\x01" + field(3, b"data")),  # not in the table
        field(1, b"key") + field(3, b"\x08\x00"),  # no data
        field(1, b"key") + field(3, b"\x08\x00\x18\x07"),  # data is a number
        field(1, b"key") + field(3, field(1, b"x") + field(3, b"data")),  # the index is text
        field(1, b"\xff") + field(3, b"\x08\x00" + field(3, b"data")),
        b"\x0a\x7fkey",  # cut short
        b"\x0a",
        b"\xff" * 11,
        b"\x0b",  # an unknown kind
        b"\x08\x01",  # partition key that is a number
        b"",  # no record
        field(1, b"key") + field(2, b"7"),  # keys alone
    ],
)
def test_a_broken_inside_is_named(message):
    with pytest.raises(MalformedAggregate):
        user_records(delivered(sealed(message)))


@settings(max_examples=300, derandomize=True, deadline=None, database=None)
@given(
    st.lists(
        st.tuples(st.text(min_size=1, max_size=20), st.none() | st.just("7"), st.binary(max_size=300)),
        min_size=1,
        max_size=40,
    )
)
def test_all_that_was_put_in_comes_out(records):
    keys = list(dict.fromkeys(key for key, _, _ in records))
    message = b"".join(field(1, key.encode()) for key in keys) + field(2, b"7")
    for key, hash_key, data in records:
        inside = b"\x08" + varint(keys.index(key)) + (b"\x10\x00" if hash_key else b"") + field(3, data)
        message += field(3, inside)
    assert deaggregate(sealed(message)) == [UserRecord(data, key, hash_key) for key, hash_key, data in records]


@settings(max_examples=500, derandomize=True, deadline=None, database=None)
@given(st.binary(max_size=60))
def test_any_bytes_end_in_records_or_in_a_named_error(message):
    with contextlib.suppress(MalformedAggregate):
        assert deaggregate(sealed(message))
