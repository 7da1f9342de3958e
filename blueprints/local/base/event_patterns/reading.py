"""Reads the JSON text of events for patterns."""

import json
from typing import Any, NoReturn

from blueprints.local.base.event_patterns.numbers import read_float


class Several(tuple[Any, ...]):
    """The values of a key that an object has several times. A pattern may match any of them, as in AWS's library."""

    __slots__ = ()


def refuse_constant(constant: str) -> NoReturn:
    """Raise ValueError for `NaN`, `Infinity` and `-Infinity`, which Python reads and JSON does not have."""
    raise ValueError(f"JSON has no {constant}")


def read_event(text: str) -> Any:
    """Read the JSON text of an event. Raises ValueError if it is not JSON, or nested too deeply."""
    return _read(_EXACT_WITH_ALL_VALUES, text)


def read_payload(text: str, *, exact_numbers: bool) -> Any:
    """Read JSON text in less time: of a key that occurs twice, the last value counts. Raises ValueError.

    Without `exact_numbers`, numbers with more digits than a double are rounded.
    """
    return _read(_EXACT if exact_numbers else _ROUNDED, text)


def _read(decoder: json.JSONDecoder, text: str) -> Any:
    try:
        return decoder.decode(text)
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None


def _object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(members)
    if len(made) < len(members):
        for name in made:
            values = [value for each, value in members if each == name]
            made[name] = values[0] if len(values) == 1 else Several(values)
    return made


# made once: `json.loads` with options makes a decoder for each text
_ROUNDED = json.JSONDecoder(parse_constant=refuse_constant)
_EXACT = json.JSONDecoder(parse_float=read_float, parse_constant=refuse_constant)
_EXACT_WITH_ALL_VALUES = json.JSONDecoder(
    parse_float=read_float, parse_constant=refuse_constant, object_pairs_hook=_object
)
