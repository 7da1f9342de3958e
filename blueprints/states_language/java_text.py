"""Values as Java writes them in texts, which is how States.Format writes its arguments."""

from decimal import Decimal
from typing import Any

_LEAST_PLAIN, _MOST_PLAIN = -3, 7


def text_of(value: Any) -> str:
    """Return `{a=1, b=[x, null]}` for an object, and texts without quotes."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}={text_of(part)}" for key, part in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(text_of, value)) + "]"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    return _double(value) if isinstance(value, float) else str(value)


def _double(value: float) -> str:
    """Return the number as Java's Double.toString does, such as 1.0, 1.5E10 or 2.0E-4."""
    sign, digits, exponent = Decimal(repr(value)).as_tuple()
    assert isinstance(exponent, int)
    text = "".join(map(str, digits)).lstrip("0")
    if not text:
        return "-0.0" if sign else "0.0"
    point = len(text) + exponent
    text = text.rstrip("0")
    minus = "-" if sign else ""
    if not _LEAST_PLAIN < point <= _MOST_PLAIN:
        return f"{minus}{text[0]}.{text[1:] or '0'}E{point - 1}"
    if point <= 0:
        return f"{minus}0.{'0' * -point}{text}"
    return f"{minus}{text[:point].ljust(point, '0')}.{text[point:] or '0'}"
