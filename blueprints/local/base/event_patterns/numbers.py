"""Reads the numbers of patterns and events so that no digit is lost.

Numbers are compared as doubles. A number that no double has exactly, such as 9007199254740993 or 1e400, is compared
by its text, and no `numeric` matches it.
Source: software.amazon.event.ruler 2.1.0, ComparableNumber.
"""

import math
from decimal import Decimal

# Decimal numbers of up to 15 digits are different doubles, unless they are near the ends of the range.
_CERTAIN_CHARACTERS = 15
_SMALLEST, _LARGEST = 1e-290, 1e290
_CERTAIN_INTEGER = 2**53


class InexactNumber(float):
    """A number of an event that is not exactly a double, with its text."""

    text: str

    def __new__(cls, text: str) -> "InexactNumber":
        """Make the number from its text."""
        number = super().__new__(cls, text)
        number.text = text
        return number


def read_float(text: str) -> float:
    """Read a number of an event that has a fraction or an exponent."""
    number = float(text)
    if len(text) <= _CERTAIN_CHARACTERS and _SMALLEST < abs(number) < _LARGEST:
        return number
    return InexactNumber(text) if comparable(text) is None else number


def comparable(text: str) -> float | None:
    """The double that a decimal number is; None if no double is shown by the same digits."""
    number = float(text)
    if math.isinf(number) or Decimal(repr(number)) != Decimal(text):
        return None
    return number


def comparable_integer(number: int) -> float | None:
    """The same for an integer of an event."""
    if -_CERTAIN_INTEGER <= number <= _CERTAIN_INTEGER:
        return float(number)
    return comparable(str(number))
