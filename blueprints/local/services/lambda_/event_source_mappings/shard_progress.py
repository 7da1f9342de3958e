"""The position in a shard, and the lanes in which its records wait."""

import zlib
from collections.abc import Iterable

from blueprints.local.base.stream_records import Record
from blueprints.local.services.lambda_.event_source_mappings.lane import Lane
from blueprints.local.services.lambda_.event_source_mappings.policy import Policy

# GetRecords returns no more at once.
_MOST_AT_ONCE = 10_000


class ShardProgress:
    """The records of a shard, spread over lanes by their keys: one lane unless ParallelizationFactor says more."""

    def __init__(self, after: int, lanes: int = 1) -> None:
        self.position = after
        """The last record read; what follows it is still to be read."""
        self.lanes = [Lane() for _ in range(lanes)]

    @property
    def settled(self) -> bool:
        """Whether everything that was read is finished."""
        return all(lane.empty for lane in self.lanes)

    def wanted(self, policy: Policy) -> int:
        """How many records to read now: none while every lane has its next batch."""
        hungry = sum(lane.wants_more(policy) for lane in self.lanes)
        return min(policy.batch_size * hungry, _MOST_AT_ONCE)

    def take(self, read: list[Record], kept: Iterable[Record], now: float) -> None:
        """Add records that were read; those that the filter excludes count as processed."""
        if read:
            self.position = read[-1].position
        for record in kept:
            self.lanes[lane_of(record.key, len(self.lanes))].add((record,), now)

    def spread_over(self, lanes: int, now: float) -> None:
        """Change the number of lanes as soon as none is busy, so that the order of every key holds."""
        if lanes == len(self.lanes) or any(lane.busy for lane in self.lanes):
            return
        waiting = sorted((each for lane in self.lanes for each in lane.unsettled()), key=lambda each: each.position)
        self.lanes = [Lane() for _ in range(lanes)]
        self.take([], waiting, now)


def lane_of(key: str, lanes: int) -> int:
    """The lane of a key: always the same."""
    return zlib.crc32(key.encode()) % lanes
