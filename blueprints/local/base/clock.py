"""Time as the services count it: faster than real time, so that waits of minutes pass in seconds."""

import heapq
import itertools
import logging
import math
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field

_AT_ONCE = 4 * (os.cpu_count() or 2)

log = logging.getLogger(__name__)


@dataclass(order=True)
class Appointment:
    """A call that is due at a moment of real time."""

    due: float
    number: int
    call: Callable[[], None] = field(compare=False)
    once: bool = field(default=True, compare=False)
    arranged: float = field(default_factory=time.monotonic, compare=False)
    cancelled: bool = field(default=False, compare=False)

    def cancel(self) -> None:
        """Do not make the call; without effect when it has begun."""
        self.cancelled = True


class Clock:
    """Scaled time and one scheduler. With `scale` 60, a minute of a service passes in one real second.

    Calls run on worker threads, in the context (`contextvars`) in which they were arranged; one that raises is logged.
    """

    def __init__(self, scale: float = 1.0) -> None:
        self.scale = scale
        self._due: list[Appointment] = []
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._workers: ThreadPoolExecutor | None = None
        self._last_reset = -math.inf

    def now(self) -> float:
        """Scaled seconds since an arbitrary moment; they never go back."""
        return time.monotonic() * self.scale

    def real(self, seconds: float) -> float:
        """The real seconds in which so many scaled ones pass."""
        return seconds / self.scale

    def after(self, seconds: float, call: Callable[[], None]) -> Appointment:
        """Make a call once, after scaled seconds."""
        return self._arrange(self.real(seconds), call)

    def every(self, seconds: float, call: Callable[[], None], *, at_least: float = 0.0) -> None:
        """Make a call again and again, `seconds` scaled seconds after the last one ended.

        `at_least` is the shortest wait in real seconds, so that a large scale does not keep the machine busy.
        """

        def repeat() -> None:
            try:
                call()
            finally:
                self._arrange(max(self.real(seconds), at_least), repeat, once=False)

        self._arrange(max(self.real(seconds), at_least), repeat, once=False)

    def reset(self) -> None:
        """Cancel the calls arranged by `after`; those of `every` go on."""
        with self._changed:
            self._last_reset = time.monotonic()
            self._due = [each for each in self._due if not each.once]
            heapq.heapify(self._due)

    def was_reset_since(self, moment: float) -> bool:
        """Whether the account was emptied after a moment of `time.monotonic()`.

        Work that began before checks it before it acts: the reset could not cancel what was under way.
        """
        return moment <= self._last_reset

    def _arrange(self, real_seconds: float, call: Callable[[], None], *, once: bool = True) -> Appointment:
        context = copy_context()
        appointment = Appointment(
            time.monotonic() + real_seconds, next(self._numbers), lambda: context.run(_logging_failures, call), once
        )
        with self._changed:
            heapq.heappush(self._due, appointment)
            if self._workers is None:
                self._workers = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="scheduled")
                threading.Thread(target=self._serve, args=(self._workers,), name="clock", daemon=True).start()
            self._changed.notify()
        return appointment

    def _serve(self, workers: ThreadPoolExecutor) -> None:
        while True:
            with self._changed:
                while not self._due or self._due[0].due > time.monotonic():
                    self._changed.wait(self._due[0].due - time.monotonic() if self._due else None)
                appointment = heapq.heappop(self._due)
            workers.submit(self._keep, appointment)

    def _keep(self, appointment: Appointment) -> None:
        void = appointment.once and self.was_reset_since(appointment.arranged)
        if not void and not appointment.cancelled:
            appointment.call()


def _logging_failures(call: Callable[[], None]) -> None:
    try:
        call()
    except Exception:
        log.exception("a scheduled call failed inside the embedded AWS")
