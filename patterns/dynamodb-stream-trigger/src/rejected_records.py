"""Stores records that no retry can handle, each in one S3 object with the reason, until replay.py hands them in again.

    rejected/{function}/dt=2026-11-12/{sequence number, zero-padded}-{event id}.json

The key comes from the record, so rejecting a record twice leaves one object, and keys sort in the order of the changes.
"""

import functools
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

__all__ = ["RejectedRecords", "Rejection"]

_EVENT_ID = re.compile(r"[A-Za-z0-9-]{1,128}")
_SEQUENCE_NUMBER = re.compile(r"[0-9]{1,40}")


class Rejection(Exception):
    """A record is at fault, so no retry helps: `code` for programs, the message and `detail` for people."""

    def __init__(self, code: str, message: str, **detail: Any) -> None:
        super().__init__(message)
        self.code = code
        self.detail = detail


class RejectedRecords:
    """The rejected records of one function in a bucket.

    `client` creates the S3 client when the first record is stored: most invocations have none, and creating a client
    is a third of a cold start.
    """

    def __init__(self, client: Callable[[], Any], bucket: str, function: str) -> None:
        self._client = functools.cache(client)
        self._bucket = bucket
        self._function = function

    def put(self, record: Any, rejection: Rejection) -> str:
        """Store a record with its reason; return the key. Raises what S3 raises, so that no record is skipped."""
        key = f"rejected/{self._function}/{_name(record)}.json"
        content = {
            "code": rejection.code,
            "reason": str(rejection),
            "detail": rejection.detail,
            # The timestamp changes the ETag, so replay.py cannot delete a newer rejection of the same record.
            "set_aside_at": datetime.now(UTC).isoformat(),
            "record": record,
        }
        # json, unlike msgspec, writes and reads NaN and half a surrogate pair.
        body = json.dumps(content).encode()
        self._client().put_object(Bucket=self._bucket, Key=key, Body=body, ContentType="application/json")
        return key


def _name(record: Any) -> str:
    """Day, sequence number and event id of a record; 1970-01-01, zeros and a hash where the record lacks them."""
    fields = record if isinstance(record, Mapping) else {}
    data = fields.get("dynamodb")
    data = data if isinstance(data, Mapping) else {}
    number, event_id = str(data.get("SequenceNumber")), fields.get("eventID")
    if not isinstance(event_id, str) or not _EVENT_ID.fullmatch(event_id):
        event_id = hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()
    if not _SEQUENCE_NUMBER.fullmatch(number):
        number = ""
    return f"{_day(data.get('ApproximateCreationDateTime')):dt=%Y-%m-%d}/{number:0>40}-{event_id}"


def _day(seconds: Any) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)
