"""The ordered checkpoint: records of a shard are handled in order, and never past one that failed.

A stream's order is worth something only if nothing overtakes. So the first record that fails ends the batch: it is
reported (`ReportBatchItemFailures`), Lambda moves the checkpoint up to it and sends it again with all that follows.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

__all__ = ["BatchResponse", "Progress", "handle_in_order", "sequence_number"]

BatchResponse = dict[str, list[dict[str, str]]]


class _Context(Protocol):
    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until Lambda ends the invocation."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a batch was handled: `handled` records, up to the one whose sequence number is `stopped_at`.

    `stopped_at` is None when all were handled. `error` is what the record there raised, None when time ran short;
    it has been caught for you, so log it or raise it.
    """

    handled: int
    stopped_at: str | None = None
    error: Exception | None = None

    def response(self) -> BatchResponse:
        """What the function returns to its event source mapping."""
        return {"batchItemFailures": [{"itemIdentifier": self.stopped_at}] if self.stopped_at else []}


def handle_in_order(
    records: Sequence[Mapping[str, Any]],
    handle: Callable[[Mapping[str, Any]], object],
    context: _Context,
    *,
    reserve: float = 5,
) -> Progress:
    """Handle records of one Kinesis or DynamoDB batch until one raises, or until fewer than `reserve` seconds remain.

    The first record is always tried, so that every invocation moves the checkpoint or says why not.
    """
    now = time.monotonic
    deadline = now() + context.get_remaining_time_in_millis() / 1000 - reserve
    for index, record in enumerate(records):
        if index and now() > deadline:
            return Progress(index, sequence_number(record))
        try:
            handle(record)
        except Exception as error:  # noqa: BLE001 - handed to the caller with the place it happened
            return Progress(index, sequence_number(record), error)
    return Progress(len(records))


def sequence_number(record: Mapping[str, Any]) -> str:
    """Of a record as Lambda delivers it; it is also the identifier by which a failure is reported."""
    if "kinesis" in record:
        return str(record["kinesis"]["sequenceNumber"])
    return str(record["dynamodb"]["SequenceNumber"])
