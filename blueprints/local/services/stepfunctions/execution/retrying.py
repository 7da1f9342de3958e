"""Which Retry and which Catch take a failure, and how long to wait before the next attempt.

Source: Step Functions Developer Guide, "Handling errors in Step Functions workflows".
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from blueprints.states_language.definition import Catcher, Retrier
from blueprints.states_language.failures import (
    ALL,
    HEARTBEAT_TIMEOUT,
    RUNTIME,
    TASK_FAILED,
    TIMEOUT,
)


def matches(errors: Sequence[str], error: str | None) -> bool:
    """Whether the names of `ErrorEquals` take an error; a failure without a name is taken by States.ALL alone.

    As AWS recorded it, States.Runtime is never taken, not even by its name, and States.ALL takes
    States.DataLimitExceeded, unlike the documentation says.
    """
    if error == RUNTIME:
        return False
    if error in errors or ALL in errors:
        return True
    if error == HEARTBEAT_TIMEOUT and TIMEOUT in errors:
        return True
    return TASK_FAILED in errors and error not in (None, TIMEOUT, HEARTBEAT_TIMEOUT)


def catcher_for(catchers: Sequence[Catcher], error: str | None) -> Catcher | None:
    """The first Catch that takes the error."""
    return next((each for each in catchers if matches(each.errors, error)), None)


@dataclass
class Attempts:
    """How often each Retry of a state was used since the state was entered."""

    retriers: Sequence[Retrier]
    retries: int = 0
    """How often the state was tried again."""
    _used: dict[int, int] = field(default_factory=dict)

    def delay_after(self, error: str | None) -> float | None:
        """The seconds before the next attempt, or None if there is none. Counts the attempt."""
        place = next((place for place, each in enumerate(self.retriers) if matches(each.errors, error)), None)
        if place is None:
            return None
        used, retrier = self._used.get(place, 0), self.retriers[place]
        if used >= retrier.max_attempts:
            return None
        self._used[place] = used + 1
        self.retries += 1
        return delay_before_retry(retrier, used)


def delay_before_retry(retrier: Retrier, used: int) -> float:
    """The seconds before a Retry that was `used` so often tries the state again."""
    try:
        delay = retrier.interval_seconds * retrier.backoff_rate**used
    except OverflowError:
        delay = float("inf")
    most = retrier.max_delay_seconds
    delay = min(delay, most if most is not None else 31_622_400)
    return random.uniform(0, delay) if retrier.full_jitter else delay  # noqa: S311 - spreads load, hides nothing
