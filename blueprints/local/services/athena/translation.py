"""From Athena's SQL to DuckDB's, for statements that both answer alike. Everything else is refused by name.

Athena runs Trino. What DuckDB answers otherwise is answered by functions in Python (`functions`), or refused. The tests
compare the answers with those of Trino 435.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from blueprints.local.services.athena import types
from blueprints.local.services.athena.failures import QueryRefused
from blueprints.local.services.athena.functions import FUNCTIONS, NATIVE
from blueprints.local.services.athena.rewriting import PythonFunction, rewritten

Schema = Mapping[str, Mapping[str, str]]
"""Column types by table and column."""

_STATEMENTS = ("Select", "Union", "Intersect", "Except", "Subquery")
_ALLOWED = frozenset(
    name
    for names in (
        # Structure
        "Alias Column CTE Distinct Fetch From Group Having Identifier Join Limit LimitOptions Offset Order Ordered",
        "Paren Select Star",
        "Subquery Table TableAlias Tuple Union Intersect Except Unnest Values Var Where Window WindowSpec With Filter",
        "Cube GroupingSets Rollup",
        # Values and types
        "Array Boolean Cast DataType DataTypeParam DateStrToDate Literal Null TryCast TsOrDsToDate",
        # Operators
        "Add All And Between Case Coalesce Div DPipe EQ Escape Exists GT GTE If In Is Like LT LTE Mod Mul Neg NEQ Not",
        "NullSafeEQ NullSafeNEQ Nullif Or Sub",
        # Functions
        "Abs Anonymous Concat CurrentDate Date Greatest Least Length Lower StartsWith Upper",
        # Aggregates and windows
        "ArgMax ArgMin Avg Count CountIf DenseRank FirstValue GroupConcat Lag LastValue Lead Max Min Rank RowNumber",
        "Sum",
    )
    for name in names.split()
)
_COMPARISONS = ("EQ", "NEQ", "GT", "GTE", "LT", "LTE", "Nullif", "NullSafeEQ", "NullSafeNEQ")
_OPERANDS = {
    ("DPipe", "Concat", "Like", "Length", "Lower", "StartsWith", "Upper"): (types.TEXT,),
    ("Abs", "Add", "Avg", "Div", "Mod", "Mul", "Neg", "Sub", "Sum"): types.NUMBERS,
    ("And", "Having", "Not", "Or", "Where"): (types.BOOLEAN,),
}
"""Of which families the operands of these are."""
_ALTERNATIVES = ("Case", "Coalesce", "Greatest", "If", "Least")
_INTERVALS = ("second", "minute", "hour", "day", "month", "year")
_LARGEST = 2**63 - 1
_UNNAMED = "unnamed_"


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
    types: Sequence[str | None]
    """By column: the type in Athena's words, such as decimal(12,2); None if it is not known."""
    functions: Sequence[PythonFunction]
    """The functions in Python that the statement calls."""

    @property
    def timestamp_digits(self) -> list[int]:
        """By column: how many digits of a second Athena writes."""
        found = [re.search(r"timestamp\((\d+)\)", each or "") for each in self.types]
        return [max(3, int(each[1])) if each else 3 for each in found]


def read(sql: str) -> Statement:
    """Read one SELECT. Raises QueryRefused for anything else."""
    from sqlglot import errors, exp, parse

    from blueprints.local.services.athena.dialect import AthenaQueries

    try:
        trees = [each for each in parse(sql, read=AthenaQueries) if each is not None]
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
    from sqlglot.optimizer.qualify import qualify

    from blueprints.local.services.athena.inference import annotated

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
        tree = qualify(tree, schema=nested, dialect="trino", quote_identifiers=True, expand_alias_refs=False)
        _qualify_having(tree, nested)
        tree = annotated(tree, nested)
    except errors.SqlglotError as error:
        raise QueryRefused(f"SYNTAX_ERROR: {_first_line(error)}") from error
    for node in tree.walk():
        _check(node)
    names = [_column_name(place, each) for place, each in enumerate(tree.selects)]
    kinds = [_athena_type(each) for each in _types_of(tree)]
    tree, functions = rewritten(tree)
    return Translated(str(tree.sql(dialect="duckdb")), names, kinds, functions)


def _qualify_having(tree: Any, schema: dict[str, Any]) -> None:
    """Name the tables of the columns in HAVING, which sqlglot leaves as they are."""
    from sqlglot import exp
    from sqlglot.optimizer.resolver import Resolver
    from sqlglot.optimizer.scope import traverse_scope
    from sqlglot.schema import ensure_schema

    known = ensure_schema(schema, dialect="trino")
    for scope in traverse_scope(tree):
        having = scope.expression.args.get("having")
        for each in having.find_all(exp.Column) if having else ():
            table = None if each.table else Resolver(scope, known).get_table(each)
            if table is not None:
                each.set("table", table)


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
    for each in reversed([*tree.walk()]):
        called = _as_call(each)
        if called is not None:
            each.replace(called)


