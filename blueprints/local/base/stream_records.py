"""Records of a stream, and batches of them on their way to a function."""

from dataclasses import dataclass, replace
from typing import Any, NamedTuple


class Record(NamedTuple):
    """One record as the function gets it, with the facts that decide when it is sent."""

    position: int
    """Its place in the shard: sequence numbers as numbers."""
    identifier: str
    """The sequence number as the event spells it, and as a partial response names it."""
    key: str
    """What keeps records in order: the partition key, or the item's key."""
    arrived: float
    """Seconds since the epoch."""
    size: int
    """Bytes it takes in the event, base64 included."""
    event: dict[str, Any]


@dataclass(frozen=True)
class InvocationResult:
    """Facts about a finished invocation."""

    request_id: str
    version: str
    error: str | None = None
    """`Unhandled`, or None where the function returned."""
    throttled: bool = False


@dataclass(frozen=True)
class Batch:
    """Records that are sent together, in order, and their history."""

    records: tuple[Record, ...]
    invocations: int = 0
    failures: int = 0
    """Those that count against the retry quota."""
    throttles: int = 0
    last: InvocationResult | None = None

    def only(self, records: tuple[Record, ...]) -> "Batch":
        """The same history with fewer records."""
        return replace(self, records=records)

    def event(self) -> dict[str, Any]:
        """The event the function receives."""
        return {"Records": [record.event for record in self.records]}
