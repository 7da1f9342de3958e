"""Types of expressions, as far as Athena and DuckDB treat them differently.

Athena refuses to compare or to combine values of different kinds; DuckDB converts them silently. Some conversions have
other results in DuckDB. Source: Trino documentation, "Data types" and "Conversion functions".
"""

import re
from typing import Any

WHOLE, DECIMAL, FLOAT, TEXT, DATE, TIMESTAMP, BOOLEAN, ARRAY = (
    "whole",
    "decimal",
    "float",
    "text",
    "date",
    "timestamp",
    "boolean",
    "array",
)
_FAMILIES = {
    **dict.fromkeys(("TINYINT", "SMALLINT", "INT", "BIGINT"), WHOLE),
    "DECIMAL": DECIMAL,
    **dict.fromkeys(("DOUBLE", "FLOAT"), FLOAT),
    **dict.fromkeys(("VARCHAR", "TEXT", "NVARCHAR"), TEXT),
    "DATE": DATE,
    **dict.fromkeys(("TIMESTAMP", "TIMESTAMPNTZ", "TIMESTAMPTZ"), TIMESTAMP),
    "BOOLEAN": BOOLEAN,
    "ARRAY": ARRAY,
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
    FLOAT: {FLOAT, TEXT, WHOLE},
    TEXT: {WHOLE, DECIMAL, FLOAT, TEXT, DATE, TIMESTAMP, BOOLEAN},
    DATE: {DATE, TIMESTAMP, TEXT},
    TIMESTAMP: {DATE, TIMESTAMP, TEXT},
    BOOLEAN: {BOOLEAN, WHOLE, TEXT},
}
"""By the family of the value: to which families both convert it alike."""


def family(node: Any) -> str | None:
    """The family of an expression's type; None if it is not known, as that of NULL."""
    return family_of(node.type)


def family_of(found: Any) -> str | None:
    """The family of a type; None if it is not known."""
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
    to, source = node.to, family(node.this)
    target = family_of(to)
    if target is None or target == ARRAY or to.this.name == "TIMESTAMPTZ":
        return f"CAST to {name_of(to)} is not emulated."
    if target == DECIMAL and len(to.expressions) != 2:
        return "CAST to decimal is emulated only with precision and scale, as in decimal(12, 2)."
    if node.this.key == "null":
        return None
    if is_decimal_literal(node.this):
        source = DECIMAL
    if source is None or target not in _ALIKE.get(source, ()) or _loses_digits(node, source, target):
        return f"CAST from {name_of(node.this)} to {name_of(to)} is not emulated, because DuckDB may convert otherwise."
    if node.key == "cast" and is_other_text(node.this, target) and not _is_timestamp_literal(node):
        return f"INVALID_CAST_ARGUMENT: Cannot cast '{node.this.name}' to {name_of(to)}"
    return None


def _loses_digits(node: Any, source: str, target: str) -> bool:
    """Whether a conversion would have to round or cut in a way that is not emulated."""
    to, kind = node.to, node.this.type
    if target == TEXT and to.expressions:
        return source != TEXT
    if source == FLOAT and target in (TEXT, WHOLE):
        return bool(kind.this.name != "DOUBLE")
    if source == TIMESTAMP and target == TEXT:
        return kind.this.name == "TIMESTAMPTZ" or not kind.expressions
    if target == TIMESTAMP and to.expressions and not _is_timestamp_literal(node):
        return source != TIMESTAMP or not kind.expressions or int(kind.expressions[0].name) > second_digits(to)
    return False


def _is_timestamp_literal(node: Any) -> bool:
    """Whether this is TIMESTAMP '…': text with as many digits of a second as its type."""
    if not node.this.is_string or family_of(node.to) != TIMESTAMP or not node.to.expressions:
        return False
    found = re.fullmatch(r"\d{4}-\d{1,2}-\d{1,2}( \d{1,2}:\d{2}(:\d{2}(\.(\d{1,6}))?)?)?", node.this.name)
    return bool(found and len(found[4] or "") == second_digits(node.to))


def guarded_cast(node: Any) -> Any:
    """A CAST of text that converts only what both convert alike; other text is an error, or NULL for TRY_CAST."""
    from sqlglot import exp

    target = _FAMILIES[node.to.this.name]
    if family(node.this) != TEXT or target == TEXT:
        return node
    if node.this.is_string:
        refused = is_other_text(node.this, target) and not _is_timestamp_literal(node)
        return exp.cast(exp.Null(), node.to) if refused else node
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


def second_digits(kind: Any) -> int:
    """How many digits of a second a type has; Athena writes at least three."""
    if family_of(kind) != TIMESTAMP:
        return 3
    return int(kind.expressions[0].name) if kind.expressions else 3
