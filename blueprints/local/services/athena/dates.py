"""Trino's functions of dates and timestamps. Both come as Python's `date` and `datetime`; NULL never arrives here."""

import re
from calendar import monthrange
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from blueprints.local.services.athena.failures import QueryFailed

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - timestamps have no time zone
_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_MILLISECONDS = {"millisecond": 1, "second": 1_000, "minute": 60_000, "hour": 3_600_000}
_DAYS = {"day": 1, "week": 7}
UNITS = (*_MILLISECONDS, *_DAYS, *_MONTHS)


def added(unit: str, number: int, value: Any) -> Any:
    """A date or timestamp moved by a number of units; a month later is at most the last day of that month."""
    unit = _unit(unit, value)
    try:
        if unit in _MONTHS:
            return _months_later(value, number * _MONTHS[unit])
        if unit in _DAYS:
            return value + timedelta(days=number * _DAYS[unit])
        return value + timedelta(milliseconds=number * _MILLISECONDS[unit])
    except (OverflowError, ValueError):
        raise QueryFailed("The dates before year 1 and after 9999 are not emulated.") from None


def difference(unit: str, start: Any, end: Any) -> int:
    """How many whole units lie between two dates or timestamps."""
    unit = _unit(unit, start)
    if end < start:
        return -difference(unit, end, start)
    if unit in _MONTHS:
        months = (end.year - start.year) * 12 + end.month - start.month
        if months and _months_later(start, months) > end:
            months -= 1
        return int(months // _MONTHS[unit])
    if unit in _DAYS:
        return int((end - start) // timedelta(days=_DAYS[unit]))
    return int((end - start) // timedelta(milliseconds=_MILLISECONDS[unit]))


def truncated(unit: str, value: Any) -> Any:
    """The first moment of the unit in which a date or timestamp lies."""
    unit = _unit(unit, value)
    if unit in _MILLISECONDS:
        size = timedelta(milliseconds=_MILLISECONDS[unit])
        return value - (value - _EPOCH) % size
    day = date(value.year, value.month, value.day)
    first = {
        "day": day,
        "week": day - timedelta(days=day.weekday()),
        "month": day.replace(day=1),
        "quarter": day.replace(day=1, month=(day.month - 1) // 3 * 3 + 1),
        "year": day.replace(day=1, month=1),
    }[unit]
    return datetime(first.year, first.month, first.day) if isinstance(value, datetime) else first  # noqa: DTZ001


def last_day_of_month(value: Any) -> date:
    """The last day of the month of a date or timestamp."""
    return date(value.year, value.month, monthrange(value.year, value.month)[1])


FIELDS: Mapping[str, Callable[[Any], int]] = {
    "year": lambda value: value.year,
    "quarter": lambda value: (value.month - 1) // 3 + 1,
    "month": lambda value: value.month,
    "week": lambda value: value.isocalendar()[1],
    "week_of_year": lambda value: value.isocalendar()[1],
    "year_of_week": lambda value: value.isocalendar()[0],
    "yow": lambda value: value.isocalendar()[0],
    "day": lambda value: value.day,
    "day_of_month": lambda value: value.day,
    "day_of_week": lambda value: value.isoweekday(),
    "dow": lambda value: value.isoweekday(),
    "day_of_year": lambda value: value.timetuple().tm_yday,
    "doy": lambda value: value.timetuple().tm_yday,
}
"""Parts of dates and timestamps. Weeks and their years are those of ISO 8601."""

TIME_FIELDS: Mapping[str, Callable[[Any], int]] = {
    "hour": lambda value: value.hour,
    "minute": lambda value: value.minute,
    "second": lambda value: value.second,
    "millisecond": lambda value: value.microsecond // 1_000,
}
"""Parts of timestamps."""


def seconds_since_1970(value: datetime) -> float:
    """A timestamp as Unix time."""
    return (value - _EPOCH) / timedelta(seconds=1)


def from_iso_date(text: str) -> date:
    """A date written as 2026-01-31."""
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        raise QueryFailed(f"from_iso8601_date is emulated for text such as 2026-01-31, not for: {text}")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise QueryFailed(f"INVALID_FUNCTION_ARGUMENT: Cannot parse: {text}") from None


def text_of_timestamp(digits: int) -> Callable[[datetime], str]:
    """The text of a timestamp, with this number of digits of a second."""

    def convert(value: datetime) -> str:
        fraction = f".{value.microsecond:06d}"[: digits + 1] if digits else ""
        return f"{value.year:04d}-{value:%m-%d %H:%M:%S}{fraction}"

    return convert


_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTH_NAMES = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_SPECIFIERS: Mapping[str, Callable[[Any], str]] = {
    "Y": lambda value: f"{value.year:04d}",
    "y": lambda value: f"{value.year % 100:02d}",
    "m": lambda value: f"{value.month:02d}",
    "c": lambda value: f"{value.month}",
    "M": lambda value: _MONTH_NAMES[value.month - 1],
    "b": lambda value: _MONTH_NAMES[value.month - 1][:3],
    "d": lambda value: f"{value.day:02d}",
    "e": lambda value: f"{value.day}",
    "j": lambda value: f"{value.timetuple().tm_yday:03d}",
    "W": lambda value: _WEEKDAYS[value.weekday()],
    "a": lambda value: _WEEKDAYS[value.weekday()][:3],
    "H": lambda value: f"{value.hour:02d}",
    "k": lambda value: f"{value.hour}",
    "h": lambda value: f"{value.hour % 12 or 12:02d}",
    "I": lambda value: f"{value.hour % 12 or 12:02d}",
    "l": lambda value: f"{value.hour % 12 or 12}",
    "i": lambda value: f"{value.minute:02d}",
    "s": lambda value: f"{value.second:02d}",
    "S": lambda value: f"{value.second:02d}",
    "p": lambda value: "PM" if value.hour >= 12 else "AM",
    "T": lambda value: f"{value.hour:02d}:{value.minute:02d}:{value.second:02d}",
    "%": lambda value: "%",  # noqa: ARG005
}
_READ = {"Y": r"\d{4}", "m": r"\d\d", "d": r"\d\d", "H": r"\d\d", "i": r"\d\d", "s": r"\d\d", "S": r"\d\d"}


def format_fault(pattern: str) -> str | None:
    """Why a format of date_format is not emulated, or None."""
    unknown = [each for each in _parts(pattern) if each.startswith("%") and each[1:] not in _SPECIFIERS]
    return f"date_format is not emulated with {unknown[0]}." if unknown else None


def parse_fault(pattern: str) -> str | None:
    """Why a format of date_parse is not emulated, or None."""
    unknown = [each for each in _parts(pattern) if each.startswith("%") and each[1:] not in _READ]
    return f"date_parse is not emulated with {unknown[0]}." if unknown else None


def formatted(value: Any, pattern: str) -> str:
    """The text of a date or timestamp by a format of MySQL."""
    if not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)  # noqa: DTZ001
    return "".join(_SPECIFIERS[each[1:]](value) if each.startswith("%") else each for each in _parts(pattern))


def parsed(text: str, pattern: str) -> datetime:
    """The timestamp in a text by a format of MySQL."""
    parts = _parts(pattern)
    expression = "".join(f"({_READ[each[1:]]})" if each.startswith("%") else re.escape(each) for each in parts)
    found = re.fullmatch(expression, text, re.ASCII)
    values = {"Y": 1970, "m": 1, "d": 1, "H": 0, "i": 0, "s": 0}
    if found:
        for each, value in zip([each[1:] for each in parts if each.startswith("%")], found.groups(), strict=True):
            values[each.lower() if each == "S" else each] = int(value)
    try:
        if found:
            year, month, day, hour, minute, second = (values[each] for each in "YmdHis")
            return datetime(year, month, day, hour, minute, second)  # noqa: DTZ001
    except ValueError:
        pass
    raise QueryFailed(f"date_parse is emulated for text that fits its format in every digit, not for: {text}")


def _parts(pattern: str) -> list[str]:
    return re.findall(r"%.|[^%]+|%", pattern, re.DOTALL)


def _unit(unit: str, value: Any) -> str:
    unit = unit.lower()
    is_timestamp = isinstance(value, datetime)
    if unit not in UNITS or (unit in _MILLISECONDS and not is_timestamp):
        kind = "TIMESTAMP" if is_timestamp else "DATE"
        raise QueryFailed(f"INVALID_FUNCTION_ARGUMENT: '{unit}' is not a valid {kind} field")
    return unit


def _months_later(value: Any, months: int) -> Any:
    year, month = divmod(value.year * 12 + value.month - 1 + months, 12)
    return value.replace(year=year, month=month + 1, day=min(value.day, monthrange(year, month + 1)[1]))
