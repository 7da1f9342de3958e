"""Results as Athena writes them: the text of values, and the CSV file.

Source: Amazon Athena User Guide, "Work with query results and recent queries"; the text of floating-point numbers is
that of Java's `Double.toString`.
"""

import math
import struct
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

_PLAIN_FROM, _PLAIN_BELOW = 1e-3, 1e7
"""Java writes numbers between them without an exponent."""


def text(value: Any, kind: str, digits: int) -> str | None:
    """A value's text; `kind` is DuckDB's type, `digits` the number of digits of a second. None for NULL."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, float):
        return _of_float(value, kind)
    if isinstance(value, datetime):
        return _of_timestamp(value, digits)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex(" ")
    return _of_nested(value, digits)


def csv(columns: Sequence[str], rows: Iterable[Sequence[str | None]]) -> bytes:
    """The file of a result: every value in quotes, NULL as nothing."""
    return "".join(_line(each) for each in (columns, *rows)).encode()


def _line(values: Sequence[str | None]) -> str:
    return ",".join("" if each is None else '"' + each.replace('"', '""') + '"' for each in values) + "\n"


def _of_nested(value: Any, digits: int) -> str:
    def inner(each: Any) -> str:
        said = text(each, "DOUBLE", digits)
        return "null" if said is None else said

    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}={inner(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list) and value and all(isinstance(each, tuple) for each in value):
        return "{" + ", ".join(f"{inner(name)}={inner(each)}" for name, each in value) + "}"  # a map
    if isinstance(value, list):
        return "[" + ", ".join(map(inner, value)) + "]"
    return str(value)


def _of_timestamp(value: datetime, digits: int) -> str:
    fraction = f"{value.microsecond:06d}"[:digits]
    zone = " UTC" if value.tzinfo else ""
    return f"{value.year:04d}-{value:%m-%d %H:%M:%S}.{fraction}{zone}"


def _of_float(value: float, kind: str) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    shortest = _shortest_of_single(value) if kind == "FLOAT" else repr(value)
    sign, number, exponent = Decimal(shortest).as_tuple()
    digits = "".join(map(str, number)).rstrip("0") or "0"
    point = len(number) + int(exponent)  # the place of the decimal point in `digits`
    minus = "-" if sign else ""
    if value == 0:
        return f"{minus}0.0"
    if _PLAIN_FROM <= abs(value) < _PLAIN_BELOW:
        padded = digits.ljust(point, "0") if point > 0 else "0" * (1 - point) + digits
        whole = max(point, 1)
        return f"{minus}{padded[:whole]}.{padded[whole:] or '0'}"
    return f"{minus}{digits[0]}.{digits[1:] or '0'}E{point - 1}"


def _shortest_of_single(value: float) -> str:
    """The shortest text from which a 32-bit number is read back."""
    single = struct.pack("f", value)
    return next(found for places in range(1, 18) if struct.pack("f", float(found := f"{value:.{places}g}")) == single)
