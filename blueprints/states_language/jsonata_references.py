"""Finds references in JSONata that Step Functions has nothing for.

An expression has no input, so `name`, `*`, `$` and `$$` refer to nothing unless something before them gives a
context, as the path in `$orders.(price * count)` does. `$states` cannot be assigned to.
"""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

STATES = "states"


def unsupported(parsed: Any) -> list[str]:
    """Return what a parsed expression refers to at its top level, each name once."""
    return list(dict.fromkeys(_at_top_level(parsed)))


def assigns_states(parsed: Any) -> bool:
    """Whether the expression binds the reserved name `$states`."""
    return any(
        (_kind(node) == "VariableBinding" and node.name == STATES)
        or (_kind(node) == "Lambda" and STATES in node.params)
        for node in _nodes(parsed)
    )


def states_fields(parsed: Any) -> set[str]:
    """Return the fields of `$states` that the expression reads by name, such as `result`."""
    found = set()
    for node in _nodes(parsed):
        if _kind(node) == "PathExpr" and len(node.steps) > 1:
            first, second = node.steps[0], _source(node.steps[1])
            if _kind(first) == "VariableRef" and first.name == STATES and _kind(second) == "FieldRef":
                found.add(second.name)
    return found


def functions(parsed: Any) -> list[str]:
    """Return the functions that the expression calls by name, each once."""
    return list(dict.fromkeys(node.name for node in _nodes(parsed) if _kind(node) == "FunctionCall"))


def variables(parsed: Any) -> set[str]:
    """Return the names of variables that the expression reads and does not bind itself; `$states` is none."""
    read, bound = set(), {STATES}
    for node in _nodes(parsed):
        if _kind(node) == "VariableRef":
            read.add(node.name)
        elif _kind(node) == "VariableBinding":
            bound.add(node.name)
        elif _kind(node) == "Lambda":
            bound.update(node.params)
    return read - bound


def names(parsed: Any) -> set[str]:
    """Return the names after `$` in the expression, of variables and of functions."""
    return {
        node.name for node in _nodes(parsed) if _kind(node) in ("VariableRef", "FunctionCall", "PartialApplication")
    }


def later_operator(parsed: Any) -> str | None:
    """Return the first symbol of an operator that JSONata has only since 2.1, or None: Step Functions has 2.0.6."""
    for node in _nodes(parsed):
        if _kind(node) in _LATER_OPERATORS:
            return _LATER_OPERATORS[_kind(node)]
    return None


_LATER_OPERATORS = {"ElvisExpr": ":", "CoalesceExpr": "?"}


def _kind(node: Any) -> str:
    return type(node).__name__


def _source(step: Any) -> Any:
    while hasattr(step, "source"):
        step = step.source
    return step


def _children(node: Any) -> Iterator[Any]:
    for field in fields(node):
        value = getattr(node, field.name)
        for child in value if isinstance(value, list) else [value]:
            if is_dataclass(child):
                yield child


def _nodes(parsed: Any) -> Iterator[Any]:
    """Yield every part of the expression in its order. A long chain of operators is deep: no recursion."""
    waiting = [parsed]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += reversed(list(_children(node)))


_TOP_LEVEL = {"WildcardStep": "*", "DescendantStep": "**", "ContextRef": "$", "RootRef": "$$", "ParentStep": "%"}
_GIVE_CONTEXT = {"PredicateExpr", "ArraySubscript", "SortExpr", "GroupByExpr", "TransformExpr"}


def _at_top_level(parsed: Any) -> Iterator[str]:
    waiting = [parsed]
    while waiting:
        node = waiting.pop()
        kind = _kind(node)
        if kind == "FieldRef":
            yield node.name
        elif kind in _TOP_LEVEL:
            yield _TOP_LEVEL[kind]
        elif kind == "PathExpr":
            waiting.append(node.steps[0])
        elif kind in _GIVE_CONTEXT:
            waiting.append(node.source)
        elif kind != "TransformLambda":
            waiting += reversed(list(_children(node)))
