"""Timestamps as the language has them: RFC 3339, which is ISO 8601's extended date and time with an offset."""

import re
from datetime import UTC, datetime

_TIMESTAMP = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?(?:Z|([+-])(\d{2}):(\d{2}))", re.ASCII
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NANOSECONDS = 1_000_000_000


def nanoseconds(text: str) -> int | None:
    """Return the nanoseconds from 1970 to the timestamp, or None where the text is no timestamp."""
    found = _TIMESTAMP.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
    try:
        local = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None
    since = local - _EPOCH
    offset = int(found[9] or 0) * 3600 + int(found[10] or 0) * 60
    seconds = since.days * 86_400 + since.seconds - (-offset if found[8] == "-" else offset)
    return seconds * _NANOSECONDS + int((found[7] or "").ljust(9, "0"))


def seconds(text: str) -> float | None:
    """Return the seconds from 1970 to the timestamp, or None where the text is no timestamp."""
    since = nanoseconds(text)
    return None if since is None else since / _NANOSECONDS
