"""Reads the JSON text of a pattern into its alternatives: each maps the path of a field to the list of its values.

`$or` makes one alternative of each of its branches. A path that occurs again replaces the list before.
Sources: software.amazon.event.ruler 2.1.0, JsonRuleCompiler; Amazon EventBridge User Guide, "Amazon EventBridge event
patterns" and "Comparison operators for use in event patterns".
"""

from contextlib import suppress
from math import prod
from typing import Any

from blueprints.local.base.event_patterns.operators import value_list
from blueprints.local.base.event_patterns.pattern_json import Members, read_pattern
from blueprints.local.base.event_patterns.refused import InvalidPattern
from blueprints.local.base.event_patterns.values import ValueList

Alternative = dict[str, ValueList]
"""The lists of values by the paths of their fields, such as `detail.state`."""

_MOST_ALTERNATIVES = 1000
_DEEPEST = 100
_FEWEST_BRANCHES = 2
_OR = "$or"
# Names that a branch of $or cannot have; also of operators that AWS reserves.
_RESERVED = frozenset(
    (
        *("exactly", "equals-ignore-case", "prefix", "suffix", "anything-but", "exists", "wildcard", "numeric", "cidr"),
        *("=", "<", "<=", ">", ">=", "regex", "not-wildcard", "not-equals-ignore-case"),
        *("date-after", "date-on-or-after", "date-before", "date-on-or-before", "in-date-range"),
        *("ip-address-in-range", "ip-address-not-in-range"),
    )
)


def alternatives(text: str) -> list[Alternative]:
    """Read a pattern. Raises InvalidPattern with AWS's reason."""
    pattern = read_pattern(text)
    if _combinations(pattern) > _MOST_ALTERNATIVES:
        raise InvalidPattern(f"Event pattern contains more than {_MOST_ALTERNATIVES} rule combinations")
    try:
        return _read(pattern, with_or=True)
    except InvalidPattern as problem:
        # An $or that is not the operator may be the name of a field.
        with suppress(InvalidPattern):
            return _read(pattern, with_or=False)
        raise problem from None


def _read(pattern: Members, *, with_or: bool) -> list[Alternative]:
    reader = _Reader(with_or=with_or)
    reader.read_object([], pattern, inside_or=False)
    return reader.alternatives


class _Reader:
    def __init__(self, *, with_or: bool) -> None:
        self.alternatives: list[Alternative] = []
        self._with_or = with_or

    def read_object(self, steps: list[str], members: Members, *, inside_or: bool) -> None:
        if len(steps) > _DEEPEST:
            raise InvalidPattern("Event pattern is nested too deeply")
        if not members:
            raise InvalidPattern("Empty objects are not allowed")
        for name, value in members:
            if name == _OR and self._with_or:
                self._read_branches(steps, value)
                continue
            if inside_or and name in _RESERVED:
                raise InvalidPattern(f"{name} is Ruler reserved fieldName which cannot be used inside $or.")
            if isinstance(value, Members):
                self.read_object([*steps, name], value, inside_or=inside_or)
            elif isinstance(value, list):
                self._add(_path(steps, name), value_list(value))
            else:
                raise InvalidPattern(f'"{name}" must be an object or an array')

    def _read_branches(self, steps: list[str], branches: Any) -> None:
        before, self.alternatives = self.alternatives, []
        if not isinstance(branches, list) or isinstance(branches, Members):
            raise InvalidPattern("It must be an Array followed with $or.")
        read: list[Alternative] = []
        for branch in branches:
            if not isinstance(branch, Members):
                raise InvalidPattern("Only JSON object is allowed in array of $or relationship.")
            self.alternatives = [dict(each) for each in before] or [{}]
            self.read_object(steps, branch, inside_or=True)
            read += self.alternatives
        if len(branches) < _FEWEST_BRANCHES:
            raise InvalidPattern("There must have at least 2 Objects in $or relationship.")
        self.alternatives = read

    def _add(self, path: str, values: ValueList) -> None:
        if not self.alternatives:
            self.alternatives.append({})
        for alternative in self.alternatives:
            alternative[path] = values


def _path(steps: list[str], name: str) -> str:
    above = ".".join(steps)
    return f"{above}.{name}" if above else name


def _combinations(node: Any) -> int:
    """AWS counts the product of the lengths of all lists of `$or`."""
    if not isinstance(node, Members):
        return 1
    return prod(
        max(len(value), 1) * prod(_combinations(branch) for branch in value)
        if name == _OR and isinstance(value, list) and not isinstance(value, Members)
        else _combinations(value)
        for name, value in node
    )
