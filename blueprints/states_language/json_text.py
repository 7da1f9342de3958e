"""JSON text as Step Functions writes it."""

import json
from typing import Any

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
"""Made once: `json.dumps` would make one for each value."""


def dump(value: Any) -> str:
    """Return the value as JSON without white space, characters outside ASCII as they are."""
    return _ENCODER.encode(value)


def equal(one: Any, other: Any) -> bool:
    """Whether two JSON values are the same; unlike Python, 1 differs from true and from 1.0."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(equal(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(equal, one, other))
    return type(one) is type(other) and bool(one == other)
