"""Reads the list of a field in a pattern: its values, and expressions with an operator such as `{"prefix": "a"}`.

Source of the operators and of the words of refusals: software.amazon.event.ruler 2.1.0, JsonRuleCompiler.
"""

from collections.abc import Callable, Iterator
from typing import Any

from blueprints.local.base.event_patterns import addresses, letter_case, wildcards
from blueprints.local.base.event_patterns.pattern_json import Members, NumberToken
from blueprints.local.base.event_patterns.ranges import number_of, numeric
from blueprints.local.base.event_patterns.refused import InvalidPattern
from blueprints.local.base.event_patterns.values import ValueList

_NEGATED = ("equals-ignore-case", "prefix", "suffix", "wildcard")


def value_list(items: list[Any]) -> ValueList:
    """Read the list of a field. Raises InvalidPattern."""
    if not items:
        raise InvalidPattern("Empty arrays are not allowed")
    values = ValueList()
    for item in items:
        values.size += 1
        if isinstance(item, Members):
            _add_expression(values, item)
        elif isinstance(item, list):
            raise InvalidPattern("Match value must be String, number, true, false, or null")
        else:
            values.add(item)
    wildcards.refuse_complex(values.wildcards)
    return values


def _add_expression(values: ValueList, members: Members) -> None:
    if not members:
        raise InvalidPattern("Match expression name not found")
    operator, operand = members[0]
    if operator not in _OPERATORS:
        raise InvalidPattern(f"Unrecognized match type {operator}")
    _OPERATORS[operator](values, operand)
    if len(members) > 1:
        raise InvalidPattern(
            "Too many elements in numeric expression"
            if operator in ("numeric", "anything-but")
            else "Only one key allowed in match expression"
        )


def _exactly(values: ValueList, operand: Any) -> None:
    values.strings.add(_text(operand, "exact match pattern must be a string"))


def _prefix(values: ValueList, operand: Any) -> None:
    if isinstance(operand, Members):
        values.string_tests.append(letter_case.starts_with(_ignoring_case("Prefix", operand)))
        return
    text = _text(operand, "prefix match pattern must be a string")
    values.string_tests.append(lambda value: value.startswith(text))


def _suffix(values: ValueList, operand: Any) -> None:
    if isinstance(operand, Members):
        values.string_tests.append(letter_case.ends_with(_ignoring_case("Suffix", operand)))
        return
    text = _text(operand, "suffix match pattern must be a string")
    values.string_tests.append(lambda value: value.endswith(text))


def _ignoring_case(name: str, members: Members) -> str:
    if not members:
        raise InvalidPattern(f"{name} expression name not found")
    operator, operand = members[0]
    if operator != "equals-ignore-case":
        raise InvalidPattern(f"Unsupported {name.lower()} pattern: {operator}")
    text = _text(operand, "equals-ignore-case match pattern must be a string")
    if len(members) > 1:
        raise InvalidPattern("Only one key allowed in match expression")
    return text


def _equals_ignore_case(values: ValueList, operand: Any) -> None:
    text = _text(operand, "equals-ignore-case match pattern must be a string")
    values.string_tests.append(letter_case.equals(text))


def _wildcard(values: ValueList, operand: Any) -> None:
    text = _text(operand, "wildcard match pattern must be a string")
    values.string_tests.append(wildcards.matching(text))
    values.wildcards.append(text)


def _cidr(values: ValueList, operand: Any) -> None:
    # AWS's message names the wrong operator.
    values.string_tests.append(addresses.within(_text(operand, "prefix match pattern must be a string")))


def _exists(values: ValueList, operand: Any) -> None:
    if not isinstance(operand, bool):
        raise InvalidPattern("exists match pattern must be either true or false.")
    if operand:
        values.exists = True
    else:
        values.absent = True


def _numeric(values: ValueList, operand: Any) -> None:
    if not isinstance(operand, list) or isinstance(operand, Members):
        raise InvalidPattern("Value of numeric must be an array.")
    values.number_tests.append(numeric(operand))


def _anything_but(values: ValueList, operand: Any) -> None:
    if isinstance(operand, Members):
        _anything_but_expression(values, operand)
        return
    items = operand if isinstance(operand, list) else [operand]
    if not isinstance(operand, list | str):
        raise InvalidPattern("Value of anything-but must be an array or single string/number value.")
    if not all(isinstance(item, str) for item in items):
        raise InvalidPattern("Inside anything but list, start|null|boolean is not supported.")
    numbers = [number_of(item) for item in items if isinstance(item, NumberToken)]
    if not items or len(numbers) not in (0, len(items)):
        raise InvalidPattern(
            "Inside anything but list, either all values are number or string, mixed type is not supported"
        )
    if numbers:
        values.other_types |= {"string", "inexact", "literal"}
        values.number_tests.append(lambda number: number not in numbers)
    else:
        values.other_types |= {"number", "inexact", "literal"}
        values.string_tests.append(lambda text: text not in items)


def _anything_but_expression(values: ValueList, members: Members) -> None:
    if not members:
        raise InvalidPattern("Anything-But expression name not found")
    operator, operand = members[0]
    if operator not in _NEGATED:
        raise InvalidPattern(f"Unsupported anything-but pattern: {operator}")
    excluded = list(_excluded_texts(operator, operand))
    if len(members) > 1:
        raise InvalidPattern("Too many elements in numeric expression")
    only = ValueList()
    for text in excluded:
        _OPERATORS[operator](only, text)
    values.wildcards += only.wildcards
    values.other_types |= {"number", "inexact", "literal"}
    values.string_tests.append(lambda text: not any(test(text) for test in only.string_tests))


def _excluded_texts(operator: str, operand: Any) -> Iterator[str]:
    if isinstance(operand, Members) or not isinstance(operand, list | str):
        raise InvalidPattern("Value of anything-but must be an array or single string/number value.")
    for item in operand if isinstance(operand, list) else [operand]:
        yield _text(item, _NOT_A_TEXT[operator])
        if not item and operator in ("prefix", "suffix"):
            raise InvalidPattern("Null prefix/suffix not allowed")
    if not operand and isinstance(operand, list):
        # AWS's library accepts an empty list and then fails.
        raise InvalidPattern("Empty arrays are not allowed")


_NOT_A_TEXT = {
    "equals-ignore-case": ("Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported."),
    "prefix": "prefix/suffix match pattern must be a string",
    "suffix": "prefix/suffix match pattern must be a string",
    "wildcard": "wildcard match pattern must be a string",
}

_OPERATORS: dict[str, Callable[[ValueList, Any], None]] = {
    "exactly": _exactly,
    "prefix": _prefix,
    "suffix": _suffix,
    "equals-ignore-case": _equals_ignore_case,
    "wildcard": _wildcard,
    "cidr": _cidr,
    "numeric": _numeric,
    "exists": _exists,
    "anything-but": _anything_but,
}


def _text(operand: Any, problem: str) -> str:
    if not isinstance(operand, str) or isinstance(operand, NumberToken):
        raise InvalidPattern(problem)
    return operand
