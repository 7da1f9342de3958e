"""Records of a DynamoDB stream as changes of items."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from blueprints_shared.streams.dynamodb_rows import Image

__all__ = ["Change", "MalformedRecord", "parse"]

Kind = Literal["created", "modified", "deleted", "expired"]

_TIME_TO_LIVE = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
_EVENT_ID = re.compile(r"[A-Za-z0-9-]{1,128}")
_SEQUENCE_NUMBER = re.compile(r"[0-9]{1,64}")
_STREAM_ARN = re.compile(r"(?P<table>[!-~]+:table/[!-~]+)/stream/(?P<label>[!-~]+)")
_YEAR_10000 = 253_402_300_800


class MalformedRecord(ValueError):
    """The record is not one that a DynamoDB stream delivers."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one item; images hold DynamoDB's typed values.

    `event_id` identifies the change. `stream` is the label of the stream, the time of its creation; the pair of
    `stream` and `sequence_number` orders all changes of one key. `changed_at` is in seconds since 1970, None if the
    record does not have it. The kind `expired` is a deletion by time to live.
    """

    event_id: str
    kind: Kind
    table_arn: str
    keys: Image
    new: Image | None
    old: Image | None
    stream: str
    sequence_number: int
    changed_at: float | None

    @property
    def table(self) -> str:
        """The name of the table."""
        return self.table_arn.partition(":table/")[2]

    @property
    def position(self) -> tuple[str, int]:
        """Orders the changes of one key."""
        return self.stream, self.sequence_number


def parse(record: Mapping[str, Any]) -> Change:
    """Read one record of a Lambda event. Raises MalformedRecord."""
    try:
        data = record["dynamodb"]
        kind = _kind(record)
        new = data.get("NewImage")
        if (new is None) != (kind in ("deleted", "expired")):
            raise MalformedRecord(f"a change of the kind {kind} {'lacks' if new is None else 'has'} a NewImage")
        stream = _matching(_STREAM_ARN, record, "eventSourceARN")
        return Change(
            event_id=_matching(_EVENT_ID, record, "eventID")[0],
            kind=kind,
            table_arn=stream["table"],
            keys=_keys(data),
            new=new,
            old=data.get("OldImage"),
            stream=stream["label"],
            sequence_number=int(_matching(_SEQUENCE_NUMBER, data, "SequenceNumber")[0]),
            changed_at=_changed_at(data),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise MalformedRecord(f"not a record of a DynamoDB stream: {type(error).__name__} {error}") from error


def _matching(pattern: re.Pattern[str], fields: Mapping[str, Any], name: str) -> re.Match[str]:
    """Check a field that handlers write into headers, object keys and SQL types."""
    found = pattern.fullmatch(fields[name])
    if found is None:
        raise MalformedRecord(f"{name} is {fields[name]!r:.80}")
    return found


def _keys(data: Mapping[str, Any]) -> Image:
    keys = data["Keys"]
    if not isinstance(keys, Mapping) or not keys:
        raise MalformedRecord(f"Keys is {keys!r:.80}")
    return keys


def _changed_at(data: Mapping[str, Any]) -> float | None:
    seconds = data.get("ApproximateCreationDateTime")
    if seconds is None:
        return None
    if not isinstance(seconds, (int, float)) or not 0 <= seconds < _YEAR_10000:  # NaN is not in the range either
        raise MalformedRecord(f"ApproximateCreationDateTime is {seconds!r:.80}")
    return float(seconds)


def _kind(record: Mapping[str, Any]) -> Kind:
    name = record["eventName"]
    if name == "INSERT":
        return "created"
    if name == "MODIFY":
        return "modified"
    if name != "REMOVE":
        raise MalformedRecord(f"eventName is {name!r}")
    identity = record.get("userIdentity") or {}
    by_time_to_live = {field: identity.get(field) for field in _TIME_TO_LIVE} == _TIME_TO_LIVE
    return "expired" if by_time_to_live else "deleted"
