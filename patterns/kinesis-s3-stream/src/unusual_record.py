"""Reads records whose event lacks a field, or has a value of an unusual type, with the fields that it has."""

import json
import math
from collections.abc import Mapping
from typing import Any

from pybase64 import b64decode
from record_checks import Poison
from stream_record import PoisonLine, StreamRecord

__all__ = ["read_unusual", "readable_key"]


def read_unusual(shard: str, kinesis: Mapping[str, Any]) -> StreamRecord | PoisonLine:
    """Read the member `kinesis` of a record; data that is not base64 makes it poison.

    `partition_key` is None for records without one, which streams with service-managed distribution accept.
    """
    data, key = kinesis.get("data"), readable_key(kinesis.get("partitionKey"))
    seconds = _readable_time(kinesis.get("approximateArrivalTimestamp"))
    record = StreamRecord(shard, kinesis["sequenceNumber"], 0, key, seconds, b"")
    try:
        record.data = b64decode("".join(data.split()), None, True)  # type: ignore[union-attr]  # tools break lines
    except (AttributeError, TypeError, ValueError):
        poison = Poison("not-base64", "data is missing" if data is None else "data is not text in base64")
        return PoisonLine.of(record, _bytes_of(data), poison)
    return record


def readable_key(key: Any) -> str | None:
    """A partition key that JSON in UTF-8 can hold: a lone surrogate is written as an escape."""
    return None if key is None else str(key).encode(errors="backslashreplace").decode()


def _readable_time(seconds: Any) -> float | None:
    is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    return seconds if is_number and math.isfinite(seconds) else None


def _bytes_of(data: Any) -> bytes:
    text = data if isinstance(data, str) else "" if data is None else json.dumps(data)
    return text.encode(errors="backslashreplace")
