"""Remembers which alarms have rung since a moment, also those that are silent again.

In scaled time an alarm may ring for a few milliseconds, which polling would miss.
"""

import time
from collections.abc import Iterable

from blueprints.local.base.internals import Internal

ALARMS = Internal("services.cloudwatch", "_alarms")
COMPOSITE_ALARMS = Internal("services.cloudwatch", "_composite_alarms")
ACCOUNT = Internal("core.responses", "get_account_id", ())
REGION = Internal("core.responses", "get_region", ())

_rang: dict[tuple[str, str, str], float] = {}


def note(name: str) -> None:
    """An alarm of the account and Region of the caller's context rings from now on."""
    _rang[ACCOUNT.current()(), REGION.current()(), name] = time.monotonic()


def forget() -> None:
    """Forget every alarm."""
    _rang.clear()


def rang_since(names: Iterable[str], moment: float) -> tuple[str, ...]:
    """Those of the alarms that are in the state ALARM, or came into it after a moment of `time.monotonic()`.

    An alarm that does not exist is silent.
    """
    scope = ACCOUNT.current()(), REGION.current()()
    return tuple(name for name in names if _is_ringing(name) or _rang.get((*scope, name), float("-inf")) >= moment)


def _is_ringing(name: str) -> bool:
    alarm = ALARMS.current().get(name) or COMPOSITE_ALARMS.current().get(name)
    return bool(alarm) and alarm.get("StateValue") == "ALARM"
