"""From Athena's SQL to DuckDB's, for statements that both answer alike. Everything else is refused by name.

Athena runs Trino. Compared with Trino 435, DuckDB answers differently without a warning in: division of integers and of
decimals, `substr` from 0, `slice`, `date_diff`, `date_add`, AT TIME ZONE, `format`, and averages of decimals. Only what
is listed here is translated.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from blueprints.local.services.athena import types

Schema = Mapping[str, Mapping[str, str]]
"""Column types by table and column."""

_STATEMENTS = ("Select", "Union", "Intersect", "Except", "Subquery")
_ALLOWED = frozenset(
    name
    for names in (
        # Structure
        "Alias Column CTE Distinct From Group Having Identifier Join Limit Offset Order Ordered Paren Select Star",
        "Subquery Table TableAlias Tuple Union Intersect Except Values Var Where Window WindowSpec With Filter",
        # Values and types
        "Boolean Cast DataType DataTypeParam DateStrToDate Literal Null TryCast TsOrDsToDate",
        # Operators
        "Add And Between Case Coalesce Div DPipe EQ Exists GT GTE If In Is Like LT LTE Mul Neg NEQ Not Nullif Or Sub",
        # Functions
        "Abs Concat CurrentDate Date DateTrunc Day Greatest Least Length Lower Month Round StartsWith Substring",
        "TimestampTrunc Trim Upper Year",
        # Aggregates and windows
        "Avg Count CountIf DenseRank FirstValue Lag LastValue Lead Max Min Rank RowNumber Sum",
    )
    for name in names.split()
)
_COMPARISONS = ("EQ", "NEQ", "GT", "GTE", "LT", "LTE", "Nullif")
_OPERANDS = {
    ("DPipe", "Concat", "Like", "Length", "Lower", "StartsWith", "Substring", "Trim", "Upper"): (types.TEXT,),
    ("Abs", "Add", "Avg", "Div", "Mul", "Neg", "Round", "Sub", "Sum"): types.NUMBERS,
    ("And", "Having", "Not", "Or", "Where"): (types.BOOLEAN,),
    ("Day", "Month", "Year"): (types.DATE, types.TIMESTAMP),
}
"""Of which families the operands of these are."""
_ALTERNATIVES = ("Case", "Coalesce", "Greatest", "If", "Least")
_UNITS = ("SECOND", "MINUTE", "HOUR", "DAY", "WEEK", "MONTH", "QUARTER", "YEAR")
_WHITE_SPACE = " \t\n\x0b\x0c\r\x1c\x1d\x1e\x1f\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2008\u2009\u200a"
_WHITE_SPACE += "\u2028\u2029\u205f\u3000"
"""What Athena's trim removes; DuckDB's removes spaces alone."""
_UNNAMED = "unnamed_"


class QueryRefused(Exception):
    """The statement is not answered here; the message says which part of it and why."""


@dataclass(frozen=True)
class Statement:
    """A statement that was read."""

    tree: Any
    tables: tuple[tuple[str, str, str], ...]
    """Catalog, database and name of each table, empty where the statement does not say."""


@dataclass(frozen=True)
class Translated:
    """A statement for DuckDB, and what the text of its result depends on."""

    sql: str
    columns: Sequence[str]
    """The names of the result's columns."""
    timestamp_digits: Sequence[int]
    """By column: how many digits of a second Athena writes."""


def read(sql: str) -> Statement:
    """Read one SELECT. Raises QueryRefused for anything else."""
    from sqlglot import errors, exp, parse

    try:
        trees = [each for each in parse(sql, read="athena") if each is not None]
    except errors.SqlglotError as error:
        raise QueryRefused(f"SYNTAX_ERROR: {_first_line(error)}") from error
    if len(trees) != 1:
        raise QueryRefused("Only one sql statement is allowed.")
    (tree,) = trees
    if type(tree).__name__ not in _STATEMENTS:
        raise QueryRefused(f"{type(tree).key.upper()} is not emulated: Athena answers SELECT statements here.")
    _check_words(sql)
    named = {each.alias for each in tree.find_all(exp.CTE)}
    tables = [
        (each.catalog.lower(), each.db.lower(), each.name.lower())
        for each in tree.find_all(exp.Table)
        if each.name and not (each.name in named and not each.db)
    ]
    return Statement(tree, tuple(dict.fromkeys(tables)))


def to_duckdb(statement: Statement, database: str, schema: Schema) -> Translated:
    """The statement in DuckDB's dialect; tables are named `database.table`. Raises QueryRefused."""
    from sqlglot import errors, exp
    from sqlglot.optimizer.annotate_types import annotate_types
    from sqlglot.optimizer.qualify import qualify

    tree = statement.tree.copy()
    named = {each.alias for each in tree.find_all(exp.CTE)}
    for each in tree.find_all(exp.Table):
        if each.name and not (each.name in named and not each.db):
            each.set("db", exp.to_identifier(each.db or database, quoted=True))
            each.set("catalog", None)
    _prepare(tree)
    try:
        nested: dict[str, Any] = {}
        for place, columns in schema.items():
            owner, _, table = place.partition(".")
            nested.setdefault(owner, {})[table] = dict(columns)
        # Athena does not know a column's alias in WHERE, GROUP BY and HAVING.
        tree = qualify(tree, schema=nested, dialect="athena", quote_identifiers=True, expand_alias_refs=False)
        tree = annotate_types(tree, schema=nested, dialect="athena")
    except errors.SqlglotError as error:
        raise QueryRefused(f"SYNTAX_ERROR: {_first_line(error)}") from error
    for node in tree.walk():
        _check(node)
    names = [_column_name(place, each) for place, each in enumerate(tree.selects)]
    digits = [types.timestamp_digits(each) for each in tree.selects]
    return Translated(str(_rewritten(tree).sql(dialect="duckdb")), names, digits)


