"""Trino's arithmetic on whole numbers and decimals. Decimals come in their scale and leave in that of the result."""

import math
from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_UP, Context, Decimal
from typing import Any

from blueprints.local.services.athena.failures import QueryFailed

_EXACT = Context(prec=200)
_RANGES = {"TINYINT": 2**7, "SMALLINT": 2**15, "INT": 2**31, "BIGINT": 2**63}


def quotient(left: int, right: int) -> int:
    """A division of whole numbers, which drops the fraction."""
    _check_divisor(right)
    whole = abs(left) // abs(right)
    return whole if (left < 0) == (right < 0) else -whole


def remainder(left: int, right: int) -> int:
    """The remainder of such a division; it has the sign of the first number."""
    _check_divisor(right)
    return left - quotient(left, right) * right


def decimal_quotient(scale: int) -> Callable[[Decimal, Decimal], Decimal]:
    """A division of decimals, rounded half up to the scale of its type."""

    def divide(left: Decimal, right: Decimal) -> Decimal:
        _check_divisor(right)
        (_, digits, exponent), (_, others, other) = left.as_tuple(), right.as_tuple()
        above = int("".join(map(str, digits)) or "0") * 10 ** max(0, int(exponent) - int(other) + scale)
        below = int("".join(map(str, others))) * 10 ** max(0, int(other) - int(exponent) - scale)
        found = Decimal((2 * above + below) // (2 * below)).scaleb(-scale, _EXACT)
        return found if (left < 0) == (right < 0) else -found

    return divide


def decimal_remainder(left: Decimal, right: Decimal) -> Decimal:
    """The remainder of a division of decimals; it has the sign of the first number."""
    _check_divisor(right)
    return _EXACT.remainder(left, right)


def double_remainder(left: float, right: float) -> float:
    """The remainder of a division of doubles."""
    return math.fmod(left, right) if right and not math.isinf(left) else math.nan


def rounded(value: Any, places: int = 0) -> Any:
    """A decimal or whole number rounded half up, to tens if `places` is negative."""
    return _to_places(value, places, ROUND_HALF_UP)


def ceiling(value: Any) -> Any:
    """The next whole number above a decimal."""
    return _to_places(value, 0, ROUND_CEILING)


def floor(value: Any) -> Any:
    """The next whole number below a decimal."""
    return _to_places(value, 0, ROUND_FLOOR)


def truncated(value: Any) -> Any:
    """A decimal or double without its fraction."""
    if isinstance(value, float):
        return value if math.isnan(value) or math.isinf(value) else math.copysign(math.trunc(value), value)
    return _to_places(value, 0, ROUND_DOWN)


def sign(value: Any) -> Any:
    """-1, 0 or 1, as a number of the type of the value."""
    if value == 0 or value != value:  # also -0.0 and NaN
        return value
    return type(value)((value > 0) - (value < 0))


def square_root(value: float) -> float:
    """The square root of a double; that of a negative number is NaN."""
    return math.sqrt(value) if value >= 0 else math.nan


def whole_of_double(kind: str, *, fails: bool) -> Callable[[float], int | None]:
    """A conversion to a type of whole numbers, rounded half up, away from zero."""

    def convert(value: float) -> int | None:
        found = None
        if not (math.isnan(value) or math.isinf(value)):
            found = math.floor(abs(Decimal(value)) + Decimal("0.5")) * (-1 if value < 0 else 1)
        if found is not None and -_RANGES[kind] <= found < _RANGES[kind]:
            return found
        if fails:
            raise QueryFailed(f"INVALID_CAST_ARGUMENT: Cannot cast {value} to {kind.lower()}")
        return None

    return convert


def text_of_double(value: float) -> str:
    """The text of a double: with an exponent always, as 2.5E0."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    sign, digits, exponent = Decimal(repr(value)).as_tuple()
    if value == 0:
        return "-0E0" if sign else "0E0"
    number = "".join(map(str, digits)).lstrip("0")
    point = len(number) + int(exponent) - 1
    number = number.rstrip("0")
    return f"{'-' if sign else ''}{number[0]}.{number[1:] or '0'}E{point}"


def text_of_decimal(value: Decimal) -> str:
    """The text of a decimal, with all digits of its scale."""
    return format(value, "f")


def _to_places(value: Any, places: int, rounding: str) -> Any:
    if isinstance(value, int) and places >= 0:
        return value
    to_tens = Decimal(1).scaleb(-places)
    return type(value)(Decimal(value).quantize(to_tens, rounding, _EXACT))


def _check_divisor(value: Any) -> None:
    if value == 0:
        raise QueryFailed("DIVISION_BY_ZERO: Division by zero")
