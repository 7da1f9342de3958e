"""A stream as a poller reads it, of Kinesis or DynamoDB."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from blueprints.local.base.stream_records import Record


@dataclass(frozen=True)
class Shard:
    """A shard, and the shards from which it was split or merged."""

    shard_id: str
    parents: tuple[str, ...] = ()
    closed: bool = False


def open_shards(shards: Iterable[Shard], finished: Callable[[Shard], bool]) -> Iterator[Shard]:
    """The shards whose remaining parents were processed to their end. `shards` has parents before children."""
    unfinished: set[str] = set()
    for shard in shards:
        if unfinished.isdisjoint(shard.parents):
            yield shard
        if not finished(shard):
            unfinished.add(shard.shard_id)


def service_of(arn: str) -> str:
    """The service in an ARN; empty for text that is no ARN."""
    parts = arn.split(":")
    return parts[2] if len(parts) > 2 else ""


class StreamSource(Protocol):
    """A stream as a mapping reads it. Every call looks it up again, because streams come and go."""

    @property
    def arn(self) -> str:
        """The stream's own ARN, or its consumer's."""

    @property
    def permissions(self) -> tuple[tuple[str, str], ...]:
        """The IAM actions that the execution role needs, each with its resource."""

    @property
    def batch_info(self) -> str:
        """The name of the position in the record of a discarded batch."""

    def shards(self) -> list[Shard] | None:
        """All shards with records to read, parents before their children; None if the stream is gone."""

    def end(self, shard_id: str) -> int:
        """The position after which LATEST begins."""

    def read(self, shard_id: str, after: int, limit: int, role_arn: str) -> list[Record]:
        """The records that follow a position, as a function with this role gets them."""