def _as_call(node: Any) -> Any:
    """A function whose arguments are written in a special syntax, as an ordinary call; None for others."""
    from sqlglot import exp

    def call(name: str, *arguments: Any) -> Any:
        return exp.Anonymous(this=name, expressions=[each.copy() for each in arguments if each is not None])

    if isinstance(node, (exp.Add, exp.Sub)):
        return _moved(node, call)
    if isinstance(node, exp.Extract) and node.this.name.lower() in FUNCTIONS:
        return call(node.this.name.lower(), node.expression)
    if isinstance(node, exp.Anonymous) and node.name.lower() == "mod" and len(node.expressions) == 2:
        return exp.paren(exp.Mod(this=node.expressions[0].copy(), expression=node.expressions[1].copy()))
    if isinstance(node, exp.Bracket) and len(node.expressions) == 1 and node.expressions[0].is_int:
        return call(
            "subscript", node.this, exp.Literal.number(int(node.expressions[0].name) + 1)
        )  # sqlglot counts from 0
    if isinstance(node, (exp.Ceil, exp.Floor)) and not node.args.get("decimals") and not node.args.get("to"):
        return call(node.key, node.this)
    return _text_as_call(node, call)


def _text_as_call(node: Any, call: Any) -> Any:
    from sqlglot import exp

    if isinstance(node, exp.Substring):
        return call("substr", node.this, node.args.get("start"), node.args.get("length"))
    if isinstance(node, exp.StrPosition) and not node.args.get("position"):
        return call("strpos", node.this, node.args["substr"])
    if isinstance(node, exp.Chr) and len(node.expressions) == 1:
        return call("chr", *node.expressions)
    if isinstance(node, exp.Trim):
        name = {"LEADING": "ltrim", "TRAILING": "rtrim"}.get(node.text("position").upper(), "trim")
        return call(name, node.this, node.args.get("expression"))
    return None


def _moved(node: Any, call: Any) -> Any:
    """`date + INTERVAL '1' DAY` as a call of date_add; None for other sums."""
    from sqlglot import exp

    value, interval = node.this, node.expression
    if isinstance(value, exp.Interval) and isinstance(node, exp.Add):
        value, interval = interval, value
    if not isinstance(interval, exp.Interval) or isinstance(value, exp.Interval) or not interval.this.is_string:
        return None
    number, unit = interval.this.name, interval.text("unit").lower()
    if not re.fullmatch(r"[+-]?\d+", number) or unit not in _INTERVALS:
        return None
    signed = int(number) * (-1 if isinstance(node, exp.Sub) else 1)
    literal = exp.Literal.number(abs(signed))
    return call("date_add", exp.Literal.string(unit), exp.Neg(this=literal) if signed < 0 else literal, value)


def _column_name(place: int, projection: Any) -> str:
    name = str(projection.alias_or_name)
    return f"_col{place}" if name.startswith(_UNNAMED) else name


def _types_of(tree: Any) -> list[Any]:
    """The types of the columns of a query, or of the rows of two."""
    from sqlglot import exp

    from blueprints.local.services.athena.inference import common

    tree = tree.unnest()
    if isinstance(tree, exp.SetOperation):
        both = zip(_types_of(tree.this), _types_of(tree.expression), strict=False)
        return [common(left or "UNKNOWN", right or "UNKNOWN") for left, right in both]
    return [each.type for each in tree.selects]


def _athena_type(kind: Any) -> str | None:
    if types.family_of(kind) is None and (kind is None or kind.this.name in ("UNKNOWN", "NULL")):
        return None
    return str(kind.sql(dialect="trino")).lower().replace(", ", ",")


def _check(node: Any) -> None:
    fault = next(_faults(node), None)
    if fault:
        raise QueryRefused(fault)


def _faults(node: Any) -> Iterator[str]:
    from sqlglot import exp

    kind = type(node).__name__
    if isinstance(node, exp.Anonymous):
        yield from _faults_of_call(node)
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
        _compared(each) for each in (node.args.get("this"), node.args.get("expression")) if hasattr(each, "key")
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


def _faults_of_call(node: Any) -> Iterator[str]:
    """Functions that are not emulated, and arguments that a function does not take."""
    name, given = node.name.lower(), node.expressions
    native, function = NATIVE.get(name), FUNCTIONS.get(name)
    if native is not None:
        if not native.least <= len(given) <= native.most:
            yield f"The function {name} is not emulated with {len(given)} arguments."
        return
    if function is None:
        yield f"The function {name} is not emulated."
        return
    kinds = function.kinds(len(given))
    if kinds is None:
        yield f"The function {name} is not emulated with {len(given)} arguments."
        return
    for place, (kind, each) in enumerate(zip(kinds, given, strict=True)):
        if each.key == "null" and not function.takes_null:
            yield f"The function {name} is not emulated with a NULL that is written out."
        elif not _is_of(kind, each):
            yield f"The function {name} is not emulated with a value of type {types.name_of(each)}."
        check = function.literals.get(place)
        if check and not each.is_string:
            yield f"The function {name} is emulated only with a literal as argument {place + 1}."
        elif check and (fault := check(each.name)):
            yield fault


