"""Rates of scheduled rules: in real time at the usual time scale, faster if tests set a larger one.

They are not sped up as retries are: a function of `rate(1 minute)` would be started again before it has ended.
"""

from blueprints.local.base.clock import Clock
from blueprints.local.base.internals import Internal

USUAL_TIME_SCALE = 60.0
RATE = Internal("services.eventbridge", "_parse_rate_seconds", ("expr",))
TICK = Internal("services.eventbridge", "_SCHEDULER_TICK_INTERVAL")

_TICK_SECONDS = 1.0


def install(clock: Clock) -> None:
    """Check more often whether a rule is due, and divide rates by the ratio of the time scale to the usual one."""
    seconds_of = RATE.current()
    faster = max(1.0, clock.scale / USUAL_TIME_SCALE)

    def rate(expr: str) -> float | None:
        seconds = seconds_of(expr)
        return None if seconds is None else seconds / faster

    RATE.replace(rate)
    TICK.replace(_TICK_SECONDS / faster)
