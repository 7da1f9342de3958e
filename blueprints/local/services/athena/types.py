"""Types of expressions, as far as Athena and DuckDB treat them differently.

Athena refuses to compare or to combine values of different kinds; DuckDB converts them silently. Some conversions have
other results in DuckDB. Source: Trino documentation, "Data types" and "Conversion functions".
"""

import re
from typing import Any

WHOLE, DECIMAL, FLOAT, TEXT, DATE, TIMESTAMP, BOOLEAN = (
    "whole",
    "decimal",
    "float",
    "text",
    "date",
    "timestamp",
    "boolean",
)
_FAMILIES = {
    **dict.fromkeys(("TINYINT", "SMALLINT", "INT", "BIGINT"), WHOLE),
    "DECIMAL": DECIMAL,
    **dict.fromkeys(("DOUBLE", "FLOAT"), FLOAT),
    **dict.fromkeys(("VARCHAR", "TEXT", "NVARCHAR"), TEXT),
    "DATE": DATE,
    **dict.fromkeys(("TIMESTAMP", "TIMESTAMPNTZ", "TIMESTAMPTZ"), TIMESTAMP),
    "BOOLEAN": BOOLEAN,
}
NUMBERS = (WHOLE, DECIMAL, FLOAT)
_COMPARABLE = {**dict.fromkeys(NUMBERS, "number"), DATE: "time", TIMESTAMP: "time"}

_DECIMAL_NUMBER = r"[+-]?(\d+\.?\d*|\.\d+)"
_TEXT_OF = {
    WHOLE: r"[+-]?\d+",
    DECIMAL: _DECIMAL_NUMBER,
    FLOAT: _DECIMAL_NUMBER + r"([eE][+-]?\d+)?",
    DATE: r"\d{4}-\d{1,2}-\d{1,2}",
    TIMESTAMP: r"\d{4}-\d{1,2}-\d{1,2}( \d{1,2}:\d{2}(:\d{2}(\.\d{1,3})?)?)?",
    BOOLEAN: r"(?i)(true|false|t|f|1|0)",
    TEXT: r"(?s).*",
}
"""Text that both convert alike; Athena refuses most other text, and DuckDB accepts it."""

_ALIKE = {
    WHOLE: {WHOLE, DECIMAL, FLOAT, TEXT, BOOLEAN},
    DECIMAL: {WHOLE, DECIMAL, FLOAT, TEXT},
    FLOAT: {FLOAT},
    TEXT: {WHOLE, DECIMAL, FLOAT, TEXT, DATE, TIMESTAMP, BOOLEAN},
    DATE: {DATE, TIMESTAMP, TEXT},
    TIMESTAMP: {DATE, TIMESTAMP},
    BOOLEAN: {BOOLEAN, WHOLE, TEXT},
}
"""By the family of the value: to which families both convert it alike."""


def family(node: Any) -> str | None:
    """The family of an expression's type; None if it is not known, as that of NULL."""
    found = node.type
    return _FAMILIES.get(found.this.name) if found is not None and hasattr(found.this, "name") else None


def name_of(node: Any) -> str:
    """The name of a type, as Athena writes it."""
    found = node if node.key == "datatype" else node.type
    return str(found.sql(dialect="athena")).lower() if found is not None else "unknown"


def are_comparable(*nodes: Any) -> bool:
    """Whether Athena compares these values, or takes them as alternatives of one result."""
    found = {_COMPARABLE.get(each, each) for each in map(family, nodes) if each}
    return len(found) <= 1


def may_be(node: Any, *families: str) -> bool:
    """Whether a value is of one of these families, or of a type that is not known."""
    return family(node) in (None, *families)


def cast_fault(node: Any) -> str | None:
    """Why a CAST is not answered here, or None."""
    to = node.to
    target = _FAMILIES.get(to.this.name) if hasattr(to.this, "name") else None
    if target is None:
        return f"CAST to {name_of(to)} is not emulated."
    if target == TEXT and to.expressions:
        return "CAST to varchar of a stated length is not emulated, because DuckDB does not truncate."
    if target == DECIMAL and len(to.expressions) != 2:
        return "CAST to decimal is emulated only with precision and scale, as in decimal(12, 2)."
    if node.this.key == "null" or node.this.meta.get("is_timestamp"):
        return None
    source = DECIMAL if is_decimal_literal(node.this) else family(node.this)
    if source is None or target not in _ALIKE[source]:
        return f"CAST from {name_of(node.this)} to {name_of(to)} is not emulated, because DuckDB may convert otherwise."
    if node.key == "cast" and is_other_text(node.this, target):
        return f"INVALID_CAST_ARGUMENT: Cannot cast '{node.this.name}' to {name_of(to)}"
    return None


def guarded_cast(node: Any) -> Any:
    """A CAST of text that converts only what both convert alike; other text is an error, or NULL for TRY_CAST."""
    from sqlglot import exp

    target = _FAMILIES[node.to.this.name]
    if family(node.this) != TEXT or target == TEXT:
        return node
    if node.this.is_string:
        return exp.cast(exp.Null(), node.to) if is_other_text(node.this, target) else node
    value, pattern = node.this, exp.Literal.string(_TEXT_OF[target])
    fits = exp.Anonymous(this="regexp_full_match", expressions=[value.copy(), pattern])
    said = exp.DPipe(
        this=exp.Literal.string("INVALID_CAST_ARGUMENT: Cannot cast to " + name_of(node.to) + ": "),
        expression=value.copy(),
    )
    other = exp.Null() if isinstance(node, exp.TryCast) else exp.Anonymous(this="error", expressions=[said])
    case = exp.Case().when(exp.Is(this=value.copy(), expression=exp.Null()), exp.Null()).when(fits, node.copy())
    return case.else_(other)


def is_other_text(node: Any, target: str) -> bool:
    """Whether text is written out that cannot be converted to a family."""
    return bool(node.is_string and not re.fullmatch(_TEXT_OF[target], node.name))


def is_decimal_literal(node: Any) -> bool:
    """Whether a number is written with a decimal point and without an exponent, which makes it a decimal."""
    return bool(node.key == "literal" and not node.is_string and "." in node.name and "e" not in node.name.lower())


def timestamp_digits(projection: Any) -> int:
    """How many digits of a second Athena writes for a column of the result."""
    from sqlglot import exp

    digits = [3]
    for each in projection.find_all(exp.Column):
        found = each.type
        if found is not None and family(each) == TIMESTAMP and found.expressions:
            digits.append(int(found.expressions[0].name))
    return max(digits)
