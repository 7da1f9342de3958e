"""The condition of a rule of a Choice state, shortened for the label of an arrow."""

import json
import re
from collections.abc import Mapping
from typing import Any

_COMPARISONS = {
    "Equals": "=",
    "LessThan": "<",
    "GreaterThan": ">",
    "LessThanEquals": "≤",
    "GreaterThanEquals": "≥",
    "Matches": "matches",
}
_TYPES = ("String", "Numeric", "Boolean", "Timestamp")
_TESTS = {
    "IsNull": "is null",
    "IsPresent": "is present",
    "IsNumeric": "is a number",
    "IsString": "is text",
    "IsBoolean": "is true or false",
    "IsTimestamp": "is a time",
}
_EXPRESSION = re.compile(r"^\s*\{%(.*)%\}\s*$", re.DOTALL)


def condition(rule: Mapping[str, Any]) -> str:
    """A rule as text: `total > 100` for JSONata's `{% $states.input.total > 100 %}` and for JSONPath's rule of that."""
    if "Condition" in rule:
        return expression(rule["Condition"])
    for name, word in (("And", " and "), ("Or", " or ")):
        if isinstance(rule.get(name), list):
            parts = [condition(each) for each in rule[name] if isinstance(each, Mapping)]
            return word.join(f"({each})" if " or " in each or " and " in each else each for each in parts)
    if isinstance(rule.get("Not"), Mapping):
        return f"not ({condition(rule['Not'])})"
    return _comparison(rule)


def expression(value: object) -> str:
    """A JSONata expression without its marks and without `$states.input.`; any other value as text or JSON."""
    found = _EXPRESSION.match(value) if isinstance(value, str) else None
    if found is None:
        return _without_marks(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
    words = " ".join(found[1].split())
    return _without_marks(re.sub(r"\$states\.(?:input|result)\.(?=[A-Za-z_`])", "", words))


def _without_marks(text: str) -> str:
    """A text with `Name` for the placeholder `${Name}`."""
    return re.sub(r"\$\{([\w.:]+)\}", r"\1", text)


def path(value: object) -> str:
    """A JSONPath without its `$.`."""
    return re.sub(r"^\$\.(?=.)", "", str(value))


def _comparison(rule: Mapping[str, Any]) -> str:
    subject = path(rule.get("Variable", ""))
    for name, value in rule.items():
        if name in _TESTS:
            return f"{subject} {_TESTS[name]}" if value is True else f"not ({subject} {_TESTS[name]})"
        kind = next((each for each in _TYPES if name.startswith(each)), None)
        operator = _COMPARISONS.get(name.removeprefix(kind or "").removesuffix("Path"))
        if kind and operator:
            shown = path(value) if name.endswith("Path") else json.dumps(value, ensure_ascii=False)
            return f"{subject} {operator} {shown}"
    return subject