def _check_words(sql: str) -> None:
    """Refuse spellings that the parser accepts, and Athena does not."""
    from sqlglot import tokenize

    tokens = tokenize(sql, read="trino")
    kinds = [each.token_type.name for each in tokens]
    for place, token in enumerate(tokens):
        if kinds[place] == "LIMIT" and kinds[place + 2 : place + 3] == ["OFFSET"]:
            raise QueryRefused("SYNTAX_ERROR: mismatched input 'OFFSET'. Write OFFSET before LIMIT.")
        if kinds[place] == "NATURAL":
            raise QueryRefused("SYNTAX_ERROR: NATURAL JOIN is not part of Athena's SQL.")
        if kinds[place] == "DCOLON":
            raise QueryRefused("SYNTAX_ERROR: mismatched input ':'. Write CAST(… AS …).")
        if token.text == "==" or sql[token.start : token.start + 2] == "==":
            raise QueryRefused("SYNTAX_ERROR: mismatched input '='. Write = to compare.")
    if kinds[:1] == ["FROM"]:
        raise QueryRefused("SYNTAX_ERROR: mismatched input 'FROM'. Expecting: a SELECT.")


def _prepare(tree: Any) -> None:
    """Write out what types cannot be found for otherwise, before columns are looked up."""
    from sqlglot import exp

    outermost = tree
    while not isinstance(outermost, exp.Select):
        outermost = outermost.this
    for place, each in enumerate(outermost.expressions):
        if not isinstance(each, (exp.Alias, exp.Column, exp.Star)):
            each.replace(exp.alias_(each.copy(), f"{_UNNAMED}{place}"))
    for each in [*tree.find_all(exp.Literal)]:
        # A number with a decimal point is a decimal; sqlglot takes it for a double.
        if types.is_decimal_literal(each):
            whole, _, fraction = each.name.partition(".")
            precision = max(len(whole.lstrip("0")) + len(fraction), 1)
            each.replace(exp.cast(each.copy(), f"DECIMAL({precision}, {len(fraction)})"))
    for each in [*tree.find_all(exp.TimestampTrunc, exp.DateTrunc)]:
        inner = each.copy()
        inner.meta["is_timestamp"] = True
        each.replace(exp.cast(inner, "TIMESTAMP"))


def _column_name(place: int, projection: Any) -> str:
    name = str(projection.alias_or_name)
    return f"_col{place}" if name.startswith(_UNNAMED) else name


def _rewritten(tree: Any) -> Any:
    """The checked statement, with what DuckDB answers otherwise written so that it answers alike."""
    from sqlglot import exp

    for node in [*tree.find_all(exp.Sum)]:
        if types.family(node) == types.WHOLE:  # DuckDB adds to a larger type, without an overflow
            whole = node
            while isinstance(whole.parent, (exp.Filter, exp.Window)) and whole.arg_key == "this":
                whole = whole.parent
            whole.replace(exp.cast(whole.copy(), "BIGINT"))
    for node in [*tree.find_all(exp.Trim)]:
        node.set("expression", exp.Literal.string(_WHITE_SPACE))
    for node in [*tree.find_all(exp.Upper)]:
        node.replace(exp.func("replace", node.copy(), exp.Literal.string("ẞ"), exp.Literal.string("ß")))
    casts = [each for each in tree.find_all(exp.Cast) if each.this.type is not None]
    for node in reversed(casts):  # inner ones first
        guarded = types.guarded_cast(node)
        if guarded is not node:
            node.replace(guarded)
    return tree


def _check(node: Any) -> None:
    fault = next(_faults(node), None)
    if fault:
        raise QueryRefused(fault)


def _faults(node: Any) -> Iterator[str]:
    from sqlglot import exp

    kind = type(node).__name__
    if isinstance(node, exp.Anonymous):
        yield f"The function {node.name} is not emulated."
    elif kind not in _ALLOWED:
        yield f"{_named(node)} is not emulated, because DuckDB may answer it otherwise than Athena."
    elif isinstance(node, exp.Cast):
        fault = types.cast_fault(node)
        if fault:
            yield fault
    yield from _faults_of_types(node, kind)
    yield from _faults_of_functions(node)
    yield from _faults_of_numbers(node)
    yield from _faults_of_clauses(node)


