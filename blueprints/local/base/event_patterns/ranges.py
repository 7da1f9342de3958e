"""The operand of `numeric`: a comparison such as `["<", 10]`, or a range such as `[">", 0, "<=", 5]`.

Source: software.amazon.event.ruler 2.1.0, JsonRuleCompiler.
"""

import operator
from collections.abc import Callable
from typing import Any

from blueprints.local.base.event_patterns.numbers import comparable
from blueprints.local.base.event_patterns.pattern_json import NumberToken
from blueprints.local.base.event_patterns.refused import InvalidPattern

_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "=": operator.eq,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
_NAMES = {"=": "equals"}
_PAIR, _TWO_PAIRS = 2, 4


def numeric(operand: list[Any]) -> Callable[[float], bool]:
    """Whether a number satisfies the operand of `numeric`. Raises InvalidPattern."""
    name = _operator(operand[0] if operand else "]", "Invalid member in numeric match: ")
    if name not in _COMPARISONS:
        raise InvalidPattern(f"Unrecognized numeric range operator: {name}")
    compare, limit = _COMPARISONS[name], _limit(operand, name)
    if len(operand) == _PAIR:
        return lambda number: compare(number, limit)
    if name not in (">", ">="):
        raise InvalidPattern("Too many elements in numeric expression")
    upper_name = _operator(operand[_PAIR], "Bad value in numeric range: ")
    if upper_name not in ("<", "<="):
        raise InvalidPattern(f"Bad numeric range operator: {upper_name}")
    compare_upper, upper = _COMPARISONS[upper_name], _limit(operand[_PAIR:], upper_name)
    if len(operand) > _TWO_PAIRS:
        raise InvalidPattern("Too many terms in numeric range expression")
    if limit >= upper:
        raise InvalidPattern("Bottom must be less than top")
    return lambda number: compare(number, limit) and compare_upper(number, upper)


def number_of(token: NumberToken) -> float:
    """The double of a number of a pattern. Raises InvalidPattern if it is not exactly a double."""
    number = comparable(token)
    if number is None:
        raise InvalidPattern(f"Cannot compare number : {token}")
    return number


def _operator(item: Any, problem: str) -> str:
    if not isinstance(item, str) or isinstance(item, NumberToken) or item == "]":
        raise InvalidPattern(problem + _spelled(item))
    return item


def _spelled(item: Any) -> str:
    """An item as it starts in the JSON text."""
    if isinstance(item, str):
        return str(item)
    if isinstance(item, list):
        return "[" if type(item) is list else "{"
    return {True: "true", False: "false", None: "null"}[item]


def _limit(pair: list[Any], name: str) -> float:
    token = pair[1] if len(pair) >= _PAIR else None
    if not isinstance(token, NumberToken):
        raise InvalidPattern(f"Value of {_NAMES.get(name, name)} must be numeric")
    return number_of(token)
