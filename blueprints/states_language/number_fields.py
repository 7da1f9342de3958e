"""Fields of a state whose value is a number: a literal, at a path (`…Path`) or given by a JSONata expression."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from blueprints.states_language import json_path, jsonata, timestamps
from blueprints.states_language.failures import runtime_failure
from blueprints.states_language.json_text import dump
from blueprints.states_language.query_languages import JSONATA
from blueprints.states_language.visible_data import MISSING, VisibleData


def whole_number(
    fields: Mapping[str, Any], name: str, data: VisibleData, query_language: str, within: str = ""
) -> int | None:
    """Return the value of `name` or `namePath`, such as TimeoutSeconds; None where the state has neither.

    `within` is the place of `fields` in the state, such as `ItemBatcher/`. Raises StateFailed where the value does not
    fit.
    """
    number = _number(fields, name, data, query_language, within, "integer")
    return None if number is None else int(number)


def percentage(fields: Mapping[str, Any], name: str, data: VisibleData, query_language: str) -> float | None:
    """Return the value of `name` or `namePath` as a number from 0 to 100; None where the state has neither."""
    number = _number(fields, name, data, query_language, "", "float")
    if number is not None and not 0 <= number <= 100:
        raise runtime_failure(data, f"{name} must be between 0 and 100.")
    return number


def _number(
    fields: Mapping[str, Any], name: str, data: VisibleData, query_language: str, within: str, kind: str
) -> float | None:
    if name in fields:
        value = fields[name]
        if query_language == JSONATA:
            value = jsonata.evaluate(value, data, within + name, expected="number" if kind == "float" else "integer")
        if kind == "float":
            return float(value)
        _check_sign(value, name, data)
        return int(value)
    path = fields.get(f"{name}Path")
    if path is None:
        return None
    # A missing value of these two is described in other words.
    value = json_path.read(path, data, None if name in ("TimeoutSeconds", "HeartbeatSeconds") else f"{name}Path")
    number = _parsed(value, kind)
    if number is None:
        written = value if isinstance(value, str) else dump(value)
        raise runtime_failure(
            data, f'The {name}Path field refers to value "{written}" which is not a valid {kind}: {path}'
        )
    if kind == "integer":
        _check_sign(number, name, data)
    return number


def _parsed(value: Any, kind: str) -> float | None:
    """Return the number that a value is, also a text of digits; None where it is none of that kind."""
    if isinstance(value, str):
        with suppress(ValueError):
            return int(value) if kind == "integer" else float(value)
    fits = isinstance(value, int if kind == "integer" else (int, float)) and not isinstance(value, bool)
    return value if fits else None


def _check_sign(value: float, name: str, data: VisibleData) -> None:
    if value >= 0:
        return
    if name == "MaxConcurrency":
        raise runtime_failure(data, f"Expected non-negative integer for MaxConcurrency, got '{value}' instead.")
    raise runtime_failure(data, f"{name} cannot be negative.")


def seconds_to_wait(fields: Mapping[str, Any], data: VisibleData, query_language: str) -> float | None:
    """Return the seconds of a Wait state; None where it waits for a timestamp. Raises StateFailed."""
    if "Seconds" in fields:
        seconds = fields["Seconds"]
        if query_language == JSONATA:
            seconds = jsonata.evaluate(seconds, data, "Seconds", expected="integer")
            _check_sign(seconds, "Seconds", data)
        return float(seconds)
    if "SecondsPath" not in fields:
        return None
    path = fields["SecondsPath"]
    value = _at_path("SecondsPath", path, data)
    if isinstance(value, bool) or not isinstance(value, int):
        raise runtime_failure(
            data, f"The SecondsPath parameter cannot be parsed as a long value: {path} == {_plain(value)}"
        )
    if value < 0:
        raise runtime_failure(data, f"The SecondsPath parameter references a negative value: {path} == {value}")
    return float(value)


def timestamp_to_wait_for(fields: Mapping[str, Any], data: VisibleData, query_language: str) -> float:
    """Return the seconds from 1970 to the timestamp of a Wait state. Raises StateFailed."""
    if "TimestampPath" in fields:
        name, written = "TimestampPath", fields["TimestampPath"]
        value = _at_path(name, written, data)
    else:
        name, written = "Timestamp", fields["Timestamp"]
        value = written
        if query_language == JSONATA and jsonata.is_expression(written):
            value = jsonata.evaluate(written, data, "Timestamp", expected="string")
            written = jsonata.inner(written)
    seconds = timestamps.seconds(value) if isinstance(value, str) else None
    if seconds is None:
        expected = "a valid ISO-8601 extended offset date-time format string"
        cause = f"The {name} parameter does not reference {expected}: {written} == {_plain(value)}"
        raise runtime_failure(data, cause)
    return seconds


def _at_path(field: str, path: str, data: VisibleData) -> Any:
    value = json_path.find(path, data)
    if value is MISSING:
        raise runtime_failure(data, f"The {field} parameter does not reference an input value: {path}")
    return value


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else dump(value)
