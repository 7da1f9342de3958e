"""Conditions whose values have policy variables, and operators that match ARNs segment by segment.

Only string and ARN operators take variables.
Source: IAM User Guide, "IAM policy elements: Variables and tags", "Where you can use policy variables".
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.services.iam.policies import patterns, variables

MET = Internal("core.iam_evaluator", "_conditions_met", ("conditions", "ctx"))
CONDITION = Internal("core.iam_evaluator", "_evaluate_single_condition", ("operator", "actual", "expected_values"))
OPERATORS = Internal("core.iam_evaluator", "_CONDITION_OPS")
KEY_VALUE = Internal("core.iam_evaluator", "_resolve_condition_key", ("key", "ctx"))

Conditions = Mapping[str, Any]

_met_without_variables: Callable[[Conditions, Any], bool]


def install() -> None:
    """Replace variables in conditions, and the operators with wildcards."""
    global _met_without_variables  # noqa: PLW0603 - the base emulator's function, which the replacement calls
    _met_without_variables = MET.replace(met)
    CONDITION.replace(_of_one_value(CONDITION.current()))
    OPERATORS.current().update(
        {
            "stringlike": _is_like,
            "stringnotlike": lambda actual, expected: not _is_like(actual, expected),
            "arnequals": _is_arn,
            "arnlike": _is_arn,
            "arnnotequals": lambda actual, expected: not _is_arn(actual, expected),
            "arnnotlike": lambda actual, expected: not _is_arn(actual, expected),
        }
    )


def _of_one_value(is_met: Callable[[str, Any, list[str]], bool]) -> Callable[[str, Any, list[str]], bool]:
    """Let an operator without ForAllValues or ForAnyValue compare a multivalued key that has one value.

    A key without values is absent. Source: Amazon EventBridge User Guide, "Using IAM policy conditions", the tables of
    patterns that a policy allows.
    """

    def evaluated(operator: str, actual: Any, expected_values: list[str]) -> bool:
        if actual == []:
            actual = None
        elif isinstance(actual, list) and len(actual) == 1 and ":" not in operator:
            actual = actual[0]
        return is_met(operator, actual, expected_values)

    return evaluated


def use_variables(conditions: Conditions) -> bool:
    """Whether a value of a string or ARN operator has a policy variable."""
    return any(
        variables.has_variables(value)
        for operator, keys in conditions.items()
        if isinstance(keys, dict) and _takes_variables(operator)
        for values in keys.values()
        for value in _as_list(values)
    )


def met(conditions: Conditions, context: Any) -> bool:
    """Whether a request meets conditions, after their variables were replaced."""
    if conditions and use_variables(conditions):
        conditions = _expanded(conditions, partial(_lookup, context))
    return _met_without_variables(conditions, context)


def met_as_text(conditions: Conditions, context: Any) -> bool:
    """Whether a request meets conditions in which `${` is text."""
    return _met_without_variables(conditions, context)


def _expanded(conditions: Conditions, lookup: variables.Lookup) -> Conditions:
    return {
        operator: {key: _values(operator, values, lookup) for key, values in keys.items()}
        if isinstance(keys, dict) and _takes_variables(operator)
        else keys
        for operator, keys in conditions.items()
    }


def _values(operator: str, values: Any, lookup: variables.Lookup) -> list[str]:
    """The values that are known: none of them equals a variable that has no value, and all of them differ from it."""
    found = [variables.expanded(each, lookup) for each in _as_list(values)]
    with_wildcards = "like" in operator.lower() or "arn" in operator.lower()
    return [each if with_wildcards else patterns.plain(each) for each in found if each is not None]


def _lookup(context: Any, key: str) -> Any:
    return KEY_VALUE.current()(key, context)


def _takes_variables(operator: str) -> bool:
    return operator.lower().rpartition(":")[2].startswith(("string", "arn"))


def _as_list(values: Any) -> list[str]:
    return [str(each) for each in (values if isinstance(values, list) else [values])]


def _is_like(actual: str, expected: str) -> bool:
    return patterns.string_pattern(expected).fullmatch(actual) is not None


def _is_arn(actual: str, expected: str) -> bool:
    return patterns.arn_pattern(expected).fullmatch(actual) is not None
