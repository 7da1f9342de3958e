"""The aggregated record format of the Kinesis Producer Library (KPL), which packs many user records into one.

    magic F3 89 9A C2 | protobuf AggregatedRecord | MD5 of the protobuf

    AggregatedRecord: 1 partition keys (string), 2 explicit hash keys (string), 3 records
    Record:           1 index of its partition key, 2 index of its explicit hash key, 3 data, 4 tags

This is all of protobuf that the format needs. The published package (aws-kinesis-agg 1.2) imports `six`
without naming it as a dependency, alters sys.path, and adds the import of protobuf to every cold start.
"""

import hashlib
from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["MAGIC", "MalformedAggregate", "UserRecord", "deaggregate"]

MAGIC = b"\xf3\x89\x9a\xc2"

_DIGEST_SIZE = 16
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_LONGEST_VARINT = 10
_PARTITION_KEYS, _HASH_KEYS, _RECORDS = 1, 2, 3
_KEY_INDEX, _HASH_KEY_INDEX, _DATA = 1, 2, 3


class MalformedAggregate(ValueError):
    """The magic number and MD5 are those of an aggregated record, but its content is invalid or has no user record."""


class UserRecord(NamedTuple):
    """One record as a producer handed it to the KPL."""

    data: bytes
    partition_key: str
    explicit_hash_key: str | None


def deaggregate(data: bytes) -> list[UserRecord] | None:
    """The user records in an aggregated record, at least one; None if the magic number or MD5 shows that it is none.

    Raises MalformedAggregate.
    """
    message = data[len(MAGIC) : -_DIGEST_SIZE]
    if not data.startswith(MAGIC) or len(data) < len(MAGIC) + _DIGEST_SIZE:
        return None
    if hashlib.md5(message, usedforsecurity=False).digest() != data[-_DIGEST_SIZE:]:
        return None
    tables: dict[int, list[bytes]] = {_PARTITION_KEYS: [], _HASH_KEYS: [], _RECORDS: []}
    for number, value in _fields(message):
        if number in tables:
            tables[number].append(_as_bytes(value))
    if not tables[_RECORDS]:
        raise MalformedAggregate("there is no user record in it")
    partition_keys = [_text(key) for key in tables[_PARTITION_KEYS]]
    hash_keys = [_text(key) for key in tables[_HASH_KEYS]]
    return [_user_record(each, partition_keys, hash_keys) for each in tables[_RECORDS]]


def _user_record(message: bytes, partition_keys: list[str], hash_keys: list[str]) -> UserRecord:
    fields = dict(_fields(message))
    if _DATA not in fields or _KEY_INDEX not in fields:
        raise MalformedAggregate("a record lacks its data or its partition key")
    hash_key = _at(hash_keys, fields[_HASH_KEY_INDEX]) if _HASH_KEY_INDEX in fields else None
    return UserRecord(_as_bytes(fields[_DATA]), _at(partition_keys, fields[_KEY_INDEX]), hash_key)


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of a protobuf message, by number; those of kinds that the format does not use are passed over."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        number, kind = tag >> 3, tag & 7
        if kind == _VARINT:
            value, at = _varint(message, at)
            yield number, value
            continue
        if kind == _BYTES:
            size, at = _varint(message, at)
        elif kind in (_FIXED64, _FIXED32):
            size = 8 if kind == _FIXED64 else 4
        else:
            raise MalformedAggregate(f"field {number} is of unknown kind {kind}")
        end = at + size
        if end > len(message):
            raise MalformedAggregate(f"field {number} is cut short")
        if kind == _BYTES:
            yield number, message[at:end]
        at = end


def _varint(message: bytes, at: int) -> tuple[int, int]:
    """A number of 7 bits a byte, the lowest first, and where it ends."""
    value = 0
    for shift, byte in enumerate(message[at : at + _LONGEST_VARINT]):
        value |= (byte & 0x7F) << (7 * shift)
        if byte < 0x80:
            return value, at + shift + 1
    raise MalformedAggregate("a number is cut short or too long")


def _at(table: list[str], index: int | bytes) -> str:
    if not isinstance(index, int) or index >= len(table):
        raise MalformedAggregate(f"key {index!r:.80} is not in the table")
    return table[index]


def _as_bytes(value: int | bytes) -> bytes:
    if isinstance(value, bytes):
        return value
    raise MalformedAggregate("a number stands where bytes are expected")


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise MalformedAggregate("a key is not UTF-8") from None
