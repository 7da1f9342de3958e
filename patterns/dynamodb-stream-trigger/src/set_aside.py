"""Where records go that no retry will mend: one object each, with the reason and the record as it came.

    rejected/{function}/dt=2026-11-12/{sequence number, zero-padded}-{event id}.json

The name is the event's own, so setting a record aside twice leaves one object; names sort as the changes came.
"""

import functools
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

__all__ = ["REJECTED", "Rejection", "SetAside"]

REJECTED = "rejected"
_SAFE = re.compile(r"[A-Za-z0-9-]{1,128}")
_NUMBER = re.compile(r"[0-9]{1,40}")


class Rejection(Exception):
    """A record is at fault. `code` is for machines, the message for people, `detail` for whoever looks into it."""

    def __init__(self, code: str, message: str, **detail: Any) -> None:
        super().__init__(message)
        self.code = code
        self.detail = detail


class SetAside:
    """The rejected records of one function in a bucket; `client` makes an S3 client when the first is to be kept.

    Most invocations have none, and an S3 client is a third of a cold start.
    """

    def __init__(self, client: Callable[[], Any], bucket: str, function: str) -> None:
        self._client = functools.cache(client)
        self._bucket = bucket
        self._function = function

    def put(self, record: Any, rejection: Rejection) -> str:
        """Keep a record with its reason; returns the key. What fails is raised, so the record is not passed over."""
        key = f"{REJECTED}/{self._function}/{_place(record)}.json"
        content = {
            "code": rejection.code,
            "reason": str(rejection),
            "detail": rejection.detail,
            # Makes this object another than the last one here: replay.py must not remove what was set aside anew.
            "set_aside_at": datetime.now(UTC).isoformat(),
            "record": record,
        }
        # The standard library's JSON: it also takes, and gives back, half a surrogate pair and NaN.
        body = json.dumps(content).encode()
        self._client().put_object(Bucket=self._bucket, Key=key, Body=body, ContentType="application/json")
        return key


def _place(record: Any) -> str:
    """The day, the position and the name of a record; each has a stand-in where the record lacks it."""
    fields = record if isinstance(record, Mapping) else {}
    data = fields.get("dynamodb")
    data = data if isinstance(data, Mapping) else {}
    number, name = str(data.get("SequenceNumber")), fields.get("eventID")
    if not isinstance(name, str) or not _SAFE.fullmatch(name):
        name = hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()
    position = number if _NUMBER.fullmatch(number) else ""
    return f"{_day(data.get('ApproximateCreationDateTime')):dt=%Y-%m-%d}/{position:0>40}-{name}"


def _day(seconds: Any) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)
