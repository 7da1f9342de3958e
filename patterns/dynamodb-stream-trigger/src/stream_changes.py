"""Records of a table's stream as changes of items."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from blueprints_shared.streams.dynamodb_rows import Image

__all__ = ["Change", "MalformedRecord", "parse"]

_TIME_TO_LIVE = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}


class MalformedRecord(ValueError):
    """The record is not one that DynamoDB's streams deliver."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one item; images hold DynamoDB's typed values.

    `event_id` names the change for ever. `stream` is the stream's label, the moment it was made: together with
    `sequence_number` it orders all changes of one key. `changed_at`: seconds since 1970. `expired`: by time to live.
    """

    event_id: str
    kind: Literal["created", "modified", "deleted", "expired"]
    table_arn: str
    keys: Image
    new: Image | None
    old: Image | None
    stream: str
    sequence_number: int
    changed_at: float

    @property
    def table(self) -> str:
        """The table's name."""
        return self.table_arn.partition(":table/")[2]


def parse(record: Mapping[str, Any]) -> Change:
    """Read one record of an event; raises MalformedRecord."""
    try:
        data = record["dynamodb"]
        table_arn, _, stream = record["eventSourceARN"].partition("/stream/")
        kind = _kind(record)
        new = data.get("NewImage")
        if (new is None) != (kind in ("deleted", "expired")):
            raise MalformedRecord(f"a change of the kind {kind} {'lacks' if new is None else 'has'} a NewImage")
        return Change(
            event_id=record["eventID"],
            kind=kind,
            table_arn=table_arn,
            keys=data["Keys"],
            new=new,
            old=data.get("OldImage"),
            stream=stream,
            sequence_number=int(data["SequenceNumber"]),
            changed_at=float(data["ApproximateCreationDateTime"]),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise MalformedRecord(f"not a record of a DynamoDB stream: {type(error).__name__} {error}") from error


def _kind(record: Mapping[str, Any]) -> Literal["created", "modified", "deleted", "expired"]:
    name = record["eventName"]
    if name == "INSERT":
        return "created"
    if name == "MODIFY":
        return "modified"
    if name != "REMOVE":
        raise MalformedRecord(f"eventName is {name!r}")
    by = record.get("userIdentity") or {}
    by_time_to_live = {field: by.get(field) for field in _TIME_TO_LIVE} == _TIME_TO_LIVE
    return "expired" if by_time_to_live else "deleted"
