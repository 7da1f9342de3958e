"""Pages of long lists. A token holds the position of the last item, so that new items neither shift nor repeat any."""

import base64
import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from blueprints.local.base.protocol import ServiceError

Item = TypeVar("Item")

DEFAULT_LENGTH = 100
_VALID_SECONDS = 24 * 3600
_NOT_OF_THE_QUERY = ("nextToken", "maxResults")


def page(
    items: Sequence[Item],
    given: Mapping[str, Any],
    position: Callable[[Item], Any],
    *,
    descending: bool = False,
) -> tuple[list[Item], str | None]:
    """The items of the page that a request asks for, and the token of the next one.

    `items` are in the order of `position`, a number, string or list that no two of them share. Raises InvalidToken for
    a token that is malformed, older than a day, or of a request with other parameters.
    """
    if "nextToken" in given:
        last = _read(given["nextToken"], given)
        try:
            items = [each for each in items if (position(each) < last if descending else position(each) > last)]
        except TypeError:
            raise _invalid() from None
    length = given.get("maxResults") or DEFAULT_LENGTH
    shown = list(items[:length])
    more = len(items) > len(shown)
    return shown, _write(position(shown[-1]), given) if more else None


def _write(last: Any, given: Mapping[str, Any]) -> str:
    token = {"last": last, "query": _digest(given), "issued": time.time()}
    return base64.urlsafe_b64encode(json.dumps(token).encode()).decode()


def _read(token: str, given: Mapping[str, Any]) -> Any:
    try:
        read = json.loads(base64.urlsafe_b64decode(token.encode()))
        valid = read["query"] == _digest(given) and time.time() - read["issued"] < _VALID_SECONDS
        last = read["last"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise _invalid() from None
    if not valid:
        raise _invalid()
    return last


def _digest(given: Mapping[str, Any]) -> str:
    query = {name: value for name, value in sorted(given.items()) if name not in _NOT_OF_THE_QUERY}
    return hashlib.sha256(json.dumps(query, default=str).encode()).hexdigest()[:16]


def _invalid() -> ServiceError:
    return ServiceError("InvalidToken", "Invalid Token: 'Invalid token'")