def _faults_of_types(node: Any, kind: str) -> Iterator[str]:
    """What Athena refuses for its types, and DuckDB converts."""
    from sqlglot import exp

    operands: list[Any] = [
        each for each in (node.args.get("this"), node.args.get("expression")) if hasattr(each, "key")
    ]
    compared: list[Any] = []
    if kind in _COMPARISONS:
        compared = operands
    elif isinstance(node, exp.Between):
        compared = [node.this, node.args["low"], node.args["high"]]
    elif isinstance(node, exp.In):
        compared = [node.this, *node.expressions]
    elif kind in _ALTERNATIVES:
        compared = _alternatives(node)
    if not types.are_comparable(*compared):
        yield _mismatch(node, compared[:2])
    for kinds, families in _OPERANDS.items():
        values = [*operands, *(node.expressions if kind == "Concat" else ())]
        if kind in kinds and not all(types.may_be(each, *families) for each in values):
            yield _mismatch(node, values)


def _faults_of_functions(node: Any) -> Iterator[str]:
    """What DuckDB answers otherwise for some values."""
    from sqlglot import exp

    if isinstance(node, (exp.DateTrunc, exp.TimestampTrunc)):
        if types.family(node.this) != types.TIMESTAMP:
            yield "date_trunc is emulated only for timestamps; write date_trunc(…, CAST(… AS timestamp))."
        if node.text("unit").upper() not in _UNITS:
            yield f"date_trunc is emulated only for {', '.join(_UNITS).lower()}."
    if isinstance(node, exp.Substring) and not _is_plain(node):
        yield "substr is emulated only from a literal position of 1 or later, with a literal length."
    if isinstance(node, exp.Trim) and (node.args.get("expression") or node.args.get("position")):
        yield "trim is emulated only for white space on both sides."
    is_of_text = isinstance(node, (exp.Date, exp.TsOrDsToDate)) and types.family(node.this) == types.TEXT
    if is_of_text and (not node.this.is_string or types.is_other_text(node.this, types.DATE)):
        yield "date is emulated only for dates and timestamps; write CAST(… AS date), or DATE '2026-01-01'."


def _faults_of_clauses(node: Any) -> Iterator[str]:
    """Clauses of other dialects, which the parser accepts."""
    from sqlglot import exp

    if isinstance(node, exp.Join) and (node.method or node.kind not in ("", "INNER", "CROSS", "OUTER")):
        yield f"SYNTAX_ERROR: {node.method or node.kind} JOIN is not part of Athena's SQL."
    if isinstance(node, exp.Distinct) and node.args.get("on"):
        yield "SYNTAX_ERROR: DISTINCT ON is not part of Athena's SQL."
    if isinstance(node, exp.Group) and node.args.get("all"):
        yield "SYNTAX_ERROR: GROUP BY ALL is not part of Athena's SQL."


def _faults_of_numbers(node: Any) -> Iterator[str]:
    """Arithmetic that DuckDB does otherwise."""
    from sqlglot import exp

    if isinstance(node, exp.Div) and types.FLOAT not in (types.family(node.this), types.family(node.expression)):
        yield (
            "A division of integers or decimals is not emulated, because DuckDB answers it otherwise than Athena; "
            "write CAST(… AS double) on one side."
        )
    if isinstance(node, exp.Avg) and types.family(node.this) != types.FLOAT:
        yield (
            "avg of integers or decimals is not emulated, because DuckDB answers it otherwise than Athena; write "
            "avg(CAST(… AS double))."
        )
    if isinstance(node, (exp.Avg, exp.Sum)) and types.name_of(node.this) == "real":
        yield f"{node.key} of real is not emulated; write {node.key}(CAST(… AS double))."
    if isinstance(node, exp.Round) and types.family(node.this) != types.FLOAT:
        yield "round of integers or decimals is not emulated; write round(CAST(… AS double), n)."


def _alternatives(node: Any) -> list[Any]:
    """The expressions of which one is the result."""
    from sqlglot import exp

    if isinstance(node, exp.Case):
        found = [each.args.get("true") for each in node.args["ifs"]] + [node.args.get("default")]
    elif isinstance(node, exp.If):
        found = [node.args.get("true"), node.args.get("false")]
    else:
        found = [node.this, *node.expressions]
    return [each for each in found if each is not None]


def _is_plain(node: Any) -> bool:
    start, length = node.args.get("start"), node.args.get("length")
    return _is_number(start, 1) and (length is None or _is_number(length, 0))


def _is_number(node: Any, least: int) -> bool:
    return bool(node is not None and node.key == "literal" and node.name.isdigit() and int(node.name) >= least)


def _mismatch(node: Any, values: Sequence[Any]) -> str:
    kinds = ", ".join(types.name_of(each) for each in values)
    hint = ""
    if {types.family(each) for each in values} >= {types.DATE, types.TEXT}:
        hint = " Write DATE '2026-01-01'."
    return f"TYPE_MISMATCH: {_named(node)} cannot be applied to {kinds}.{hint}"


def _named(node: Any) -> str:
    from sqlglot import exp

    if isinstance(node, exp.Func) and not isinstance(node, (exp.And, exp.Or, exp.Case, exp.Cast)):
        return f"The function {node.sql_name().lower()}"
    return f"The expression {node.sql(dialect='athena')}"


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
