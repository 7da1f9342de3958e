"""Writes a checked statement so that DuckDB answers it as Trino does."""

import inspect
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from blueprints.local.services.athena import arithmetic, dates, strings, types
from blueprints.local.services.athena.failures import QueryFailed
from blueprints.local.services.athena.functions import FUNCTIONS, NATIVE

_OF_NULL = {
    "text": "VARCHAR",
    "double": "DOUBLE",
    "moment": "DATE",
    "timestamp": "TIMESTAMP",
    "array": "INTEGER[]",
    "element": "INTEGER",
    "whole": "BIGINT",
}
"""The type of a NULL that is written out, by the kind of the argument."""


@dataclass(frozen=True)
class PythonFunction:
    """A function that DuckDB calls for each row."""

    name: str
    parameters: Sequence[str]
    """Types in DuckDB's words."""
    returns: str
    answer: Callable[..., Any]


def rewritten(tree: Any) -> tuple[Any, list[PythonFunction]]:
    """The statement for DuckDB, and the functions in Python that it calls."""
    rewriting = _Rewriting()
    for node in reversed([*tree.walk(bfs=True)]):  # inner ones first
        changed = rewriting.changed(node)
        if changed is not node:
            changed.type = node.type
            if node is tree:
                tree = changed
            else:
                node.replace(changed)
    for each in tree.find_all(_exp().DataType):
        if types.family_of(each) == types.TIMESTAMP or (types.family_of(each) == types.TEXT and each.expressions):
            each.set("expressions", None)
    return tree, list(rewriting.functions.values())


