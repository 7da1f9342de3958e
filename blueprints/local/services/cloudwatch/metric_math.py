"""Metric math: expressions over the values of metrics, one value for each period.

Source: Amazon CloudWatch User Guide, "Using math expressions with CloudWatch metrics". Functions that are not below are
refused when the alarm is created.
"""

import ast
import itertools
import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Series = list[float | None]
"""Values by period, the oldest first; None where there is no data."""
Value = float | str | Series | tuple[Series, ...]

_ID = re.compile(r"[a-z][a-zA-Z0-9_]*")
_WORDS = ((re.compile(r"&&|\bAND\b"), " and "), (re.compile(r"\|\||\bOR\b"), " or "), (re.compile(r"\^"), "**"))

_OPERATORS: dict[type, Callable[[float, float], float | None]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: lambda left, right: left / right if right else None,
    ast.Pow: operator.pow,
    ast.Lt: lambda left, right: float(left < right),
    ast.LtE: lambda left, right: float(left <= right),
    ast.Gt: lambda left, right: float(left > right),
    ast.GtE: lambda left, right: float(left >= right),
    ast.Eq: lambda left, right: float(left == right),
    ast.NotEq: lambda left, right: float(left != right),
    ast.And: lambda left, right: float(bool(left) and bool(right)),
    ast.Or: lambda left, right: float(bool(left) or bool(right)),
}
_NODES = frozenset(
    (ast.BinOp, ast.Compare, ast.BoolOp, ast.UnaryOp, ast.List, ast.Constant, ast.Load, ast.USub, ast.UAdd, *_OPERATORS)
)
_FILLINGS = ("REPEAT", "LINEAR")
_AGGREGATES: dict[str, Callable[[Sequence[float]], float]] = {
    "SUM": math.fsum,
    "AVG": lambda values: math.fsum(values) / len(values),
    "MIN": min,
    "MAX": max,
}
_EACH: dict[str, Callable[[float], float]] = {
    "ABS": abs,
    "CEIL": lambda value: float(math.ceil(value)),
    "FLOOR": lambda value: float(math.floor(value)),
}


class InvalidExpression(ValueError):
    """An expression that CloudWatch refuses, or whose functions are not emulated."""


class Expression:
    """A metric math expression. Raises InvalidExpression when it is made."""

    def __init__(self, text: str) -> None:
        self.text = text
        prepared = text
        for pattern, word in _WORDS:
            prepared = pattern.sub(word, prepared)
        try:
            self._tree = ast.parse(prepared.strip(), mode="eval").body
        except (SyntaxError, ValueError):
            raise InvalidExpression(f"Error in expression: {text}") from None
        self.names = {node.id for node in ast.walk(self._tree) if isinstance(node, ast.Name) and _ID.fullmatch(node.id)}
        """The ids of metrics and expressions that it names."""
        self._check()

    def evaluate(self, metrics: Mapping[str, Series], others: Mapping[str, Series], seconds: int) -> Series:
        """The expression's value for each period of `seconds`.

        `metrics` are the values of metrics by id, which METRICS() means; `others` those of other expressions.
        """
        periods = max((len(each) for each in (*metrics.values(), *others.values())), default=0)
        value = _Evaluation(metrics, others, seconds, periods).of(self._tree)
        if isinstance(value, tuple):
            if len(value) != 1:
                raise InvalidExpression(f"{self.text} has more than one value for a period")
            return list(value[0])
        if isinstance(value, str):
            raise InvalidExpression(f"{self.text} is text")
        return _as_series(value, periods)

    def _check(self) -> None:
        """Refuse what is not emulated, at any depth."""
        for node in ast.walk(self._tree):
            if isinstance(node, ast.Call):
                name = node.func.id if isinstance(node.func, ast.Name) else ""
                if name not in _FUNCTIONS or node.keywords:
                    raise InvalidExpression(f"{name or self.text} is not emulated in expressions of alarms")
            elif isinstance(node, ast.Name):
                if not _ID.fullmatch(node.id) and node.id not in (*_FUNCTIONS, *_FILLINGS):
                    raise InvalidExpression(f"{node.id} is no id of a metric, which begins with a lower-case letter")
            elif type(node) not in _NODES or (isinstance(node, ast.Compare) and len(node.ops) > 1):
                raise InvalidExpression(f"Error in expression: {self.text}")


