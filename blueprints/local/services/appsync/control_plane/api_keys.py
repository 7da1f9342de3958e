"""The lifetime of API keys: one day to 365 days, in whole hours.

Source: AWS AppSync API Reference, CreateApiKey and UpdateApiKey.
"""

import secrets
import string
import time
from typing import Any

from blueprints.local.services.appsync.control_plane.errors import Refused

_HOUR, _DAY = 3_600, 86_400
_USUAL_DAYS, _SHORTEST_DAYS, _LONGEST_DAYS = 7, 1, 365
_DAYS_UNTIL_DELETION = 60
_LENGTH = 26
_ALPHABET = string.ascii_lowercase + string.digits


def new_id() -> str:
    """The id of a key, which is the key itself."""
    return "da2-" + "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))


def expiry(given: Any, now: float | None = None) -> int:
    """When a key expires, in seconds since 1970: rounded down to the hour, a week from now without a time.

    Raises Refused for a time outside the limits.
    """
    now = time.time() if now is None else now
    try:
        expires = int(given) if given not in (None, 0, "") else int(now) + _USUAL_DAYS * _DAY
    except (TypeError, ValueError):
        raise Refused(f"The time {given!r} at which the API key expires is not a number of seconds.") from None
    if expires < now + _SHORTEST_DAYS * _DAY:
        raise _out_of_bounds(f"API key must have a minimum {_SHORTEST_DAYS} day duration")
    if expires > now + _LONGEST_DAYS * _DAY:
        raise _out_of_bounds(f"API key must have a maximum {_LONGEST_DAYS} day duration")
    return expires - expires % _HOUR


def deletion(expires: int) -> int:
    """When AppSync deletes a key that expires then."""
    return expires + _DAYS_UNTIL_DELETION * _DAY


def _out_of_bounds(message: str) -> Refused:
    return Refused(message, "ApiKeyValidityOutOfBoundsException")
