"""Trino's functions of arrays. Positions begin with 1."""

from typing import Any

from blueprints.local.services.athena.failures import QueryFailed

_MOST_ELEMENTS = 10_000


def subscript(values: list[Any], index: int) -> Any:
    """An element; it is an error if there is none."""
    if index <= 0:
        raise QueryFailed("INVALID_FUNCTION_ARGUMENT: SQL array indices start at 1")
    if index > len(values):
        raise QueryFailed(
            f"INVALID_FUNCTION_ARGUMENT: Array subscript must be less than or equal to array length: {index} > "
            f"{len(values)}"
        )
    return values[index - 1]


def element_at(values: list[Any], index: int) -> Any:
    """An element, from the end if the position is negative; NULL if there is none."""
    if index == 0:
        raise QueryFailed("INVALID_FUNCTION_ARGUMENT: SQL array indices start at 1")
    place = index - 1 if index > 0 else len(values) + index
    return values[place] if 0 <= place < len(values) else None


def contains(values: list[Any], value: Any) -> bool | None:
    """Whether an array has an element; NULL if it has not and another is NULL."""
    if value in [each for each in values if each is not None]:
        return True
    return None if None in values else False


def part(values: list[Any], start: int, length: int) -> list[Any]:
    """A part of an array; a negative position counts from the end."""
    if start == 0 or length < 0:
        raise QueryFailed("INVALID_FUNCTION_ARGUMENT: SQL array indices start at 1, and length must be >= 0")
    first = start - 1 if start > 0 else len(values) + start
    return values[first : first + length] if first >= 0 else []


def joined(values: list[Any], delimiter: str, null: str | None = None) -> str:
    """The elements' text with a delimiter between them; NULL is left out, or written as `null`."""
    texts = [null if each is None else _text(each) for each in values]
    return delimiter.join(each for each in texts if each is not None)


def distinct(values: list[Any]) -> list[Any]:
    """An array without repetitions."""
    return list(dict.fromkeys(values))


def in_order(values: list[Any]) -> list[Any]:
    """An array in ascending order, NULL last."""
    return [*sorted(each for each in values if each is not None), *(each for each in values if each is None)]


def largest(values: list[Any]) -> Any:
    """The largest element; NULL if one is NULL or there is none."""
    return None if None in values or not values else max(values)


def smallest(values: list[Any]) -> Any:
    """The smallest element; NULL if one is NULL or there is none."""
    return None if None in values or not values else min(values)


def sequence(start: int, stop: int, step: int | None = None) -> list[int]:
    """The whole numbers from one to another."""
    by = step if step is not None else (1 if start <= stop else -1)
    if by == 0 or (stop - start) * by < 0:
        raise QueryFailed("INVALID_FUNCTION_ARGUMENT: sequence stop value should be beyond start value by the step")
    values = list(range(start, stop + (1 if by > 0 else -1), by))[: _MOST_ELEMENTS + 1]
    if len(values) > _MOST_ELEMENTS:
        raise QueryFailed(
            "INVALID_FUNCTION_ARGUMENT: result of sequence function must not have more than 10000 entries"
        )
    return values


def _text(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)
