"""From Athena's SQL to DuckDB's, for statements that both answer alike. Everything else is refused by name.

Athena runs Trino. Compared with Trino 435, DuckDB answers differently without a warning in: division of integers and of
decimals, `substr` from 0, `slice`, `date_diff`, `date_add`, AT TIME ZONE, `format`, and averages of decimals. Only what
is listed here is translated.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

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
_FLOATS = ("DOUBLE", "FLOAT", "REAL")


class QueryRefused(Exception):
    """The statement is not answered here; the message says which part of it and why."""


@dataclass(frozen=True)
class Statement:
    """A statement that was read."""

    tree: Any
    tables: tuple[tuple[str, str, str], ...]
    """Catalog, database and name of each table, empty where the statement does not say."""


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
    named = {each.alias for each in tree.find_all(exp.CTE)}
    tables = [
        (each.catalog, each.db, each.name)
        for each in tree.find_all(exp.Table)
        if each.name and not (each.name in named and not each.db)
    ]
    return Statement(tree, tuple(dict.fromkeys(tables)))


def to_duckdb(statement: Statement, database: str, schema: Schema) -> str:
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
    try:
        nested: dict[str, Any] = {}
        for place, columns in schema.items():
            owner, _, table = place.partition(".")
            nested.setdefault(owner, {})[table] = dict(columns)
        tree = qualify(tree, schema=nested, dialect="athena", quote_identifiers=True)
        tree = annotate_types(tree, schema=nested, dialect="athena")
    except errors.SqlglotError as error:
        raise QueryRefused(f"COLUMN_NOT_FOUND or unsupported: {_first_line(error)}") from error
    _check(tree)
    return str(tree.sql(dialect="duckdb"))


def _check(tree: Any) -> None:
    from sqlglot import exp

    for node in tree.walk():
        if isinstance(node, exp.Anonymous):
            raise QueryRefused(f"The function {node.name} is not emulated.")
        kind = type(node).__name__
        if kind not in _ALLOWED:
            raise QueryRefused(f"{_named(node)} is not emulated, because DuckDB may answer it otherwise than Athena.")
        if isinstance(node, exp.Div) and not (_is_float(node.this) or _is_float(node.expression)):
            raise QueryRefused(
                "A division of integers or decimals is not emulated, because DuckDB answers it otherwise than Athena; "
                "write CAST(… AS double) on one side."
            )
        if isinstance(node, exp.Avg) and not _is_float(node.this):
            raise QueryRefused(
                "avg of integers or decimals is not emulated, because DuckDB answers it otherwise than Athena; write "
                "avg(CAST(… AS double))."
            )
        if isinstance(node, exp.Round) and not _is_float(node.this):
            raise QueryRefused("round of integers or decimals is not emulated; write round(CAST(… AS double), n).")
        if isinstance(node, (exp.DateTrunc, exp.TimestampTrunc)) and not _is_timestamp(node.this):
            raise QueryRefused("date_trunc is emulated only for timestamps; write date_trunc(…, CAST(… AS timestamp)).")
        if isinstance(node, exp.Substring) and not _starts_at_one_or_later(node):
            raise QueryRefused("substr is emulated only from a literal position of 1 or later.")


def _is_float(node: Any) -> bool:
    found = node.type
    return found is not None and found.this is not None and found.this.name in _FLOATS


def _is_timestamp(node: Any) -> bool:
    found = node.type
    return found is not None and found.this is not None and found.this.name.startswith("TIMESTAMP")


def _starts_at_one_or_later(node: Any) -> bool:
    start = node.args.get("start")
    return bool(start is not None and start.is_int and not start.is_string and int(start.name) >= 1)


def _named(node: Any) -> str:
    from sqlglot import exp

    if isinstance(node, exp.Func):
        return f"The function {node.sql_name().lower()}"
    return f"The expression {node.sql(dialect='athena')}"


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
