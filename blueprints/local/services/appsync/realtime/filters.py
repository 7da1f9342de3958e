"""The filters of subscriptions: which events a subscription gets, and which invalidations end it.

A subscription without a filter of its resolver gets the events whose fields equal its arguments. A resolver's
`extensions.setSubscriptionFilter` takes the place of that comparison.

Source: AWS AppSync Developer Guide, "Extensions" (`filterJsonObject`) and "Defining enhanced subscriptions filters".
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

_MOST_FILTERS = 10
_MOST_FIELDS = 5
_MOST_LEVELS = 5
_LONGEST_STRING = 256
_MOST_VALUES = {"in": 5, "notIn": 5, "containsAny": 20}

Value = str | int | float | bool
Comparison = Callable[[Any, Any], bool]


class InvalidFilter(ValueError):
    """A filter that AppSync does not accept; the text says what is wrong with it."""


@dataclass(frozen=True)
class Condition:
    """One comparison of a field of an event with a value."""

    path: tuple[str, ...]
    operator: str
    value: Any

    def accepts(self, event: Mapping[str, Any]) -> bool:
        """Whether the event's field fulfils the condition; values of different types never do, except as unequal."""
        found: Any = event
        for name in self.path:
            found = found.get(name) if isinstance(found, Mapping) else None
        return _OPERATORS[self.operator](found, self.value)


@dataclass(frozen=True)
class Filter:
    """Alternatives; each is a group of conditions that all have to be fulfilled."""

    alternatives: tuple[tuple[Condition, ...], ...]

    def accepts(self, event: Mapping[str, Any]) -> bool:
        """Whether an event or the payload of an invalidation passes."""
        return any(all(each.accepts(event) for each in group) for group in self.alternatives)


def parse(filter_object: Any) -> Filter:
    """The filter that a resolver has set. Raises InvalidFilter."""
    groups = filter_object.get("filterGroup") if isinstance(filter_object, Mapping) else None
    if not isinstance(groups, list) or not groups:
        raise InvalidFilter("A filter needs a `filterGroup`: a list with at least one entry.")
    if len(groups) > _MOST_FILTERS:
        raise InvalidFilter(f"A filterGroup has at most {_MOST_FILTERS} filters, not {len(groups)}.")
    return Filter(tuple(_group(each) for each in groups))


def by_arguments(arguments: Mapping[str, Any]) -> Filter:
    """The filter of a subscription without a resolver's: each argument equals the field of its name.

    An argument that was left out is not compared. One that is null accepts only events whose field is null.
    """
    return Filter((tuple(Condition((name,), "equals", value) for name, value in arguments.items()),))


def _group(group: Any) -> tuple[Condition, ...]:
    filters = group.get("filters") if isinstance(group, Mapping) else None
    if not isinstance(filters, list) or not filters:
        raise InvalidFilter("Every entry of a filterGroup needs `filters`: a list with at least one filter.")
    conditions = tuple(_condition(each) for each in filters)
    if len({each.path for each in conditions}) > _MOST_FIELDS:
        raise InvalidFilter(f"A filter names at most {_MOST_FIELDS} different fields.")
    return conditions


def _condition(each: Any) -> Condition:
    if not isinstance(each, Mapping):
        raise InvalidFilter("A filter is an object with `fieldName`, `operator` and `value`.")
    name, operator, value = each.get("fieldName"), each.get("operator"), each.get("value")
    if not isinstance(name, str) or not name:
        raise InvalidFilter("A filter needs a `fieldName`.")
    path = tuple(name.split("."))
    if len(path) > _MOST_LEVELS or len(name) > _LONGEST_STRING:
        raise InvalidFilter(f"The fieldName `{name[:60]}` has more than {_MOST_LEVELS} levels or is too long.")
    if operator not in _VALUES:
        raise InvalidFilter(f"`{operator}` is no operator of a filter. There are: {', '.join(_VALUES)}.")
    _VALUES[operator](operator, value)
    return Condition(path, operator, value)


