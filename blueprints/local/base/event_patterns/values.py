"""The list of a field in a pattern: checks its items, and decides which values of an event it accepts.

Source: software.amazon.event.ruler 2.1.0, JsonRuleCompiler and ByteMachine.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from blueprints.local.base.event_patterns import addresses, letter_case, wildcards
from blueprints.local.base.event_patterns.numbers import InexactNumber, NumberToken, comparable, comparable_integer
from blueprints.local.base.event_patterns.ranges import number_of, numeric
from blueprints.local.base.event_patterns.refused import InvalidPattern

Accepts = Callable[[Any], object]
"""Whether the value of a field, which is no list and no object, is accepted; true or false."""

_LITERALS = {True: "true", False: "false", None: "null"}
_NEGATED = ("equals-ignore-case", "prefix", "suffix", "wildcard")


@dataclass
class ValueList:
    """What the items of a list accept, by the type of the value. A value is accepted if one item accepts it."""

    strings: set[str] = field(default_factory=set)
    string_tests: list[Callable[[str], object]] = field(default_factory=list)
    numbers: set[float] = field(default_factory=set)
    number_tests: list[Callable[[float], object]] = field(default_factory=list)
    inexact_numbers: set[str] = field(default_factory=set)
    """Texts of numbers that are not exactly doubles."""
    literals: set[str] = field(default_factory=set)
    """`true`, `false` and `null`."""
    other_types: set[str] = field(default_factory=set)
    """Types of which every value is accepted: `string`, `number`, `inexact` and `literal`."""
    exists: bool = False
    """Whether every value is accepted."""
    absent: bool = False
    """Whether an event without the field is accepted."""
    wildcards: list[str] = field(default_factory=list)
    size: int = 0
    """How many items the list has."""

    def add(self, item: Any) -> None:
        """Add an item of a pattern's list. Raises InvalidPattern."""
        self.size += 1
        if isinstance(item, NumberToken):
            self._add_number(item)
        elif isinstance(item, str):
            self._add_string(item)
        elif isinstance(item, Members):
            _add_expression(self, item)
        elif isinstance(item, list):
            raise InvalidPattern("Match value must be String, number, true, false, or null")
        else:
            self.literals.add(_LITERALS[item])

    def accepts(self) -> Accepts:
        """Return the test of values; the simplest list, of texts alone, is tested without a call of Python."""
        if self.strings and not self._more_than_strings():
            return frozenset(self.strings).__contains__
        if self.exists:
            return lambda value: True  # noqa: ARG005 - exists: true
        return self._tested_by_type()

    def accept_only_content(self) -> None:
        """Let `exists: true` accept neither null nor an empty text, as filter policies of SNS do."""
        if self.exists:
            self.exists = False
            self.string_tests.append(bool)
            self.other_types |= {"number", "inexact"}
            self.literals |= {"true", "false"}

    @property
    def compares_numbers(self) -> bool:
        """Whether it counts which number a value is."""
        return bool(self.numbers or self.number_tests or self.inexact_numbers)

    def exact_strings(self) -> frozenset[str]:
        """The texts that this list accepts; empty if it accepts anything else, too."""
        return frozenset() if self.absent or self._more_than_strings() else frozenset(self.strings)

    def _more_than_strings(self) -> bool:
        return bool(
            self.string_tests
            or self.numbers
            or self.number_tests
            or self.inexact_numbers
            or self.literals
            or self.other_types
            or self.exists
        )

    def _add_number(self, token: NumberToken) -> None:
        number = comparable(token)
        if number is None:
            self.inexact_numbers.add(str(token))
        else:
            self.numbers.add(number)

    def _add_string(self, text: str) -> None:
        address = addresses.digits(text)
        if address is None:
            self.strings.add(text)
        else:
            self.string_tests.append(addresses.same_address(address))

    def _tested_by_type(self) -> Accepts:
        def accepts(value: Any) -> object:
            kind = type(value)
            if kind is str:
                return any_string or value in strings or _any(string_tests, value)
            if kind is int or kind is float:
                number = comparable_integer(value) if kind is int else value
                if number is not None:
                    return any_number or number in numbers or _any(number_tests, number)
                return any_inexact or str(value) in inexact
            if kind is InexactNumber:
                return any_inexact or value.text in inexact
            return any_literal or _LITERALS.get(value) in literals

        strings, string_tests = frozenset(self.strings), tuple(self.string_tests)
        numbers, number_tests = frozenset(self.numbers), tuple(self.number_tests)
        inexact, literals = frozenset(self.inexact_numbers), frozenset(self.literals)
        any_string, any_number, any_inexact, any_literal = (
            each in self.other_types for each in ("string", "number", "inexact", "literal")
        )
        return accepts


def _any(tests: tuple[Callable[[Any], object], ...], value: Any) -> bool:
    for test in tests:  # noqa: SIM110 - takes half the time of any()
        if test(value):
            return True
    return False


class Members(list[tuple[str, Any]]):
    """The members of an object of a pattern, in order, also those of the same name."""


def value_list(items: list[Any]) -> ValueList:
    """Read the list of a field. Raises InvalidPattern."""
    if not items:
        raise InvalidPattern("Empty arrays are not allowed")
    values = ValueList()
    for item in items:
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
