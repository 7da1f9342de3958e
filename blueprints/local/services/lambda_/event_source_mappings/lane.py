"""A lane: records of one shard that reach the function in order, one batch at a time.

The caller passes the time, carries out the step that `next` returns, and reports the result.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import takewhile

from blueprints.local.base.stream_records import Batch, InvocationResult, Record
from blueprints.local.services.lambda_.event_source_mappings.answers import Outcome
from blueprints.local.services.lambda_.event_source_mappings.decisions import Decision, after
from blueprints.local.services.lambda_.event_source_mappings.policy import Policy

EXHAUSTED = "RetryAttemptsExhausted"
TOO_OLD = "RecordAgeExceeded"

_SEPARATOR_BYTES = len(", ")
# One record has no separator; as all are counted with one, the envelope is counted without.
_ENVELOPE_BYTES = len('{"Records": []}') - _SEPARATOR_BYTES


@dataclass(frozen=True)
class Send:
    """Invoke the function with this batch, then report the outcome to `settle`."""

    batch: Batch


@dataclass(frozen=True)
class GiveUp:
    """Send this batch to the on-failure destination, then call `discarded`."""

    batch: Batch
    condition: str


@dataclass(frozen=True)
class Wait:
    """Nothing to do before this time (seconds since the epoch); None: until something changes."""

    until: float | None = None


Step = Send | GiveUp | Wait


class Lane:
    """Batches to send again, then records not sent yet."""

    def __init__(self) -> None:
        self.busy = False
        self._again: deque[Batch] = deque()
        self._fresh: deque[tuple[float, Record]] = deque()
        self._fresh_bytes = _ENVELOPE_BYTES
        self._not_before = 0.0

    @property
    def empty(self) -> bool:
        """Whether all records are finished."""
        return not (self.busy or self._again or self._fresh)

    def add(self, records: Iterable[Record], now: float) -> None:
        """Add the records that follow."""
        for record in records:
            self._fresh.append((now, record))
            self._fresh_bytes += record.size + _SEPARATOR_BYTES

    def wants_more(self, policy: Policy) -> bool:
        """Whether the next batch could hold more records than wait."""
        return not self._again and not self._full(policy)

    def next(self, now: float, policy: Policy) -> Step:
        """The next step. After a `Send` or a `GiveUp` the lane is busy until its result is reported."""
        if self.busy:
            return Wait()
        if now < self._not_before:
            return Wait(self._not_before)
        if not self._again:
            due = self._due(policy)
            if due is None or due > now:
                return Wait(due)
            self._again.append(self._cut(policy))
        self.busy = True
        return self._without_the_expired(self._again.popleft(), now, policy)

    def settle(
        self, batch: Batch, outcome: Outcome, answer: InvocationResult | None, now: float, policy: Policy
    ) -> Decision:
        """Process the outcome of a sent batch; the lane stays busy if a batch is to be discarded."""
        decision = after(batch, outcome, answer, policy)
        self._again.extendleft(reversed(decision.again))
        self._not_before = now + decision.wait
        self.busy = decision.given_up is not None
        return decision

    def discarded(self) -> None:
        """Continue after a discarded batch."""
        self.busy = False

    def unsettled(self) -> list[Record]:
        """The records that still wait, in order."""
        again = [record for batch in self._again for record in batch.records]
        return again + [record for _, record in self._fresh]

    def _full(self, policy: Policy) -> bool:
        return len(self._fresh) >= policy.batch_size or self._fresh_bytes > policy.max_payload

    def _due(self, policy: Policy) -> float | None:
        if not self._fresh:
            return None
        return 0.0 if self._full(policy) else self._fresh[0][0] + policy.window

    def _cut(self, policy: Policy) -> Batch:
        """As many records as the batch size and the payload limit allow, and at least one."""
        records: list[Record] = []
        size = _ENVELOPE_BYTES
        while self._fresh and len(records) < policy.batch_size:
            record = self._fresh[0][1]
            size += record.size + _SEPARATOR_BYTES
            if records and size > policy.max_payload:
                break
            self._fresh.popleft()
            self._fresh_bytes -= record.size + _SEPARATOR_BYTES
            records.append(record)
        return Batch(tuple(records))

    def _without_the_expired(self, batch: Batch, now: float, policy: Policy) -> Step:
        if policy.max_age is None:
            return Send(batch)
        limit = now - policy.max_age
        expired = tuple(takewhile(lambda record: record.arrived < limit, batch.records))
        if not expired:
            return Send(batch)
        if len(expired) < len(batch.records):
            self._again.appendleft(batch.only(batch.records[len(expired) :]))
        return GiveUp(batch.only(expired), TOO_OLD)