class _Rewriting:
    """One statement's."""

    def __init__(self) -> None:
        self.functions: dict[str, PythonFunction] = {}

    def changed(self, node: Any) -> Any:
        """A node as DuckDB answers it alike: itself, or another."""
        exp = _exp()
        if isinstance(node, exp.Anonymous):
            return self._call(node)
        if isinstance(node, (exp.Div, exp.Mod)):
            return self._division(node)
        if isinstance(node, (exp.Sum, exp.Avg, exp.Filter, exp.Window)):
            return self._aggregate(node)
        if isinstance(node, (exp.Cast, exp.TryCast)):
            return self._cast(node)
        return _in_sql(node)

    def _python(self, name: str, arguments: Sequence[Any], returns: Any, answer: Callable[..., Any]) -> Any:
        """A call of a function in Python. Arguments with an unknown type are of the first known one."""
        exp = _exp()
        parameters = [_duckdb(each.type) for each in arguments]
        typed = re.sub(r"\W+", "_", f"athena_{name}({','.join(parameters)}){_duckdb(returns)}").strip("_").lower()
        self.functions[typed] = PythonFunction(
            typed, parameters, _duckdb(returns), _with_arity(answer, len(parameters))
        )
        return exp.Anonymous(this=typed, expressions=[each.copy() for each in arguments])

    def _call(self, node: Any) -> Any:
        exp, name = _exp(), node.name.lower()
        if name in NATIVE:
            return _native(node, name)
        function = FUNCTIONS.get(name)
        if function is None:  # one that was written before
            return node
        given = node.expressions
        if name in ("round", "ceil", "ceiling", "floor") and types.family(given[0]) == types.FLOAT:
            return exp.Anonymous(this=name, expressions=[each.copy() for each in given])
        kinds = function.kinds(len(given)) or []
        arguments = [_converted(each, kind) for each, kind in zip(given, kinds, strict=True)]
        if name == "date_diff" and types.family(arguments[1]) != types.family(arguments[2]):
            arguments[1:] = [_as(each, "TIMESTAMP") for each in arguments[1:]]
        answer = function.answer if function.takes_null else _of_values(function.answer)
        return self._python(name, arguments, node.type, answer)

    def _division(self, node: Any) -> Any:
        exp = _exp()
        left, right = node.this, node.expression
        name = "remainder" if isinstance(node, exp.Mod) else "quotient"
        if types.family(node) == types.WHOLE:
            kind = _duckdb(node.type)
            answer = arithmetic.remainder if name == "remainder" else arithmetic.quotient
            return self._python(name, [_as(left, kind), _as(right, kind)], node.type, _of_values(answer))
        if types.family(node) == types.DECIMAL:
            scale = int(node.type.expressions[1].name)
            exact = arithmetic.decimal_remainder if name == "remainder" else arithmetic.decimal_quotient(scale)
            return self._python(name, [_as_decimal(left), _as_decimal(right)], node.type, _of_values(exact))
        if name == "remainder":
            doubles = [_as(left, "DOUBLE"), _as(right, "DOUBLE")]
            return self._python(name, doubles, node.type, _of_values(arithmetic.double_remainder))
        return node

    def _aggregate(self, node: Any) -> Any:
        """A sum as bigint, as in Trino, and an average of decimals; the outermost of `avg(…) FILTER (…) OVER (…)`."""
        exp = _exp()
        if isinstance(node.parent, (exp.Filter, exp.Window)) and node.arg_key == "this":
            return node
        inner = node
        while isinstance(inner, (exp.Filter, exp.Window)):
            inner = inner.this
        if isinstance(inner, exp.Sum) and types.family(inner) == types.WHOLE:
            return exp.cast(node.copy(), "BIGINT")  # DuckDB adds to a larger type, without an overflow
        if isinstance(inner, exp.Avg) and types.family(inner) == types.DECIMAL:
            scale = int(inner.type.expressions[1].name)
            total, count = (_with_aggregate(node, kind) for kind in (exp.Sum, exp.Count))
            total.type = exp.DataType.build(f"DECIMAL(38, {scale})")
            count.type = exp.DataType.build("DECIMAL(38, 0)")
            given = [total, _as(count, "DECIMAL(38, 0)")]
            average = arithmetic.decimal_quotient(scale)
            return self._python("average", given, inner.type, _of_values(average))
        return node

    def _cast(self, node: Any) -> Any:
        exp = _exp()
        if node.this.type is None:
            return node
        source, target = types.family(node.this), types.family_of(node.to)
        fails = not isinstance(node, exp.TryCast)
        returns, argument = node.to, node.this
        if source == types.FLOAT and target == types.WHOLE:
            convert: Callable[..., Any] = arithmetic.whole_of_double(node.to.this.name, fails=fails)
            return self._python("whole" if fails else "try_whole", [argument], returns, _of_values(convert))
        if target == types.TEXT and source == types.FLOAT:
            return self._python("text", [argument], returns, _of_values(arithmetic.text_of_double))
        if target == types.TEXT and source == types.DECIMAL:
            return self._python("text", [argument], returns, _of_values(arithmetic.text_of_decimal))
        if target == types.TEXT and source == types.TIMESTAMP:
            digits = types.second_digits(argument.type)
            return self._python(f"text_{digits}", [argument], returns, _of_values(dates.text_of_timestamp(digits)))
        if target == types.TEXT and source == types.TEXT and node.to.expressions:
            size = int(node.to.expressions[0].name)
            return self._python(f"varchar_{size}", [argument], returns, _of_values(strings.shortener(size)))
        return types.guarded_cast(node)


def _in_sql(node: Any) -> Any:
    """A node that other SQL answers alike."""
    exp = _exp()
    if isinstance(node, (exp.Add, exp.Sub, exp.Mul)):
        return _sum(node)
    if isinstance(node, (exp.Case, exp.If, exp.Coalesce, exp.Greatest, exp.Least)) and node.arg_key != "ifs":
        return exp.cast(node.copy(), _duckdb(node.type)) if types.family(node) == types.DECIMAL else node
    if isinstance(node, exp.CountIf):
        return exp.Count(this=exp.Case().when(node.this.copy(), exp.Literal.number(1)), big_int=True)
    if isinstance(node, exp.Fetch):
        return exp.Limit(expression=node.args["count"].copy())
    if isinstance(node, exp.Upper):
        return exp.func("replace", node.copy(), exp.Literal.string("ẞ"), exp.Literal.string("ß"))
    if isinstance(node, (exp.ArgMax, exp.ArgMin)):
        name = "arg_max_null" if isinstance(node, exp.ArgMax) else "arg_min_null"
        return exp.Anonymous(this=name, expressions=[node.this.copy(), node.expression.copy()])
    return node


