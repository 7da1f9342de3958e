"""The functions that are answered in Python, because DuckDB answers them otherwise or lacks them; and native ones.

Source of what each answers: Trino documentation, "Functions and operators", and Trino's own answers (see
tests/local/athena).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from blueprints.local.services.athena import arithmetic, arrays, dates, json_text, patterns, strings, types

Returns = str | Callable[[Sequence[Any]], str | None]
Check = Callable[[str], str | None]


@dataclass(frozen=True)
class Function:
    """A function of Athena."""

    takes: str
    """The kinds of its arguments, such as "text whole?"; `?` may be missing, `*` may be repeated. Of `double` and
    `whole`, other numbers and sizes are converted."""
    returns: Returns
    """The type of its result, or a function of the types of its arguments; that returns None for other types."""
    answer: Callable[..., Any]
    literals: Mapping[int, Check] = field(default_factory=dict)
    """By place: why a literal is not emulated. An argument at such a place has to be a literal."""
    takes_null: bool = False
    """Whether NULL is an argument as others; otherwise the result of NULL is NULL."""

    def returned(self, kinds: Sequence[Any]) -> str | None:
        """The type of the result; None if it is not known."""
        return _returned(self.returns, kinds)

    def kinds(self, count: int) -> list[str] | None:
        """The kinds of this number of arguments; None if there are too few or too many."""
        given = self.takes.split()
        if given and given[-1].endswith("*"):
            given[-1:] = [given[-1][:-1]] * max(1, count - len(given) + 1)
        needed = sum(not each.endswith("?") for each in given)
        return [each.rstrip("?") for each in given][:count] if needed <= count <= len(given) else None


@dataclass(frozen=True)
class Native:
    """A function that DuckDB has too, under this name."""

    name: str
    returns: Returns
    least: int = 1
    most: int = 1

    def returned(self, kinds: Sequence[Any]) -> str | None:
        """The type of the result; None if it is not known."""
        return _returned(self.returns, kinds)


def _returned(returns: Returns, kinds: Sequence[Any]) -> str | None:
    return returns if isinstance(returns, str) else returns(kinds)


def _sql(kind: Any) -> str | None:
    return None if kind is None or kind.this.name in ("UNKNOWN", "NULL") else str(kind.sql(dialect="trino"))


def _same(kinds: Sequence[Any]) -> str | None:
    return _sql(kinds[0]) if kinds else None


def _same_as(place: int) -> Returns:
    return lambda kinds: _sql(kinds[place]) if len(kinds) > place else None


def _element(kinds: Sequence[Any]) -> str | None:
    return _sql(kinds[0].expressions[0]) if kinds and kinds[0].this.name == "ARRAY" and kinds[0].expressions else None


def _array_of_first(kinds: Sequence[Any]) -> str | None:
    inner = _same(kinds)
    return f"ARRAY({inner})" if inner else None


def _by_digits(change: Callable[[int, int], tuple[int, int]]) -> Returns:
    """A decimal with other digits; other numbers keep their type."""

    def returned(kinds: Sequence[Any]) -> str | None:
        if kinds and types.family_of(kinds[0]) == types.DECIMAL and len(kinds[0].expressions) == 2:
            precision, scale = change(*(int(each.name) for each in kinds[0].expressions))
            return f"DECIMAL({min(38, precision)}, {scale})"
        return _same(kinds)

    return returned


def _to_whole(precision: int, scale: int) -> tuple[int, int]:
    return precision - scale + min(scale, 1), 0


def _round_type(kinds: Sequence[Any]) -> str | None:
    with_places = len(kinds) > 1
    return _returned(_by_digits(lambda p, s: (p + 1, s) if with_places else _to_whole(p, s)), kinds)


FUNCTIONS: Mapping[str, Function] = {
    # Numbers
    "round": Function("exact whole?", _round_type, arithmetic.rounded),
    "ceil": Function("exact", _by_digits(_to_whole), arithmetic.ceiling),
    "ceiling": Function("exact", _by_digits(_to_whole), arithmetic.ceiling),
    "floor": Function("exact", _by_digits(_to_whole), arithmetic.floor),
    "truncate": Function("fraction", _by_digits(lambda p, s: (max(p - s, 1), 0)), arithmetic.truncated),
    "sign": Function("number", _by_digits(lambda p, s: (1, 0)), arithmetic.sign),  # noqa: ARG005
    "sqrt": Function("double", "DOUBLE", arithmetic.square_root),
    # Text
    "substr": Function("text whole whole?", "VARCHAR", strings.substring),
    "substring": Function("text whole whole?", "VARCHAR", strings.substring),
    "split_part": Function("text text whole", "VARCHAR", strings.split_part),
    "split": Function("text text", "ARRAY(VARCHAR)", strings.split),
    "strpos": Function("text text", "BIGINT", strings.position),
    "replace": Function("text text text?", "VARCHAR", strings.replaced),
    "trim": Function("text text?", "VARCHAR", strings.trimmed),
    "ltrim": Function("text text?", "VARCHAR", strings.trimmed_left),
    "rtrim": Function("text text?", "VARCHAR", strings.trimmed_right),
    "lpad": Function("text whole text", "VARCHAR", strings.padded_left),
    "rpad": Function("text whole text", "VARCHAR", strings.padded_right),
    "reverse": Function("text", "VARCHAR", strings.backwards),
    "concat_ws": Function("text text*", "VARCHAR", strings.joined, takes_null=True),
    "chr": Function("whole", "VARCHAR", strings.character),
    "codepoint": Function("text", "INTEGER", strings.code_point),
    "regexp_like": Function("text text", "BOOLEAN", patterns.matches, {1: patterns.pattern_fault}),
    "regexp_extract": Function("text text whole?", "VARCHAR", patterns.extracted, {1: patterns.pattern_fault}),
    "regexp_extract_all": Function(
        "text text whole?", "ARRAY(VARCHAR)", patterns.all_extracted, {1: patterns.pattern_fault}
    ),
    "regexp_replace": Function(
        "text text text?", "VARCHAR", patterns.replaced, {1: patterns.pattern_fault, 2: patterns.replacement_fault}
    ),
    "regexp_split": Function("text text", "ARRAY(VARCHAR)", patterns.parts, {1: patterns.pattern_fault}),
    "json_extract_scalar": Function("text text", "VARCHAR", json_text.scalar, {1: json_text.path_fault}),
    "json_array_length": Function("text", "BIGINT", json_text.array_length),
    # Dates and timestamps
    "date_add": Function("text whole moment", _same_as(2), dates.added),
    "date_diff": Function("text moment moment", "BIGINT", dates.difference),
    "date_trunc": Function("text moment", _same_as(1), dates.truncated),
    "date_format": Function("moment text", "VARCHAR", dates.formatted, {1: dates.format_fault}),
    "date_parse": Function("text text", "TIMESTAMP(3)", dates.parsed, {1: dates.parse_fault}),
    "last_day_of_month": Function("moment", "DATE", dates.last_day_of_month),
    "to_unixtime": Function("timestamp", "DOUBLE", dates.seconds_since_1970),
    "from_iso8601_date": Function("text", "DATE", dates.from_iso_date),
    **{name: Function("moment", "BIGINT", answer) for name, answer in dates.FIELDS.items()},
    **{name: Function("timestamp", "BIGINT", answer) for name, answer in dates.TIME_FIELDS.items()},
    # Arrays
    "cardinality": Function("array", "BIGINT", len),
    "subscript": Function("array whole", _element, arrays.subscript),
    "element_at": Function("array whole", _element, arrays.element_at),
    "contains": Function("array element", "BOOLEAN", arrays.contains),
    "slice": Function("array whole whole", _same, arrays.part),
    "array_join": Function("array text text?", "VARCHAR", arrays.joined),
    "array_distinct": Function("array", _same, arrays.distinct),
    "array_sort": Function("array", _same, arrays.in_order),
    "array_max": Function("array", _element, arrays.largest),
    "array_min": Function("array", _element, arrays.smallest),
    "sequence": Function("whole whole whole?", "ARRAY(BIGINT)", arrays.sequence),
}
"""By the name in Athena."""

NATIVE: Mapping[str, Native] = {
    "bool_and": Native("bool_and", "BOOLEAN"),
    "every": Native("bool_and", "BOOLEAN"),
    "bool_or": Native("bool_or", "BOOLEAN"),
    "arbitrary": Native("any_value", _same),
    "any_value": Native("any_value", _same),
    "array_agg": Native("array_agg", _array_of_first),
    "ntile": Native("ntile", "BIGINT"),
    "percent_rank": Native("percent_rank", "DOUBLE", 0, 0),
    "cume_dist": Native("cume_dist", "DOUBLE", 0, 0),
    "nth_value": Native("nth_value", _same, 2, 2),
    "grouping": Native("grouping", "INTEGER", 1, 30),
    "approx_distinct": Native("approx_distinct", "BIGINT"),
}
"""By the name in Athena. approx_distinct is answered exactly, which its error allows."""
