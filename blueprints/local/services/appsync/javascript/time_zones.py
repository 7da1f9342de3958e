"""Regional time zones for `util.time`: JavaScript engines without Intl know UTC alone."""

import datetime as dt
import functools
import zoneinfo
from itertools import pairwise

_FIRST = dt.datetime(1900, 1, 1, tzinfo=dt.UTC)
_LAST = dt.datetime(2100, 1, 1, tzinfo=dt.UTC)
_STEP = dt.timedelta(days=20)
"""Shorter than the time between two transitions of any zone in the years above."""


class UnknownZone(Exception):
    """A name that is no time zone."""


@functools.lru_cache(maxsize=64)
def transitions(name: str) -> list[tuple[int, int, str]]:
    """From when (ms since 1970), the offset (s) and the abbreviation that hold, sorted; the first holds from ever.

    Raises `UnknownZone`.
    """
    try:
        zone = zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise UnknownZone(f"Unknown time zone: {name}") from None
    moments = [_FIRST + _STEP * count for count in range((_LAST - _FIRST) // _STEP + 1)]
    found = [(-(2**53), *_state(zone, _FIRST))]
    for before, after in pairwise(moments):
        if _state(zone, before) != _state(zone, after):
            change = _first_change(zone, before, after)
            found.append((int(change.timestamp() * 1000), *_state(zone, change)))
    return found


def _state(zone: zoneinfo.ZoneInfo, moment: dt.datetime) -> tuple[int, str]:
    local = moment.astimezone(zone)
    return int((local.utcoffset() or dt.timedelta()).total_seconds()), local.tzname() or zone.key


def _first_change(zone: zoneinfo.ZoneInfo, low: dt.datetime, high: dt.datetime) -> dt.datetime:
    before = _state(zone, low)
    while high - low > dt.timedelta(seconds=1):
        middle = low + dt.timedelta(seconds=(high - low) // dt.timedelta(seconds=2))
        low, high = (middle, high) if _state(zone, middle) == before else (low, middle)
    return high