def _native(node: Any, name: str) -> Any:
    exp = _exp()
    if name == "approx_distinct":
        return exp.Count(this=exp.Distinct(expressions=[node.expressions[0].copy()]), big_int=True)
    called = exp.Anonymous(this=NATIVE[name].name, expressions=[each.copy() for each in node.expressions])
    return exp.cast(called, "INT") if name == "grouping" else called


def _sum(node: Any) -> Any:
    """A sum, difference or product whose numbers have the type of the result. DuckDB fits literals to small types."""
    exp = _exp()
    family, kind = types.family(node), node.type
    if family == types.WHOLE:
        size = _duckdb(kind)
        left, right = _as(node.this, size), _as(node.expression, size)
        return type(node)(this=left.copy(), expression=right.copy())
    if family == types.DECIMAL and len(kind.expressions) == 2:
        left, right = _as_decimal(node.this), _as_decimal(node.expression)
        return exp.cast(type(node)(this=left.copy(), expression=right.copy()), _duckdb(kind))
    return node


def _with_aggregate(node: Any, kind: Any) -> Any:
    exp, copied = _exp(), node.copy()
    inner = copied
    while isinstance(inner, (exp.Filter, exp.Window)):
        inner = inner.this
    other = kind(this=inner.this.copy())
    if inner is copied:
        return other
    inner.replace(other)
    return copied


def _converted(node: Any, kind: str) -> Any:
    if node.key == "null":
        return _as(node, _OF_NULL.get(kind, "INTEGER"))
    return _as(node, {"whole": "BIGINT", "double": "DOUBLE"}[kind]) if kind in ("whole", "double") else node


def _as(node: Any, kind: str) -> Any:
    """An expression of a type of DuckDB."""
    exp = _exp()
    if node.type is not None and node.key != "null" and not node.is_number and _duckdb(node.type) == kind:
        return node
    cast = exp.cast(node.copy(), exp.DataType.build(kind, dialect="duckdb"), copy=False)
    cast.type = exp.DataType.build(kind, dialect="duckdb")
    return cast


def _as_decimal(node: Any) -> Any:
    precision = {"TINYINT": 3, "SMALLINT": 5, "INT": 10, "BIGINT": 19}.get(node.type.this.name if node.type else "")
    if node.key == "null":
        return _as(node, "DECIMAL(1, 0)")
    return _as(node, f"DECIMAL({precision}, 0)") if precision else node


def _of_values(answer: Callable[..., Any]) -> Callable[..., Any]:
    """A function whose result is NULL if an argument is NULL."""
    return lambda *values: None if any(each is None for each in values) else answer(*values)


def _with_arity(answer: Callable[..., Any], count: int) -> Callable[..., Any]:
    """A function whose signature has this number of parameters, which DuckDB asks for."""

    def call(*values: Any) -> Any:
        answered = answer(*values)
        if answered != answered:
            raise QueryFailed("A function whose answer is NaN is not emulated.")  # DuckDB would take it for NULL
        return answered

    kind = inspect.Parameter.POSITIONAL_ONLY
    vars(call)["__signature__"] = inspect.Signature([inspect.Parameter(f"value{each}", kind) for each in range(count)])
    return call


def _duckdb(kind: Any) -> str:
    """A type in DuckDB's words; timestamps and text have no size there."""
    if kind is None or kind.this.name in ("UNKNOWN", "NULL"):
        return "INT"
    if types.family_of(kind) == types.TIMESTAMP:
        return "TIMESTAMP"
    if types.family_of(kind) == types.TEXT:
        return "TEXT"
    return str(kind.sql(dialect="duckdb"))


def _exp() -> Any:
    from sqlglot import exp

    return exp
