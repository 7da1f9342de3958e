"""How long an execution has taken: waits count by the clock, which passes faster, and calls of tasks in real seconds.

Without the difference, a time limit of minutes would end executions whose functions take some seconds.
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from blueprints.local.base.clock import Clock


class ElapsedTime:
    """The time of one execution since it began. Used on the loop of the executions."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._outer = _current.get()
        self._counted, self._since = 0.0, time.monotonic()
        self._calls = 0
        self._limit: float | None = None
        self._expire: Callable[[], None] = lambda: None
        self._alarm: asyncio.TimerHandle | None = None

    @property
    def seconds(self) -> float:
        """The seconds so far, as AWS would count them."""
        return self._counted + (time.monotonic() - self._since) * self._pace

    def measure_here(self) -> None:
        """Count the calls that are made in the present context, and in contexts that are copied from it."""
        _current.set(self)

    def limit(self, seconds: float, expire: Callable[[], None]) -> None:
        """Call a function once so many seconds have passed since the beginning."""
        self._limit, self._expire = seconds, expire
        self._set_alarm()

    def stop(self) -> None:
        """Call nothing any more."""
        self._limit = None
        self._set_alarm()

    def count_call(self, change: int) -> None:
        """Count a call that begins (1) or has ended (-1); while one is under way, time counts in real seconds."""
        # The parent of a Map Run waits for the calls of its children.
        if self._outer is not None:
            self._outer.count_call(change)
        self._counted, self._since = self.seconds, time.monotonic()
        pace = self._pace
        self._calls += change
        if self._pace != pace:
            self._set_alarm()

    @property
    def _pace(self) -> float:
        return 1.0 if self._calls else self._clock.scale

    def _set_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if self._limit is not None:
            left = max(self._limit - self.seconds, 0) / self._pace
            self._alarm = asyncio.get_running_loop().call_later(left, self._expire)


_current: ContextVar[ElapsedTime | None] = ContextVar("elapsed_time", default=None)


@contextmanager
def in_real_time() -> Iterator[None]:
    """Let the time within count in real seconds for the execution of the present context, and for those around it."""
    elapsed = _current.get()
    if elapsed is None:
        yield
        return
    elapsed.count_call(1)
    try:
        yield
    finally:
        elapsed.count_call(-1)
