"""Whether an event matches an alternative of a pattern where that takes a search: lists of objects, keys with dots.

Source: software.amazon.event.ruler 2.1.0, ACFinder and ArrayMembership.
"""

from collections.abc import Iterator
from itertools import count
from typing import Any

from blueprints.local.base.event_patterns.paths import Leaf, Node
from blueprints.local.base.event_patterns.reading import Several

_Membership = dict[int, int]
"""In which element (by its index) of which list (by its number) of the event a value was found."""

_Found = list[list[tuple[Any, _Membership]]]
"""For each path of the pattern: the values there, and where they were found."""


def matches(root: Node, leaves: list[Leaf], event: dict[str, Any]) -> bool:
    """Whether there are accepted values for all paths, of which those in the same list are in the same element."""
    found: _Found = [[] for _ in leaves]
    _collect(root, event, {}, found, count())
    return _Search(leaves, found).succeeds(0, {})


def _collect(node: Node, value: Any, membership: _Membership, found: _Found, lists: "count[int]") -> None:
    if isinstance(value, dict):
        for name, lower in (*node.below.items(), *node.joined.items()):
            if name in value:
                _collect(lower, value[name], membership, found, lists)
    elif isinstance(value, Several):
        for each in value:
            _collect(node, each, membership, found, lists)
    elif isinstance(value, list):
        number = next(lists)
        for index, item in enumerate(value):
            inside = {**membership, number: index} if isinstance(item, dict | list) else membership
            _collect(node, item, inside, found, lists)
    elif node.leaf is not None:
        found[node.leaf.number].append((value, membership))


class _Search:
    """Goes through the paths in their order, and remembers the states from which there is no match."""

    def __init__(self, leaves: list[Leaf], found: _Found) -> None:
        self._leaves = leaves
        self._found = [[membership for _, membership in values] for values in found]
        self._accepted = [
            _distinct(membership for value, membership in values if leaf.accepts(value))
            for leaf, values in zip(leaves, found, strict=True)
        ]
        self._failed: set[tuple[int, frozenset[tuple[int, int]]]] = set()
        # The lists that matter from each path on.
        self._lists: list[set[int]] = [set()]
        for memberships in reversed(self._found):
            self._lists.insert(0, self._lists[0].union(*memberships))

    def succeeds(self, number: int, chosen: _Membership) -> bool:
        """Whether there are values for the paths from `number` on, given the elements chosen so far."""
        if number == len(self._leaves):
            return True
        relevant = {each: index for each, index in chosen.items() if each in self._lists[number]}
        state = (number, frozenset(relevant.items()))
        if state in self._failed:
            return False
        if self._may_be_absent(number, relevant) and self.succeeds(number + 1, relevant):
            return True
        for membership in self._accepted[number]:
            if _consistent(relevant, membership) and self.succeeds(number + 1, {**relevant, **membership}):
                return True
        self._failed.add(state)
        return False

    def _may_be_absent(self, number: int, chosen: _Membership) -> bool:
        """Whether `exists: false` holds: no value is in the elements chosen by the paths before."""
        return self._leaves[number].absent and not any(_consistent(chosen, each) for each in self._found[number])


def _consistent(chosen: _Membership, membership: _Membership) -> bool:
    return all(chosen.get(number, index) == index for number, index in membership.items())


def _distinct(memberships: Iterator[_Membership]) -> list[_Membership]:
    return list({frozenset(each.items()): each for each in memberships}.values())