class _Evaluation:
    def __init__(self, metrics: Mapping[str, Series], others: Mapping[str, Series], seconds: int, periods: int) -> None:
        self.metrics, self.seconds, self.periods = metrics, seconds, periods
        self._named = {**others, **metrics}

    def of(self, node: ast.AST) -> Value:
        """The value of a part of the expression."""
        find: Callable[[Any], Value] = getattr(self, f"_{type(node).__name__.lower()}")
        return find(node)

    def _constant(self, node: ast.Constant) -> Value:
        return node.value if isinstance(node.value, str) else float(node.value)  # type: ignore[arg-type]

    def _name(self, node: ast.Name) -> Value:
        if node.id in _FILLINGS:
            return node.id
        if node.id not in self._named:
            raise InvalidExpression(f"There is no metric or expression {node.id}")
        return self._named[node.id]

    def _list(self, node: ast.List) -> Value:
        return tuple(self.series(each) for each in node.elts)

    def _unaryop(self, node: ast.UnaryOp) -> Value:
        value = self.of(node.operand)
        return value if isinstance(node.op, ast.UAdd) else _combine(operator.mul, -1.0, value, self.periods)

    def _binop(self, node: ast.BinOp) -> Value:
        return _combine(_OPERATORS[type(node.op)], self.of(node.left), self.of(node.right), self.periods)

    def _compare(self, node: ast.Compare) -> Value:
        pair = self.of(node.left), self.of(node.comparators[0])
        return _combine(_OPERATORS[type(node.ops[0])], *pair, self.periods)

    def _boolop(self, node: ast.BoolOp) -> Value:
        value = self.of(node.values[0])
        for each in node.values[1:]:
            value = _combine(_OPERATORS[type(node.op)], value, self.of(each), self.periods)
        return value

    def _call(self, node: ast.Call) -> Value:
        assert isinstance(node.func, ast.Name)
        result: Value = _FUNCTIONS[node.func.id](self, *node.args)
        return result

    def series(self, node: ast.AST) -> Series:
        value = self.of(node)
        if isinstance(value, tuple | str):
            raise InvalidExpression("A time series is needed here")
        return _as_series(value, self.periods)


def _as_series(value: float | Series, periods: int) -> Series:
    return list(value) if isinstance(value, list) else [value] * periods


def _combine(operate: Callable[[float, float], float | None], left: Value, right: Value, periods: int) -> Value:
    """Apply an operator to each period; without data on one side there is none in the result."""
    if isinstance(left, str) or isinstance(right, str):
        raise InvalidExpression("Text has no operators")
    if isinstance(left, tuple):
        return tuple(_joined(operate, each, right, periods) for each in left)
    if isinstance(right, tuple):
        return tuple(_joined(operate, left, each, periods) for each in right)
    if isinstance(left, float) and isinstance(right, float):
        result = operate(left, right)
        return math.nan if result is None else result
    return _joined(operate, left, right, periods)


def _joined(
    operate: Callable[[float, float], float | None], left: float | Series, right: Value, periods: int
) -> Series:
    if isinstance(right, tuple | str):
        raise InvalidExpression("An operator takes one array of time series")
    pairs = zip(_as_series(left, periods), _as_series(right, periods), strict=True)
    return [None if one is None or other is None else operate(one, other) for one, other in pairs]


def _metrics(run: _Evaluation, *args: ast.AST) -> Value:
    part = run.of(args[0]) if args else ""
    return tuple(series for name, series in run.metrics.items() if not part or str(part) in name)


def _aggregate(name: str) -> Callable[..., Value]:
    """Over an array: one value for each period; over a time series: one value for all of them."""
    reduce = _AGGREGATES[name]

    def aggregated(run: _Evaluation, *args: ast.AST) -> Value:
        value = run.of(args[0])
        if isinstance(value, tuple):
            rows = [[each for each in row if each is not None] for row in zip(*value, strict=True)]
            return [reduce(row) if row else None for row in rows]
        present = [each for each in run.series(args[0]) if each is not None]
        return reduce(present) if present else [None] * run.periods

    return aggregated


def _each(name: str) -> Callable[..., Value]:
    def mapped(run: _Evaluation, *args: ast.AST) -> Value:
        return [None if value is None else _EACH[name](value) for value in run.series(args[0])]

    return mapped


def _if(run: _Evaluation, condition: ast.AST, then: ast.AST, otherwise: ast.AST | None = None) -> Value:
    rest: Series = run.series(otherwise) if otherwise is not None else [None] * run.periods
    rows = zip(run.series(condition), run.series(then), rest, strict=True)
    return [(yes if holds else no) if holds is not None else None for holds, yes, no in rows]


def _fill(run: _Evaluation, series: ast.AST, filling: ast.AST) -> Value:
    values, how = run.series(series), run.of(filling)
    if how == "REPEAT":
        last: float | None = None
        return [last := each if each is not None else last for each in values]
    if how == "LINEAR":
        return _interpolated(values)
    replacements = run.series(filling)
    return [other if each is None else each for each, other in zip(values, replacements, strict=True)]


def _interpolated(values: Series) -> Series:
    known = [(place, each) for place, each in enumerate(values) if each is not None]
    result = list(values)
    for (first, low), (last, high) in itertools.pairwise(known):
        for place in range(first + 1, last):
            result[place] = low + (high - low) * (place - first) / (last - first)
    return result


def _differences(run: _Evaluation, node: ast.AST, per: float) -> Series:
    values = run.series(node)
    pairs = itertools.pairwise(values)
    return [None, *(None if one is None or two is None else (two - one) / per for one, two in pairs)][: run.periods]


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "METRICS": _metrics,
    "IF": _if,
    "FILL": _fill,
    "PERIOD": lambda run, *_: float(run.seconds),
    "DIFF": lambda run, node: _differences(run, node, 1.0),
    "RATE": lambda run, node: _differences(run, node, float(run.seconds)),
    "TIME_SERIES": lambda run, node: run.series(node),
    **{name: _aggregate(name) for name in _AGGREGATES},
    **{name: _each(name) for name in _EACH},
}
