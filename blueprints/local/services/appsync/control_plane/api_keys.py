"""The operations on API keys, which live one day to 365 days, in whole hours.

Source: AWS AppSync API Reference, CreateApiKey and UpdateApiKey.
"""

import secrets
import string
import time
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.services.appsync.control_plane.apis import existing_api
from blueprints.local.services.appsync.control_plane.errors import Refused, answering, not_found

KEYS = Internal("services.appsync", "_api_keys")
CREATE = Internal("services.appsync", "_create_api_key", ("api_id", "body"))
UPDATE = Internal("services.appsync", "_update_api_key", ("api_id", "key_id", "body"))
DELETE = Internal("services.appsync", "_delete_api_key", ("api_id", "key_id"))

_HOUR, _DAY = 3_600, 86_400
_USUAL_DAYS, _SHORTEST_DAYS, _LONGEST_DAYS = 7, 1, 365
_DAYS_UNTIL_DELETION = 60
_LENGTH = 26
_ALPHABET = string.ascii_lowercase + string.digits


def install() -> None:
    """Check the lifetime of keys, which the base emulator does not."""
    CREATE.replace(answering(_create_key))
    UPDATE.replace(answering(_update_key))


def _create_key(api_id: str, body: dict[str, Any]) -> dict[str, Any]:
    existing_api(api_id)
    now, expires, key_id = int(time.time()), expiry(body.get("expires")), _new_id()
    key = {"id": key_id, "description": body.get("description") or "", "expires": expires}
    KEYS.current().setdefault(api_id, {})[key_id] = {**key, "deletes": _deletion(expires), "createdAt": now}
    return {"apiKey": {**key, "deletes": _deletion(expires)}}


def _update_key(api_id: str, key_id: str, body: dict[str, Any]) -> dict[str, Any]:
    existing_api(api_id)
    keys = KEYS.current().get(api_id) or {}
    if key_id not in keys:
        raise not_found(f"API key not found: {key_id}")
    key = dict(keys[key_id])
    if body.get("description") is not None:
        key["description"] = body["description"]
    if body.get("expires") is not None:
        key["expires"] = expiry(body["expires"])
        key["deletes"] = _deletion(key["expires"])
    keys[key_id] = key
    return {"apiKey": key}


def _new_id() -> str:
    return "da2-" + "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))


def expiry(given: Any) -> int:
    """When a key expires, in seconds since 1970: rounded down to the hour, a week from now without a time.

    Raises Refused for a time outside the limits.
    """
    now = time.time()
    try:
        expires = int(given) if given not in (None, 0, "") else int(now) + _USUAL_DAYS * _DAY
    except (TypeError, ValueError):
        raise Refused(f"The time {given!r} at which the API key expires is not a number of seconds.") from None
    if expires < now + _SHORTEST_DAYS * _DAY:
        raise _out_of_bounds(f"API key must have a minimum {_SHORTEST_DAYS} day duration")
    if expires > now + _LONGEST_DAYS * _DAY:
        raise _out_of_bounds(f"API key must have a maximum {_LONGEST_DAYS} day duration")
    return expires - expires % _HOUR


def _deletion(expires: int) -> int:
    return expires + _DAYS_UNTIL_DELETION * _DAY


def _out_of_bounds(message: str) -> Refused:
    return Refused(message, "ApiKeyValidityOutOfBoundsException")
