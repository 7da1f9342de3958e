"""The functions that Step Functions adds to JSONata."""

import math
import random
import uuid
from collections.abc import Callable
from typing import Any

from blueprints.states_language import intrinsic_functions, json_text
from blueprints.states_language.visible_data import MISSING

_MULTIPLIER, _ADDEND, _MASK = 0x5DEECE66D, 0xB, (1 << 48) - 1


def partition(array: Any = MISSING, size: Any = MISSING) -> Any:
    """Return the array in parts of `size` elements; the last part may have fewer."""
    if array is MISSING:
        return MISSING
    values = array if isinstance(array, list) else [array]
    length = math.trunc(_number(size, "partition", 2))
    if length < 1:
        raise ValueError("The second argument of $partition must be a positive number")
    return [values[start : start + length] for start in range(0, len(values), length)]


def number_range(first: Any = MISSING, last: Any = MISSING, step: Any = MISSING) -> Any:
    """Return the whole numbers from `first` to `last` inclusive, `step` apart. Fractions are cut off."""
    if MISSING in (first, last, step):
        return MISSING
    start, end, by = (math.trunc(_number(value, "range", place)) for place, value in enumerate((first, last, step), 1))
    if by == 0:
        return MISSING
    return list(range(start, end + (1 if by > 0 else -1), by))


def hash_text(value: Any = MISSING, algorithm: Any = MISSING) -> Any:
    """Return the hexadecimal digest of a string, by MD5, SHA-1, SHA-256, SHA-384 or SHA-512."""
    if value is MISSING:
        return MISSING
    return intrinsic_functions.hash_of(value, algorithm)


def random_number(seed: Any = MISSING) -> float:
    """Return a number from 0 to 1, exclusive; with a seed it is the one that java.util.Random gives first."""
    if seed is MISSING:
        return random.random()  # noqa: S311  # as AWS, not for secrets
    state = (math.trunc(_number(seed, "random", 1)) ^ _MULTIPLIER) & _MASK
    high, state = _next_bits(state, 26)
    low, _ = _next_bits(state, 27)
    return float((high << 27) + low) / (1 << 53)


def new_uuid() -> str:
    """Return a random UUID (version 4)."""
    return str(uuid.uuid4())


def parse(text: Any = MISSING) -> Any:
    """Return the value that a JSON text describes."""
    if text is MISSING:
        return MISSING
    if not isinstance(text, str):
        raise TypeError("The argument of $parse must be a string")
    try:
        return json_text.read(text)
    except ValueError as error:
        raise ValueError(f"The argument of $parse is not JSON: {error}") from error


def _next_bits(state: int, bits: int) -> tuple[int, int]:
    state = (state * _MULTIPLIER + _ADDEND) & _MASK
    return state >> (48 - bits), state


def _number(value: Any, function: str, place: int) -> Any:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"Argument {place} of ${function} must be a number")
    return value


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "partition": partition,
    "range": number_range,
    "hash": hash_text,
    "uuid": new_uuid,
    "parse": parse,
}

BUILT_IN = frozenset(
    {
        "abs",
        "append",
        "assert",
        "average",
        "base64decode",
        "base64encode",
        "boolean",
        "ceil",
        "clone",
        "contains",
        "count",
        "decodeUrl",
        "decodeUrlComponent",
        "distinct",
        "each",
        "encodeUrl",
        "encodeUrlComponent",
        "error",
        "eval",
        "exists",
        "filter",
        "floor",
        "formatBase",
        "formatInteger",
        "formatNumber",
        "fromMillis",
        "join",
        "keys",
        "length",
        "lookup",
        "lowercase",
        "map",
        "match",
        "max",
        "merge",
        "millis",
        "min",
        "not",
        "now",
        "number",
        "pad",
        "parseInteger",
        "power",
        "random",
        "reduce",
        "replace",
        "reverse",
        "round",
        "shuffle",
        "sift",
        "single",
        "sort",
        "split",
        "spread",
        "sqrt",
        "string",
        "substring",
        "substringAfter",
        "substringBefore",
        "sum",
        "toMillis",
        "trim",
        "type",
        "uppercase",
        "zip",
    }
)
"""The functions of JSONata 2.0.6."""
