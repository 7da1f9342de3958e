"""What others are told of a change: plain JSON, with every number as DynamoDB holds it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
from set_aside import Rejection
from stream_changes import Change, parse

from blueprints_shared.streams.dynamodb_rows import Image, Row, row_converter

__all__ = ["Announcement", "announcement_of"]

_encode = msgspec.json.Encoder(decimal_format="number").encode


class Announcement(msgspec.Struct, frozen=True):
    """One change as its receivers see it; `id` is the same however often it is sent.

    `type` is item.created, item.modified, item.deleted or item.expired; `body` the JSON that holds it all.
    """

    id: str
    type: str
    table_arn: str
    body: bytes

    def without_images(self) -> "Announcement":
        """The same with the key alone, for where the whole does not fit; a receiver reads the item by it."""
        content = msgspec.json.decode(self.body, type=dict[str, msgspec.Raw])
        data = msgspec.json.decode(content["data"], type=dict[str, msgspec.Raw])
        kept: dict[str, Any] = {name: data[name] for name in data if name not in ("new", "old")}
        return msgspec.structs.replace(self, body=_encode({**content, "data": {**kept, "images_left_out": True}}))


def announcement_of(record: Mapping[str, Any]) -> Announcement:
    """What to tell of one record; raises Rejection for a record that is none."""
    try:
        change = parse(record)
        # JSON would write U+0000 and most else; half a surrogate pair alone is no text in any encoding.
        body = _encode(_content(change))
        if b"NaN" in body or b"Infinity" in body:
            msgspec.json.decode(body)  # the encoder writes numbers that are none as they are, and JSON has no such
        return Announcement(change.event_id, f"item.{change.kind}", change.table_arn, body)
    except (ValueError, RecursionError) as error:  # MalformedRecord, Unrepresentable, no text, no JSON
        raise Rejection("malformed-record", f"{type(error).__name__}: {error}") from error


def _content(change: Change) -> dict[str, Any]:
    at = None if change.changed_at is None else datetime.fromtimestamp(change.changed_at, UTC).isoformat()
    return {
        "type": f"item.{change.kind}",
        "timestamp": at,
        "data": {
            "table": change.table,
            "sequence_number": str(change.sequence_number),
            "keys": row_converter()(change.keys),
            "new": _row(change.new),
            "old": _row(change.old),
        },
    }


def _row(image: Image | None) -> Row | None:
    return None if image is None else row_converter()(image)
