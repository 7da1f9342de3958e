"""The settings of a mapping, in the form that its progress follows.

Source: AWS Lambda API Reference, CreateEventSourceMapping. Absent or -1 means without limit.
"""

from dataclasses import dataclass
from typing import Any

from blueprints.local.base.clock import Clock
from blueprints.local.base.properties import is_true

MAX_PAYLOAD_BYTES = 6 * 1024 * 1024
PARTIAL_RESPONSES = "ReportBatchItemFailures"

_DEFAULT_BATCH_SIZE = 100
_DEFAULT_QUEUE_BATCH_SIZE = 10
# Lambda starts with so many invocations at the same time. It goes up to 1,250; this machine does not.
_FIRST_CONCURRENCY = 5
_FIRST_WAIT_SECONDS = 1.0
_LONGEST_WAIT_SECONDS = 60.0
# Until a mapping that cannot read tries again.
_RETRY_SECONDS, _LEAST_REAL_RETRY_SECONDS = 1.0, 0.1


@dataclass(frozen=True)
class Policy:
    """How a mapping batches and retries; in real seconds."""

    batch_size: int = _DEFAULT_BATCH_SIZE
    window: float = 0.0
    lanes: int = 1
    max_retries: int | None = None
    max_age: float | None = None
    bisect: bool = False
    partial_responses: bool = False
    first_wait: float = _FIRST_WAIT_SECONDS
    longest_wait: float = _LONGEST_WAIT_SECONDS
    max_payload: int = MAX_PAYLOAD_BYTES

    def wait_after(self, failures: int) -> float:
        """Seconds until the next try: doubling from the first failure on, up to a limit."""
        return doubling(failures, self.first_wait, self.longest_wait)


@dataclass(frozen=True)
class QueuePolicy:
    """How a mapping of a queue batches, and how often it invokes at the same time; in real seconds."""

    batch_size: int = _DEFAULT_QUEUE_BATCH_SIZE
    window: float = 0.0
    concurrency: int = _FIRST_CONCURRENCY
    partial_responses: bool = False
    first_wait: float = _FIRST_WAIT_SECONDS
    longest_wait: float = _LONGEST_WAIT_SECONDS
    max_payload: int = MAX_PAYLOAD_BYTES

    def wait_after(self, throttles: int) -> float:
        """Seconds until a throttled batch is sent again."""
        return doubling(throttles, self.first_wait, self.longest_wait)


def doubling(times: int, first: float, longest: float) -> float:
    """A wait that doubles each time, from the first up to the longest."""
    return min(first * 2.0 ** min(times - 1, 32), longest)


def policy_of(mapping: dict[str, Any], clock: Clock) -> Policy:
    """The policy that a mapping's properties state; waits and ages in real seconds."""
    age = _limit(mapping.get("MaximumRecordAgeInSeconds"))
    return Policy(
        batch_size=int(mapping.get("BatchSize") or _DEFAULT_BATCH_SIZE),
        window=clock.real(int(mapping.get("MaximumBatchingWindowInSeconds") or 0)),
        lanes=int(mapping.get("ParallelizationFactor") or 1),
        max_retries=_limit(mapping.get("MaximumRetryAttempts")),
        max_age=None if age is None else clock.real(age),
        bisect=is_true(mapping.get("BisectBatchOnFunctionError")),
        partial_responses=PARTIAL_RESPONSES in (mapping.get("FunctionResponseTypes") or ()),
        first_wait=clock.real(_FIRST_WAIT_SECONDS),
        longest_wait=clock.real(_LONGEST_WAIT_SECONDS),
    )


def queue_policy_of(mapping: dict[str, Any], clock: Clock) -> QueuePolicy:
    """The policy that the properties of a queue's mapping state."""
    scaling = mapping.get("ScalingConfig") or {}
    return QueuePolicy(
        batch_size=int(mapping.get("BatchSize") or _DEFAULT_QUEUE_BATCH_SIZE),
        window=clock.real(int(mapping.get("MaximumBatchingWindowInSeconds") or 0)),
        concurrency=int(scaling.get("MaximumConcurrency") or _FIRST_CONCURRENCY),
        partial_responses=PARTIAL_RESPONSES in (mapping.get("FunctionResponseTypes") or ()),
        first_wait=clock.real(_FIRST_WAIT_SECONDS),
        longest_wait=clock.real(_LONGEST_WAIT_SECONDS),
    )


def real_retry_seconds(clock: Clock) -> float:
    """Real seconds until a mapping that cannot read its source tries again."""
    return max(clock.real(_RETRY_SECONDS), _LEAST_REAL_RETRY_SECONDS)


def _limit(value: object) -> int | None:
    number = -1 if value is None else int(str(value))
    return None if number < 0 else number
