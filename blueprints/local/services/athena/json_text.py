"""Trino's functions of JSON in text."""

import json
import re
from typing import Any

from blueprints.local.services.athena.failures import QueryFailed

_STEP = re.compile(r"""\.([A-Za-z_][A-Za-z0-9_]*)|\[(\d+)\]|\["([^"\\]*)"\]""")

_SPACE = " \t\n\r"


class _Number(str):
    """A number as it is written."""

    __slots__ = ()


def path_fault(path: str) -> str | None:
    """Why a path is not emulated, or None."""
    return None if _steps(path) is not None else f"The JSON path {path} is not emulated: write names and positions."


def scalar(text: str, path: str) -> str | None:
    """The text of a scalar at a path; NULL if there is none, or the text is not JSON."""
    value: Any = _read(text)
    for step in _steps(path) or []:
        if isinstance(value, dict) and isinstance(step, str):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int):
            value = value[step] if step < len(value) else None
        else:
            return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str) else None


def array_length(text: str) -> int | None:
    """How many elements a JSON array has; NULL if the text is none."""
    value = _read(text)
    return len(value) if isinstance(value, list) else None


def _steps(path: str) -> list[str | int] | None:
    found: list[str | int] = []
    place = 1
    while path.startswith("$") and place < len(path):
        step = _STEP.match(path, place)
        if step is None:
            return None
        found.append(int(step[2]) if step[2] else step[1] or step[3])
        place = step.end()
    return found if path.startswith("$") else None


def _read(text: str) -> Any:
    """The value of a JSON text; None if the text does not begin as JSON. Trino reads only as far as it has to."""
    try:
        value, end = _DECODER.raw_decode(text.strip(_SPACE))
    except ValueError:
        if text.strip(_SPACE).startswith(("{", "[")):
            raise QueryFailed(f"Functions of JSON are emulated only for valid JSON, not for: {text[:100]}") from None
        return None
    if end != len(text.strip(_SPACE)):
        raise QueryFailed(f"Functions of JSON are emulated only for valid JSON, not for: {text[:100]}")
    return value


def _first_of_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return dict(reversed(pairs))


def _refuse(text: str) -> Any:
    raise ValueError(text)


_DECODER = json.JSONDecoder(
    object_pairs_hook=_first_of_each, parse_int=_Number, parse_float=_Number, parse_constant=_refuse
)
