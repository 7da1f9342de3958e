"""What the list of a field in a pattern accepts.

Source: software.amazon.event.ruler 2.1.0, JsonRuleCompiler and ByteMachine.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from blueprints.local.base.event_patterns import addresses
from blueprints.local.base.event_patterns.numbers import InexactNumber, comparable, comparable_integer
from blueprints.local.base.event_patterns.pattern_json import NumberToken

Accepts = Callable[[Any], object]
"""Whether the value of a field, which is no list and no object, is accepted; true or false."""

_LITERALS = {True: "true", False: "false", None: "null"}


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
        """Add a value: a text, a number, a boolean or None."""
        if isinstance(item, NumberToken):
            self._add_number(item)
        elif isinstance(item, str):
            self._add_string(item)
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
