"""The events of S3 objects that EventBridge delivers: "Object Created" and "Object Deleted"."""

import re
from datetime import datetime
from typing import Any, Literal, NamedTuple

__all__ = ["MalformedEvent", "ObjectChange", "is_newer", "parse"]

_KINDS: dict[str, Literal["created", "deleted"]] = {"Object Created": "created", "Object Deleted": "deleted"}
_SEQUENCER = re.compile(r"[0-9A-Fa-f]+")
_ETAG = re.compile(r"[^\s/\"]+")


class MalformedEvent(ValueError):
    """The event is not one that S3 sends through EventBridge; the message names the field."""


class ObjectChange(NamedTuple):
    """An object was created (or overwritten) or deleted.

    `key` is as S3 stores it: keys in EventBridge's events are not URL-encoded, so `+` and `%2F` are literal.
    `sequencer` orders the changes of one key (see `is_newer`). `version_id` is None if the bucket has no versions;
    `size` (in bytes) and `etag` may be None for deletions. `deletion_type` is "Permanently Deleted" or "Delete Marker
    Created", and None for creations. `reason` names the call, such as PutObject or Lifecycle Expiration.
    """

    kind: Literal["created", "deleted"]
    bucket: str
    key: str
    sequencer: str
    etag: str | None
    size: int | None
    version_id: str | None
    reason: str | None
    deletion_type: str | None
    time: datetime


def parse(event: Any) -> ObjectChange:
    """Parse an EventBridge event of source aws.s3; raise MalformedEvent for anything else."""
    kind = _KINDS.get(_text(event, "detail-type"))
    if kind is None:
        raise MalformedEvent(f"detail-type is {event['detail-type']!r}, expected one of {', '.join(_KINDS)}")
    detail = _mapping(event, "detail")
    stored = _mapping(detail, "object")
    return ObjectChange(
        kind=kind,
        bucket=_text(_mapping(detail, "bucket"), "name"),
        key=_text(stored, "key"),
        sequencer=_matching(stored, "sequencer", _SEQUENCER),
        etag=_matching(stored, "etag", _ETAG) if kind == "created" or stored.get("etag") else None,
        size=_size(stored, required=kind == "created"),
        version_id=stored.get("version-id") or None,
        reason=detail.get("reason"),
        deletion_type=detail.get("deletion-type"),
        time=_time(event),
    )


def is_newer(sequencer: str, other: str) -> bool:
    """Whether the first of two sequencers of one key belongs to the later change.

    Sequencers are hexadecimal and differ in length; S3's documentation says to pad the shorter with zeros on the right.
    """
    length = max(len(sequencer), len(other))
    return sequencer.upper().ljust(length, "0") > other.upper().ljust(length, "0")


def _mapping(parent: Any, name: str) -> dict[str, Any]:
    value = parent.get(name) if isinstance(parent, dict) else None
    if not isinstance(value, dict):
        raise MalformedEvent(f"{name} is missing or not an object")
    return value


def _text(parent: Any, name: str) -> str:
    value = parent.get(name) if isinstance(parent, dict) else None
    if not isinstance(value, str) or not value:
        raise MalformedEvent(f"{name} is missing, empty or not text")
    return value


def _matching(parent: dict[str, Any], name: str, pattern: re.Pattern[str]) -> str:
    value = _text(parent, name).strip('"')
    if not pattern.fullmatch(value):
        raise MalformedEvent(f"{name} is malformed: {value!r}")
    return value


def _size(stored: dict[str, Any], *, required: bool) -> int | None:
    size = stored.get("size")
    if size is None and not required:
        return None
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise MalformedEvent(f"size is {size!r}, expected a whole number of bytes")
    return size


def _time(event: dict[str, Any]) -> datetime:
    text = _text(event, "time")
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise MalformedEvent(f"time is {text!r}, expected ISO 8601") from None
    if time.tzinfo is None:
        raise MalformedEvent(f"time is {text!r}, without a time zone")
    return time
