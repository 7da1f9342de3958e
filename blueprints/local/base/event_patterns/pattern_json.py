"""Reads the JSON text of patterns; keeps keys that occur twice, and numbers as they are written."""

import json
from typing import Any

from blueprints.local.base.event_patterns.reading import refuse_constant
from blueprints.local.base.event_patterns.refused import InvalidPattern


class NumberToken(str):
    """A number of a pattern, as it is written."""

    __slots__ = ()


class Members(list[tuple[str, Any]]):
    """The members of an object of a pattern, in order, also those of the same name."""


def read_pattern(text: str) -> Members:
    """Read the JSON object that a pattern is. Raises InvalidPattern."""
    if not text.strip():
        raise InvalidPattern("Filter is not an object")
    try:
        pattern = json.loads(
            text,
            object_pairs_hook=Members,
            parse_int=NumberToken,
            parse_float=NumberToken,
            parse_constant=refuse_constant,
        )
    except (ValueError, RecursionError):
        raise InvalidPattern("Invalid JSON") from None
    if not isinstance(pattern, Members):
        raise InvalidPattern("Filter is not an object")
    return pattern
