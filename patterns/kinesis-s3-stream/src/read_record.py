"""Reads a record of the event, also if fields are missing or have unexpected types."""

import json
import math
from collections.abc import Mapping
from typing import Any

from pybase64 import b64decode
from stream_record import ErrorLine, StreamRecord


def read_record(shard: str, kinesis: Mapping[str, Any]) -> StreamRecord | ErrorLine:
    """Read the member `kinesis` of a record; the result is an ErrorLine if its data is not base64."""
    try:
        key = kinesis["partitionKey"]
        return StreamRecord(
            shard,
            kinesis["sequenceNumber"],
            0,
            key if key.isascii() else _readable_key(key),
            kinesis["approximateArrivalTimestamp"],
            b64decode(kinesis["data"], None, True),  # positional and strict: twice as fast as the default
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        return _read_unusual(shard, kinesis)


def _read_unusual(shard: str, kinesis: Mapping[str, Any]) -> StreamRecord | ErrorLine:
    data, key = kinesis.get("data"), _readable_key(kinesis.get("partitionKey"))
    seconds = _readable_time(kinesis.get("approximateArrivalTimestamp"))
    record = StreamRecord(shard, kinesis["sequenceNumber"], 0, key, seconds, b"")
    try:
        record.data = b64decode("".join(data.split()), None, True)  # type: ignore[union-attr]  # some tools break lines
    except (AttributeError, TypeError, ValueError):
        text = data if isinstance(data, str) else "" if data is None else json.dumps(data)
        reason = "data is missing" if data is None else "data is not text in base64"
        return ErrorLine.of(record, text.encode(errors="backslashreplace"), "not-base64", reason)
    return record


def _readable_key(key: Any) -> str | None:
    """The partition key with lone surrogates escaped, which JSON in UTF-8 cannot hold."""
    return None if key is None else str(key).encode(errors="backslashreplace").decode()


def _readable_time(seconds: Any) -> float | None:
    is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    return seconds if is_number and math.isfinite(seconds) else None
