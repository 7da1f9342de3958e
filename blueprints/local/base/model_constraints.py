"""The constraints of botocore's models that botocore does not check: lengths, largest values, patterns, enumerations.

AWS checks them before the operation and answers a ValidationException with one sentence for each violation.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any


def violations(shape: Any, given: Any) -> str | None:
    """AWS's message about every constraint that an operation's input violates, or None.

    `shape` is the input's shape in botocore's model, `given` the input by the model's names.
    """
    found = list(_violations(shape, given, ""))
    if not found:
        return None
    errors = "error" if len(found) == 1 else "errors"
    return f"{len(found)} validation {errors} detected: {'; '.join(found)}"


def _violations(shape: Any, value: Any, path: str) -> Iterator[str]:
    for constraint in _broken(shape, value):
        shown = "" if shape.metadata.get("sensitive") else f" '{_shown(shape, value)}'"
        yield f"Value{shown} at '{path}' failed to satisfy constraint: Member must {constraint}"
    if shape.type_name == "structure":
        for name, member in shape.members.items():
            if name in value:
                yield from _violations(member, value[name], f"{path}.{name}" if path else name)
    elif shape.type_name == "list":
        for number, each in enumerate(value, 1):
            yield from _violations(shape.member, each, f"{path}.{number}.member")


def _broken(shape: Any, value: Any) -> Iterator[str]:
    limits = shape.metadata
    if shape.type_name in ("string", "list", "map"):
        if "max" in limits and len(value) > limits["max"]:
            yield f"have length less than or equal to {limits['max']}"
        if "min" in limits and len(value) < limits["min"]:
            yield f"have length greater than or equal to {limits['min']}"
    elif shape.type_name in ("integer", "long", "float", "double"):
        if "max" in limits and value > limits["max"]:
            yield f"have value less than or equal to {_number(limits['max'])}"
        if "min" in limits and value < limits["min"]:
            yield f"have value greater than or equal to {_number(limits['min'])}"
    if shape.type_name == "string":
        if "pattern" in limits and not _fits(limits["pattern"], value):
            yield f"satisfy regular expression pattern: {limits['pattern']}"
        if limits.get("enum") and value not in limits["enum"]:
            yield f"satisfy enum value set: [{', '.join(limits['enum'])}]"


def _fits(pattern: str, value: str) -> bool:
    """Whether a value has a pattern; true for the few patterns with classes of characters that only Java knows."""
    compiled = _compiled(pattern)
    return compiled is None or compiled.search(value) is not None


@cache
def _compiled(pattern: str) -> re.Pattern[str] | None:
    try:
        return re.compile(pattern)
    except re.error:
        return None


def _number(limit: float) -> str:
    return str(int(limit)) if limit == int(limit) else str(limit)


def _shown(shape: Any, value: Any) -> str:
    if shape.type_name == "structure":
        return f"{shape.name}({', '.join(f'{name}={each}' for name, each in value.items())})"
    if shape.type_name == "list":
        return f"[{', '.join(_shown(shape.member, each) for each in value)}]"
    return str(value)
