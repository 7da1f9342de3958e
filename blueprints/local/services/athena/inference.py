"""The types of expressions, as Trino infers them. DuckDB and sqlglot infer others, above all for decimals.

Source: Trino documentation, "Decimal functions and operators", and the answers of Trino in tests/local/athena.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from sqlglot import exp
from sqlglot.dialects.trino import Trino
from sqlglot.optimizer.annotate_types import TypeAnnotator

from blueprints.local.services.athena import types
from blueprints.local.services.athena.functions import FUNCTIONS, NATIVE

MOST_DIGITS = 38
_WHOLE_DIGITS = {"TINYINT": 3, "SMALLINT": 5, "INT": 10, "BIGINT": 19}
_BY_SIZE = ("TINYINT", "SMALLINT", "INT", "BIGINT")
_LARGEST_INTEGER = 2**31 - 1


def annotated(tree: Any, schema: dict[str, Any]) -> Any:
    """The statement, with `type` set at every expression whose type is known."""
    from sqlglot.schema import ensure_schema

    return _TrinoTypes(ensure_schema(schema, dialect="trino"), expression_metadata=_METADATA).annotate(tree)


def digits(kind: Any) -> tuple[int, int]:
    """Precision and scale of a decimal, or of a whole number as a decimal."""
    if types.family_of(kind) == types.WHOLE:
        return _WHOLE_DIGITS[kind.this.name], 0
    precision, scale = (int(each.name) for each in kind.expressions)
    return precision, scale


def decimal(precision: int, scale: int) -> Any:
    """A decimal type of at most 38 digits."""
    return _type(f"DECIMAL({min(MOST_DIGITS, precision)}, {scale})")


def common(left: Any, right: Any) -> Any:
    """The type to which both convert, as for the branches of a CASE; unknown if there is none."""
    left, right = _type(left), _type(right)
    if "UNKNOWN" in (left.this.name, right.this.name):
        return _type("UNKNOWN")
    if left.this.name == "NULL" or left == right:
        return right
    if right.this.name == "NULL":
        return left
    families = {types.family_of(left), types.family_of(right)}
    if families == {types.WHOLE}:
        return max(left, right, key=lambda each: _BY_SIZE.index(each.this.name))
    if families <= {types.WHOLE, types.DECIMAL} and _have_digits(left, right):
        (p1, s1), (p2, s2) = digits(left), digits(right)
        return decimal(max(p1 - s1, p2 - s2) + max(s1, s2), max(s1, s2))
    if families <= set(types.NUMBERS):
        doubles = "DOUBLE" in (left.this.name, right.this.name)
        return _type("DOUBLE" if doubles else "FLOAT")
    if families <= {types.DATE, types.TIMESTAMP}:
        return max(left, right, key=_second_digits)
    return _type("VARCHAR" if families == {types.TEXT} else "UNKNOWN")


def arithmetic(operator: str, left: Any, right: Any) -> Any:
    """The type of a sum, difference, product, quotient ("Div") or remainder ("Mod")."""
    shared = common(left, right)
    if types.family_of(shared) != types.DECIMAL or not _have_digits(left, right):
        return shared
    (p1, s1), (p2, s2) = digits(left), digits(right)
    if operator == "Mul":
        return decimal(p1 + p2, s1 + s2)
    if operator == "Div":
        return decimal(p1 + s2 + max(0, s2 - s1), max(s1, s2))
    if operator == "Mod":
        return decimal(min(p1 - s1, p2 - s2) + max(s1, s2), max(s1, s2))
    return decimal(max(p1 - s1, p2 - s2) + max(s1, s2) + 1, max(s1, s2))


def _type(found: Any) -> Any:
    """A type, of its name in Trino or as it is."""
    return found if isinstance(found, exp.DataType) else _named(found.name if isinstance(found, exp.DType) else found)


@lru_cache
def _named(name: str) -> Any:
    return exp.DataType.build(name, dialect="trino")


def _have_digits(*kinds: Any) -> bool:
    return all(types.family_of(each) == types.WHOLE or len(each.expressions) == 2 for each in kinds)


def _second_digits(kind: Any) -> int:
    if types.family_of(kind) == types.DATE:
        return -1
    return int(kind.expressions[0].name) if kind.expressions else 3


class _TrinoTypes(TypeAnnotator):
    """sqlglot's annotator with Trino's rules."""

    def _maybe_coerce(self, type1: Any, type2: Any) -> Any:
        return common(type1, type2)


def _literal(node: Any) -> Any:
    if node.is_string:
        kind = "VARCHAR"
    elif "e" in node.name.lower():
        kind = "DOUBLE"
    elif "." in node.name:
        whole, _, fraction = node.name.partition(".")
        return decimal(max(len(whole.lstrip("0")) + len(fraction), 1), len(fraction))
    else:
        kind = "INT" if int(node.name) <= _LARGEST_INTEGER else "BIGINT"
    return _type(kind)


def _binary(node: Any) -> Any:
    left, right = node.this.type, node.expression.type
    return arithmetic(type(node).__name__, left, right) if left is not None and right is not None else None


def _sum(node: Any) -> Any:
    kind, family = node.this.type, types.family(node.this)
    if family == types.WHOLE:
        return _type("BIGINT")
    return decimal(MOST_DIGITS, digits(kind)[1]) if family == types.DECIMAL and kind.expressions else kind


def _avg(node: Any) -> Any:
    return _type("DOUBLE") if types.family(node.this) == types.WHOLE else node.this.type


def _of_all(branches: Sequence[Any]) -> Any:
    kind = _type("NULL")
    for each in branches:
        if each is not None:
            kind = common(kind, each.type if each.type is not None else "UNKNOWN")
    return kind


def _case(node: Any) -> Any:
    return _of_all([*(each.args["true"] for each in node.args["ifs"]), node.args.get("default")])


def _if(node: Any) -> Any:
    return _of_all([node.args.get("true"), node.args.get("false")])


def _alternatives(node: Any) -> Any:
    return _of_all([node.this, *node.expressions])


def _call(node: Any) -> Any:
    """A function by its name; `functions` says what it returns."""
    name = node.name.lower()
    function = FUNCTIONS.get(name) or NATIVE.get(name)
    kinds = [each.this.type if each.key == "order" else each.type for each in node.expressions]
    returned = function.returned(kinds) if function else None
    return _type(returned) if returned else None


def _cast(node: Any) -> Any:
    """A CAST to timestamp is one to timestamp(3)."""
    plain = node.to.this.name == "TIMESTAMP" and not node.to.expressions
    return exp.DataType.build("TIMESTAMP(3)", dialect="trino") if plain else node.to


def _bigint(node: Any) -> Any:  # noqa: ARG001 - whatever is counted
    return _type("BIGINT")


def _of_first(node: Any) -> Any:
    return node.this.type


_RULES: dict[Any, Callable[[Any], Any]] = {
    exp.Literal: _literal,
    **dict.fromkeys((exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod), _binary),
    exp.Sum: _sum,
    exp.Avg: _avg,
    **dict.fromkeys((exp.Cast, exp.TryCast), _cast),
    exp.Case: _case,
    exp.If: _if,
    **dict.fromkeys((exp.Coalesce, exp.Greatest, exp.Least), _alternatives),
    **dict.fromkeys((exp.Nullif, exp.Lag, exp.Lead, exp.ArgMax, exp.ArgMin), _of_first),
    **dict.fromkeys((exp.Count, exp.CountIf, exp.Length), _bigint),
    exp.Anonymous: _call,
}
"""By the node: what its type is, once those of its parts are known."""


def _annotator(rule: Callable[[Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda annotator, node: annotator._set_type(node, rule(node))  # noqa: SLF001 - as sqlglot's own rules do


_METADATA: Any = {
    **Trino.EXPRESSION_METADATA,
    **{node: {"annotator": _annotator(rule)} for node, rule in _RULES.items()},
}
