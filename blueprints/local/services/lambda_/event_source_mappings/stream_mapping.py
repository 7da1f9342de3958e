"""A running mapping of a stream: its position in each shard, its lanes, and its next steps."""

from collections.abc import Iterator
from typing import Any

from blueprints.local.base.clock import Clock
from blueprints.local.base.properties import is_true
from blueprints.local.base.stream_records import Record
from blueprints.local.base.stream_source import Shard, StreamSource, open_shards
from blueprints.local.services.lambda_.asynchronous import FunctionAsInvoked
from blueprints.local.services.lambda_.event_source_mappings.filters import keeps
from blueprints.local.services.lambda_.event_source_mappings.lane import Wait
from blueprints.local.services.lambda_.event_source_mappings.permission import denied, undecryptable
from blueprints.local.services.lambda_.event_source_mappings.policy import Policy, policy_of, real_retry_seconds
from blueprints.local.services.lambda_.event_source_mappings.shard_progress import ShardProgress
from blueprints.local.services.lambda_.event_source_mappings.stream_work import LaneWork


class StreamMapping:
    """A mapping as the base emulator stores it (`stored`), and its progress in every shard of its source."""

    def __init__(self, stored: dict[str, Any], source: StreamSource, after: dict[str, int], clock: Clock) -> None:
        self.stored = stored
        self.source = source
        self.removed = False
        self._after = after
        self._clock = clock
        self._progress: dict[str, ShardProgress] = {}

    @property
    def function_arn(self) -> str:
        """The function, version or alias it invokes."""
        return str(self.stored["FunctionArn"])

    @property
    def policy(self) -> Policy:
        """Its present settings."""
        return policy_of(self.stored, self._clock)

    def report(self, result: str) -> None:
        """Record the result of the last invocation, for GetEventSourceMapping."""
        self.stored["LastProcessingResult"] = result

    def remove(self) -> None:
        """Stop: the batch being processed ends, and nothing follows it."""
        self.removed = True

    def advance(self, now: float) -> Iterator[LaneWork | Wait]:
        """Read new records; yield every step that is due, and until when the others wait."""
        if not self._update_state():
            return
        policy = self.policy
        for shard in open_shards(self._shards(), self._finished):
            progress = self._at(shard.shard_id, policy, now)
            if not self._read(shard.shard_id, progress, policy, now):
                yield Wait(now + real_retry_seconds(self._clock))
            for lane in progress.lanes:
                step = lane.next(now, policy)
                yield step if isinstance(step, Wait) else LaneWork(self, shard.shard_id, lane, step)

    def _update_state(self) -> bool:
        """Set the State as AWS names it; returns whether the mapping is enabled."""
        enabled = is_true(self.stored.get("Enabled", True))
        busy = any(lane.busy for progress in self._progress.values() for lane in progress.lanes)
        self.stored["State"] = "Enabled" if enabled else "Disabling" if busy else "Disabled"
        return enabled

    def _shards(self) -> list[Shard]:
        shards = self.source.shards()
        if shards is None:
            self.report(f"PROBLEM: Stream not found: {self.source.arn}")
        return shards or []

    def _at(self, shard_id: str, policy: Policy, now: float) -> ShardProgress:
        if shard_id not in self._progress:
            # A shard that was created later is read from its beginning, whatever the starting position.
            self._progress[shard_id] = ShardProgress(self._after.get(shard_id, 0), policy.lanes)
        progress = self._progress[shard_id]
        progress.spread_over(policy.lanes, now)
        return progress

    def _finished(self, shard: Shard) -> bool:
        progress = self._progress.get(shard.shard_id)
        if not shard.closed or progress is None:
            return False
        return progress.settled and progress.position >= self.source.end(shard.shard_id)

    def _read(self, shard_id: str, progress: ShardProgress, policy: Policy, now: float) -> bool:
        """Read while lanes need records and there are any; False if the role may not read."""
        keep = keeps(self.stored.get("FilterCriteria"))
        while wanted := progress.wanted(policy):
            read = self._readable(shard_id, progress.position, wanted)
            if read is None:
                return False
            if not read:
                break
            progress.take(read, filter(keep, read), now)
        return True

    def _readable(self, shard_id: str, after: int, wanted: int) -> list[Record] | None:
        """The records that follow; None if there are some that the role may not read."""
        if self.source.end(shard_id) <= after:
            return []
        function = FunctionAsInvoked.named(self.function_arn)
        if function is None:
            self.report(f"PROBLEM: Function not found: {self.function_arn}")
            return None
        config = function.record["config"]
        refusal = denied(config, self.source.permissions) or undecryptable(config, self.source.arn)
        if refusal:
            self.report(f"PROBLEM: {refusal}")
            return None
        return self.source.read(shard_id, after, wanted, str(config.get("Role", "")))
