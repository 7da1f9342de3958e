"""Tests an event against the paths of a pattern in one walk, without a search; this is what most events need."""

from collections.abc import Callable
from typing import Any

from blueprints.local.base.event_patterns.paths import Leaf, Node
from blueprints.local.base.event_patterns.reading import Several

Walk = Callable[[Any], object]
"""True or false; None if the walk cannot tell."""

_ABSENT = object()
_CONTAINERS = frozenset((dict, list, Several))


def walk(node: Node) -> Walk:
    """The test of an object against the paths below a node."""
    joined = tuple(node.joined)
    fields = tuple((name, _field(lower)) for name, lower in node.below.items())

    def test(found: dict[str, Any]) -> object:
        for name in joined:
            if name in found:
                return None
        for name, field in fields:
            answer = field(found.get(name, _ABSENT))
            if not answer:
                return answer
        return True

    return test


def _field(node: Node) -> Walk:
    if node.leaf is None:
        return _object(node)
    if not node.below:
        return _value(node.leaf)
    of_value, of_object = _value(node.leaf), _object(node)

    def test(value: Any) -> object:
        answer = of_value(value)
        return of_object(value) if answer else answer

    return test


def _value(leaf: Leaf) -> Walk:
    accepts, absent = leaf.accepts, leaf.absent

    def test(value: Any) -> object:
        kind = type(value)
        if kind is str:
            return accepts(value)
        if value is _ABSENT or kind is dict:
            return absent
        if kind is list:
            return _any_value(accepts, value) if value else absent
        return None if kind is Several else accepts(value)

    return test


def _any_value(accepts: Callable[[Any], object], values: list[Any]) -> object:
    if any(type(value) in _CONTAINERS for value in values):
        return None
    return any(map(accepts, values))


def _object(node: Node) -> Walk:
    test_object, may_be_absent, any_absent = (
        walk(node),
        all(n.may_be_absent for n in node.below.values()),
        node.any_absent,
    )

    def test(value: Any) -> object:
        kind = type(value)
        if kind is dict:
            return test_object(value)
        if kind is list and value:
            return None if any_absent else _any_object(test_object, value)
        return None if kind is Several else may_be_absent

    return test


def _any_object(test: Walk, items: list[Any]) -> object:
    """Whether one element has all values; without paths that may be absent, elements are independent."""
    for item in items:
        kind = type(item)
        if kind is dict:
            answer = test(item)
            if answer or answer is None:
                return answer
        elif kind is list or kind is Several:
            return None
    return False
