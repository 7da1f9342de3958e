"""Where records go that no retry will mend: one object each, with the reason and the record as it came.

    rejected/{function}/dt=2026-11-12/{event id}.json

The name is the event's own, so setting a record aside twice leaves one object.
"""

import functools
import hashlib
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

__all__ = ["REJECTED", "Rejection", "SetAside"]

REJECTED = "rejected"
_SAFE = re.compile(r"[A-Za-z0-9-]{1,128}")


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

    def put(self, record: Mapping[str, Any], rejection: Rejection) -> str:
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
        self._client().put_object(
            Bucket=self._bucket, Key=key, Body=msgspec.json.encode(content), ContentType="application/json"
        )
        return key


def _place(record: Mapping[str, Any]) -> str:
    data = record.get("dynamodb")
    at = data.get("ApproximateCreationDateTime", 0) if isinstance(data, Mapping) else 0
    day = datetime.fromtimestamp(at if isinstance(at, (int, float)) else 0, UTC)
    name = str(record.get("eventID", ""))
    if not _SAFE.fullmatch(name):
        name = hashlib.sha256(repr(sorted(record.items())).encode(errors="surrogatepass")).hexdigest()
    return f"{day:dt=%Y-%m-%d}/{name}"
