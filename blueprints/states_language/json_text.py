"""JSON text as Step Functions reads and writes it."""

import json
import math
import re
from typing import Any

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
"""Made once: `json.dumps` would make one for each value."""


def dump(value: Any) -> str:
    """Return the value as JSON without white space, characters outside ASCII as they are."""
    return _ENCODER.encode(value)


def read(text: str | bytes) -> Any:
    """Return the value of a JSON text that a client, a function or a file supplied.

    Raises ValueError for text that is not JSON: also for NaN and Infinity, which Python reads, for a number too large
    for a float, and for nesting that is too deep. Half of a surrogate pair becomes U+FFFD, since UTF-8 has no form
    for it.
    """
    try:
        value = json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)
        if _HALF_OF_A_PAIR.search(text if isinstance(text, str) else text.decode(errors="replace")):
            return json.loads(well_formed(dump(value)))
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None
    return value


def well_formed(text: str) -> str:
    """Return the text with U+FFFD in place of each half of a surrogate pair, so that UTF-8 can encode it."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


_HALF_OF_A_PAIR = re.compile(r"\\u[dD][89a-fA-F]|[\ud800-\udfff]")


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"Non-standard token '{name}': enable JsonParser.Feature.ALLOW_NON_NUMERIC_NUMBERS to allow")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"The number {text} is too large")
    return number


def equal(one: Any, other: Any) -> bool:
    """Whether two JSON values are the same; unlike Python, 1 differs from true and from 1.0."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(equal(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(equal, one, other))
    return type(one) is type(other) and bool(one == other)
