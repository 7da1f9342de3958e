"""One change as JSON for receivers; numbers have all the digits that DynamoDB holds."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

import msgspec
from rejected_records import Rejection

from blueprints_shared.streams.dynamodb_changes import Change, parse
from blueprints_shared.streams.dynamodb_rows import row_converter

__all__ = ["Announcement", "Receiver", "announcement_of"]

_encode = msgspec.json.Encoder(decimal_format="number").encode
# Kept from change to change: a converter is fast for the shapes that it has met.
_key_values, _item_values = row_converter(), row_converter()


class Announcement(msgspec.Struct, frozen=True):
    """One change as its receivers see it.

    `id` is the same at every attempt. `type` is item.created, item.modified, item.deleted or item.expired. `body` is
    the whole announcement as JSON.
    """

    id: str
    type: str
    table_arn: str
    body: bytes

    def without_images(self) -> "Announcement":
        """The same with the key alone, for when the images are too large; a receiver reads the item by its key."""
        content = msgspec.json.decode(self.body, type=dict[str, msgspec.Raw])
        data = msgspec.json.decode(content["data"], type=dict[str, msgspec.Raw])
        kept: dict[str, Any] = {name: data[name] for name in data if name not in ("new", "old")}
        return msgspec.structs.replace(self, body=_encode({**content, "data": {**kept, "images_left_out": True}}))


class Receiver(Protocol):
    """Where announcements go; it takes up to `group_size` at once."""

    group_size: int

    def announce(self, announcements: Sequence[Announcement], deadline: float) -> dict[int, Rejection]:
        """Announce them by `deadline` (of time.monotonic); return the rejections by position.

        Raises an exception if some were not accepted, but may be later.
        """


def announcement_of(record: Mapping[str, Any]) -> Announcement:
    """The announcement of a stream record. Raises Rejection if the record is malformed."""
    try:
        change = parse(record)
        body = _encode(_content(change))
        if b"NaN" in body or b"Infinity" in body:
            msgspec.json.decode(body)  # raises if it is a number: the encoder writes them, but JSON has no NaN
        return Announcement(change.event_id, f"item.{change.kind}", change.table_arn, body)
    except (ValueError, RecursionError) as error:  # MalformedRecord, Unrepresentable, half a surrogate pair, NaN
        raise Rejection("malformed-record", f"{type(error).__name__}: {error}") from error


def _content(change: Change) -> dict[str, Any]:
    at = None if change.changed_at is None else datetime.fromtimestamp(change.changed_at, UTC).isoformat()
    return {
        "type": f"item.{change.kind}",
        "timestamp": at,
        "data": {
            "table": change.table,
            "sequence_number": str(change.sequence_number),
            "keys": _key_values(change.keys),
            "new": None if change.new is None else _item_values(change.new),
            "old": None if change.old is None else _item_values(change.old),
        },
    }