def _check_comparable(operator: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise InvalidFilter(f"The value of `{operator}` is a number or a string.")
    _check_length(value)


def _check_scalar(operator: str, value: Any) -> None:
    if not isinstance(value, str | int | float):
        raise InvalidFilter(f"The value of `{operator}` is a number, a string or a Boolean.")
    _check_length(value)


def _check_string(operator: str, value: Any) -> None:
    if not isinstance(value, str):
        raise InvalidFilter(f"The value of `{operator}` is a string.")
    _check_length(value)


def _check_list(operator: str, value: Any) -> None:
    if not isinstance(value, list) or not value:
        raise InvalidFilter(f"The value of `{operator}` is a list of numbers or strings.")
    if len(value) > _MOST_VALUES[operator]:
        raise InvalidFilter(f"`{operator}` takes at most {_MOST_VALUES[operator]} values, not {len(value)}.")
    for each in value:
        _check_comparable(operator, each)


def _check_pair(operator: str, value: Any) -> None:
    if not isinstance(value, list) or len(value) != 2:
        raise InvalidFilter(f"The value of `{operator}` is a pair of numbers or strings.")
    for each in value:
        _check_comparable(operator, each)
    if not _same_type(*value):
        raise InvalidFilter(f"The values of `{operator}` are both numbers or both strings.")


def _check_length(value: Value) -> None:
    if isinstance(value, str) and len(value) > _LONGEST_STRING:
        raise InvalidFilter(f"A string in a filter has at most {_LONGEST_STRING} characters.")


_VALUES: dict[str, Callable[[str, Any], None]] = {
    "eq": _check_scalar,
    "ne": _check_scalar,
    "le": _check_comparable,
    "lt": _check_comparable,
    "ge": _check_comparable,
    "gt": _check_comparable,
    "contains": _check_comparable,
    "notContains": _check_comparable,
    "beginsWith": _check_string,
    "in": _check_list,
    "notIn": _check_list,
    "between": _check_pair,
    "containsAny": _check_list,
}
"""The operators, and the values that each takes."""


def _same_type(one: Any, other: Any) -> bool:
    """Whether two values can be compared: strings, numbers of either kind, or Booleans."""
    if isinstance(one, bool) or isinstance(other, bool):
        return isinstance(one, bool) and isinstance(other, bool)
    return (isinstance(one, str) and isinstance(other, str)) or (
        isinstance(one, int | float) and isinstance(other, int | float)
    )


def _equal(found: Any, value: Any) -> bool:
    return _same_type(found, value) and bool(found == value)


def _equal_argument(found: Any, value: Any) -> bool:
    """Equality of an argument and a field of any type, without Python's `1 == True`."""
    return isinstance(found, bool) == isinstance(value, bool) and bool(found == value)


def _contained(found: Any, value: Any) -> bool:
    if isinstance(found, str):
        return isinstance(value, str) and value in found
    return any(_equal(each, value) for each in _several(found))


def _several(found: Any) -> list[Any]:
    return found if isinstance(found, list) else [found]


_OPERATORS: dict[str, Comparison] = {
    "equals": _equal_argument,
    "eq": _equal,
    "ne": lambda found, value: not _equal(found, value),
    "le": lambda found, value: _same_type(found, value) and bool(found <= value),
    "lt": lambda found, value: _same_type(found, value) and bool(found < value),
    "ge": lambda found, value: _same_type(found, value) and bool(found >= value),
    "gt": lambda found, value: _same_type(found, value) and bool(found > value),
    "contains": _contained,
    "notContains": lambda found, value: not _contained(found, value),
    "beginsWith": lambda found, value: isinstance(found, str) and found.startswith(value),
    "in": lambda found, value: any(_equal(found, each) for each in value),
    "notIn": lambda found, value: not any(_equal(found, each) for each in value),
    "between": lambda found, value: _same_type(found, value[0]) and bool(value[0] <= found <= value[1]),
    "containsAny": lambda found, value: any(_equal(each, one) for each in _several(found) for one in value),
}
"""What each operator compares, and `equals` for arguments; a field that is missing is null."""
