"""Records of a Kinesis batch as Lambda delivers them, decoded, with what the KPL aggregated taken apart."""

import base64
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

from blueprints_shared.streams import kpl

__all__ = ["KinesisRecord", "shard_id", "user_records"]


class KinesisRecord(NamedTuple):
    """One user record, as the producer passed it to its library.

    `shard_id`, `sequence_number` and `sub_sequence_number` together identify it; the last counts the user records
    of one aggregated record from 0, and is 0 for a record by itself. `partition_key` is None for a record that was put
    without one. `arrived_at`: seconds since 1970, None when Kinesis does not say.
    """

    shard_id: str
    sequence_number: str
    sub_sequence_number: int
    partition_key: str | None
    arrived_at: float | None
    data: bytes


T = TypeVar("T")


def user_records(
    record: Mapping[str, Any],
    decode: Callable[[str], bytes] = base64.b64decode,
    make: Callable[..., T] = KinesisRecord,  # type: ignore[assignment]
) -> list[T]:
    """The user records of one record of the event: one, or as many as were aggregated into it.

    `decode` turns base64 into bytes; pybase64's is several times as fast, and a function that wants it brings it along.
    `make` makes each one of the fields of KinesisRecord in their order, for a function with a class of its own.

    Raises MalformedAggregate.
    """
    kinesis = record["kinesis"]
    data = decode(kinesis["data"])
    shard, number, arrived_at = shard_id(record), kinesis["sequenceNumber"], kinesis.get("approximateArrivalTimestamp")
    aggregated = kpl.deaggregate(data) if data.startswith(kpl.MAGIC) else None
    if aggregated is None:
        return [make(shard, number, 0, kinesis.get("partitionKey"), arrived_at, data)]
    return [
        make(shard, number, sub_number, each.partition_key, arrived_at, each.data)
        for sub_number, each in enumerate(aggregated)
    ]


def shard_id(record: Mapping[str, Any]) -> str:
    """The shard a record of the event came from; all records of one event come from the same."""
    event_id: str = record["eventID"]
    return event_id[: event_id.index(":")]
