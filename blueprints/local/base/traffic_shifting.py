"""Shifts the traffic of an alias to a new version: all at once, as a canary, or in equal steps."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from blueprints.local.base.clock import Clock

ALL = 100
SECONDS_BETWEEN_CHECKS = 0.05
"""Real seconds between two checks whether to go on."""


@dataclass(frozen=True)
class Schedule:
    """How traffic shifts: `percentage` of it with each step, `minutes` of scaled time between two steps."""

    percentage: int = ALL
    minutes: int = 0
    is_linear: bool = False
    """Whether there are as many steps as it takes; otherwise, the second step is the last one."""

    @property
    def shares(self) -> Iterator[int]:
        """The percentages that the new version gets one after the other, before it gets all of the traffic."""
        if self.is_linear:
            yield from range(self.percentage, ALL, self.percentage)
        elif self.percentage < ALL:
            yield self.percentage


def shift(schedule: Schedule, clock: Clock, move: Callable[[int], None], check: Callable[[], None]) -> None:
    """Give a new version all of the traffic, step by step.

    `move` gives it a percentage. `check` is called again and again between the steps, and raises to stop the shift.
    """
    for share in schedule.shares:
        move(share)
        end = time.monotonic() + clock.real(schedule.minutes * 60)
        while (left := end - time.monotonic()) > 0:
            check()
            time.sleep(min(left, SECONDS_BETWEEN_CHECKS))
    check()
    move(ALL)
