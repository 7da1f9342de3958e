"""What a poller needs to know of a stream, whichever service keeps it."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from blueprints.local.base.stream_records import Record


@dataclass(frozen=True)
class Shard:
    """A shard, and the shards it was made of by splitting or merging."""

    shard_id: str
    parents: tuple[str, ...] = ()
    closed: bool = False


def open_shards(shards: Iterable[Shard], finished: Callable[[Shard], bool]) -> Iterator[Shard]:
    """The shards whose parents, as far as there are any left, were processed to their end; given parents first."""
    unfinished: set[str] = set()
    for shard in shards:
        if unfinished.isdisjoint(shard.parents):
            yield shard
        if not finished(shard):
            unfinished.add(shard.shard_id)


def service_of(arn: str) -> str:
    """The service an ARN names; nothing for what is no ARN."""
    parts = arn.split(":")
    return parts[2] if len(parts) > 2 else ""


class Source(Protocol):
    """A stream as a mapping reads it. Everything is looked up anew at each call: streams come and go."""

    @property
    def arn(self) -> str:
        """The stream's own ARN, or its consumer's."""

    @property
    def permissions(self) -> tuple[tuple[str, str], ...]:
        """What the execution role must be allowed to do, as IAM names it, and to which resource."""

    @property
    def batch_info(self) -> str:
        """How the record of a discarded batch names its position."""

    def shards(self) -> list[Shard] | None:
        """All shards with records to read, parents before their children; None where the stream is gone."""

    def end(self, shard_id: str) -> int:
        """The position behind which LATEST begins."""

    def read(self, shard_id: str, after: int, limit: int, role_arn: str) -> list[Record]:
        """The records that follow a position, as the function with that role gets them."""
