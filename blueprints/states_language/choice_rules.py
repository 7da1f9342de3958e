"""The rules of Choice states."""

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

from blueprints.states_language import json_path, jsonata, timestamps
from blueprints.states_language.compiled_once import CompiledOnce
from blueprints.states_language.failures import runtime_failure
from blueprints.states_language.query_languages import JSONATA
from blueprints.states_language.visible_data import MISSING, VisibleData

Rule = Mapping[str, Any]
Matches = Callable[[VisibleData], bool]
Compare = Callable[[Any, Any], bool]


def matches(rule: Rule, data: VisibleData, query_language: str, place: int = 0) -> bool:
    """Whether the rule applies. `place` is the rule's index in `Choices`, for messages.

    Raises StateFailed where a path leads nowhere, and EvaluationFailed where a condition is no boolean.
    """
    if query_language == JSONATA:
        condition = rule["Condition"]
        field = f"Choices[{place}]/Condition"
        return bool(jsonata.evaluate(condition, data, field, expected="boolean"))
    return _compiled(rule)(data)


def _compile(rule: Rule) -> Matches:
    if "And" in rule:
        all_of = [_compile(part) for part in rule["And"]]
        return lambda data: all(part(data) for part in all_of)
    if "Or" in rule:
        any_of = [_compile(part) for part in rule["Or"]]
        return lambda data: any(part(data) for part in any_of)
    if "Not" in rule:
        negated = _compile(rule["Not"])
        return lambda data: not negated(data)
    return _compile_test(rule)


_compiled = CompiledOnce(_compile)


def _compile_test(rule: Rule) -> Matches:
    name = operator_of(rule)
    variable, operand = rule["Variable"], rule[name]
    if name == "IsPresent":
        return lambda data: json_path.exists(variable, data) is operand
    if name in _TYPE_TESTS:
        test = _TYPE_TESTS[name]
        return lambda data: test(_value(variable, data)) is operand
    if name == "StringMatches":
        pattern = _pattern(operand)
        return lambda data: _matches_pattern(_value(variable, data), pattern)
    compare = COMPARISONS[name.removesuffix("Path")]
    if name.endswith("Path"):
        return lambda data: compare(_value(variable, data), _value(operand, data))
    return lambda data: compare(_value(variable, data), operand)


def operator_of(rule: Rule) -> str:
    """Return the name of the rule's test, such as `NumericEqualsPath`. Raises KeyError where it has none."""
    for name in rule:
        if name in OPERATORS:
            return name
    raise KeyError("operator")


def _value(path: str, data: VisibleData) -> Any:
    value = json_path.find(path, data)
    if value is MISSING:
        raise runtime_failure(
            data, f"Invalid path '{path}': The choice state's condition path references an invalid value."
        )
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_timestamp(value: Any) -> bool:
    return isinstance(value, str) and timestamps.nanoseconds(value) is not None


_TYPE_TESTS: dict[str, Callable[[Any], bool]] = {
    "IsNull": lambda value: value is None,
    "IsNumeric": _is_number,
    "IsString": lambda value: isinstance(value, str),
    "IsBoolean": lambda value: isinstance(value, bool),
    "IsTimestamp": _is_timestamp,
}


def _strings(compare: Compare) -> Compare:
    return lambda one, other: isinstance(one, str) and isinstance(other, str) and compare(one, other)


def _numbers(compare: Compare) -> Compare:
    return lambda one, other: _is_number(one) and _is_number(other) and compare(one, other)


def _booleans(compare: Compare) -> Compare:
    return lambda one, other: isinstance(one, bool) and isinstance(other, bool) and compare(one, other)


def _timestamps(compare: Compare) -> Compare:
    def holds(one: Any, other: Any) -> bool:
        if not isinstance(one, str) or not isinstance(other, str):
            return False
        first, second = timestamps.nanoseconds(one), timestamps.nanoseconds(other)
        return first is not None and second is not None and compare(first, second)

    return holds


_ORDERS: dict[str, Compare] = {
    "Equals": operator.eq,
    "LessThan": operator.lt,
    "GreaterThan": operator.gt,
    "LessThanEquals": operator.le,
    "GreaterThanEquals": operator.ge,
}
COMPARISONS: dict[str, Compare] = {
    f"{kind}{order}": wrap(compare)
    for kind, wrap in (("String", _strings), ("Numeric", _numbers), ("Timestamp", _timestamps))
    for order, compare in _ORDERS.items()
} | {"BooleanEquals": _booleans(operator.eq)}
OPERATORS = (
    frozenset(COMPARISONS) | {f"{name}Path" for name in COMPARISONS} | {*_TYPE_TESTS, "IsPresent", "StringMatches"}
)


def _pattern(text: str) -> re.Pattern[str]:
    """Return the pattern of StringMatches: `*` stands for any characters, a backslash takes that meaning away."""
    parts = []
    for part in re.findall(r"\\.|.", text, re.DOTALL):
        if part == "*":
            parts.append(".*")
        else:
            parts.append(re.escape(part[1] if part in ("\\*", "\\\\") else part))
    return re.compile("".join(parts), re.DOTALL)


def _matches_pattern(value: Any, pattern: re.Pattern[str]) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None