def _is_of(kind: str, node: Any) -> bool:
    """Whether an argument is of a kind of `functions`."""
    if node.key == "null":
        return True
    family, name = types.family(node), node.type.this.name if node.type is not None else "UNKNOWN"
    allowed = {
        "text": (types.TEXT,),
        "whole": (types.WHOLE,),
        "exact": (types.WHOLE, types.DECIMAL, types.FLOAT),
        "number": types.NUMBERS,
        "fraction": (types.DECIMAL, types.FLOAT),
        "double": types.NUMBERS,
        "moment": (types.DATE, types.TIMESTAMP),
        "timestamp": (types.TIMESTAMP,),
        "array": (types.ARRAY,),
        "element": (types.WHOLE, types.TEXT, types.DATE, types.BOOLEAN, types.TIMESTAMP),
    }[kind]
    if kind == "array" and (family != types.ARRAY or not node.type.expressions):
        return False
    return family in allowed and name not in ("TIMESTAMPTZ", "FLOAT")


def _faults_of_functions(node: Any) -> Iterator[str]:
    """What DuckDB answers otherwise for some values."""
    from sqlglot import exp

    is_of_text = isinstance(node, (exp.Date, exp.TsOrDsToDate)) and types.family(node.this) == types.TEXT
    if is_of_text and (not node.this.is_string or types.is_other_text(node.this, types.DATE)):
        yield "date is emulated only for dates and timestamps; write CAST(… AS date), or DATE '2026-01-01'."
    if isinstance(node, (exp.ArgMax, exp.ArgMin)) and node.args.get("count"):
        yield f"{_named(node)} is emulated only with two arguments."
    if isinstance(node, (exp.DPipe, exp.Concat)):
        values = [node.this, node.expression] if isinstance(node, exp.DPipe) else node.expressions
        if any(each.key == "null" for each in values):
            yield f"{_named(node)} is not emulated with NULL, which Athena takes for an array."


def _faults_of_clauses(node: Any) -> Iterator[str]:
    """Clauses of other dialects, which the parser accepts."""
    from sqlglot import exp

    if isinstance(node, exp.Join) and (node.method or node.kind not in ("", "INNER", "CROSS", "OUTER")):
        yield f"SYNTAX_ERROR: {node.method or node.kind} JOIN is not part of Athena's SQL."
    if isinstance(node, exp.Window) and isinstance(node.this, exp.Filter):
        yield "NOT_SUPPORTED: FILTER and OVER cannot be combined."
    if isinstance(node, exp.Unnest) and len(node.expressions) != 1:
        yield "UNNEST is emulated only of one array."
    if isinstance(node, exp.Fetch):
        options = node.args.get("limit_options")
        if options and (options.args.get("percent") or options.args.get("with_ties")):
            yield "FETCH FIRST is emulated only with a number of rows, and without ties."
    if isinstance(node, exp.Distinct) and node.args.get("on"):
        yield "SYNTAX_ERROR: DISTINCT ON is not part of Athena's SQL."
    if isinstance(node, exp.Group) and node.args.get("all"):
        yield "SYNTAX_ERROR: GROUP BY ALL is not part of Athena's SQL."


def _faults_of_numbers(node: Any) -> Iterator[str]:
    """Arithmetic that is not emulated."""
    from sqlglot import exp

    if isinstance(node, (exp.Div, exp.Mod)) and node.type is not None and types.family(node) is None:
        yield f"{_named(node)} is not emulated, because its types are not known."
    if node.is_int and isinstance(node, exp.Literal) and int(node.name) > _LARGEST:
        yield f"SYNTAX_ERROR: Invalid numeric literal: {node.name}"
    if isinstance(node, (exp.Avg, exp.Sum)) and types.name_of(node.this) == "real":
        yield f"{node.key} of real is not emulated; write {node.key}(CAST(… AS double))."
    if isinstance(node, exp.Avg) and isinstance(node.this, exp.Distinct):
        yield "avg(DISTINCT …) is not emulated."


def _compared(node: Any) -> Any:
    """What is compared: of ALL (SELECT …), the column."""
    from sqlglot import exp

    if isinstance(node, exp.All) and isinstance(node.this.unnest(), exp.Select):
        return node.this.unnest().selects[0]
    return node


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


def _mismatch(node: Any, values: Sequence[Any]) -> str:
    kinds = ", ".join(types.name_of(each) for each in values)
    families = {types.family(each) for each in values}
    if types.ARRAY in families or (node.key in ("add", "sub") and families & {types.DATE, types.TIMESTAMP}):
        return f"{_named(node)} is not emulated with {kinds}."
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
