"""The tree of values that an execution builds, and its conversion into a response, which propagates nulls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import graphql

from blueprints.local.services.appsync.requests import GraphqlError

Path = tuple[str | int, ...]


@dataclass(eq=False, slots=True)
class ObjectValue:
    """An object in a response while its fields are being resolved."""

    type_name: str
    fields: dict[str, Any] = field(default_factory=dict)
    """Values by response name: a leaf, an ObjectValue, a list of values, or None."""
    types: dict[str, Any] = field(default_factory=dict)
    """The fields' types by response name."""
    names: dict[str, str] = field(default_factory=dict)
    """The fields' own names by response name."""


class _NullInNonNull(Exception):
    """A non-null field has no value, so its parent becomes null."""


def text_of(path: Path) -> str:
    """A path as AppSync's messages give it, such as `/listNotes/items[0]/id`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f"/{part}" for part in path)


class Assembly:
    """Converts a tree of values into the response's data."""

    def __init__(self, errors: list[GraphqlError]) -> None:
        """Errors about nulls are added to `errors`, one for each path."""
        self._errors = errors
        self._reported = {each.path for each in errors if each.path is not None}

    def data(self, root: ObjectValue) -> dict[str, Any] | None:
        """The data of an operation; None if a null propagated to the root."""
        try:
            return self._object(root, ())
        except _NullInNonNull:
            return None

    def _object(self, value: ObjectValue, path: Path) -> dict[str, Any]:
        return {
            name: self._value(each, value.types[name], (*path, name), value.type_name)
            for name, each in value.fields.items()
        }

    def _value(self, value: Any, type_: Any, path: Path, parent: str) -> Any:
        if isinstance(type_, graphql.GraphQLNonNull):
            made = self._value(value, type_.of_type, path, parent)
            if made is None:
                self._report(type_.of_type, path, parent)
                raise _NullInNonNull
            return made
        try:
            if isinstance(value, ObjectValue):
                return self._object(value, path)
            if isinstance(value, list) and isinstance(type_, graphql.GraphQLList):
                return [self._value(each, type_.of_type, (*path, index), parent) for index, each in enumerate(value)]
        except _NullInNonNull:
            return None
        return value

    def _report(self, type_: Any, path: Path, parent: str) -> None:
        if path in self._reported or any(each[: len(path)] == path for each in self._reported):
            return
        self._reported.add(path)
        message = f"Cannot return null for non-nullable type: '{type_}' within parent '{parent}' ({text_of(path)})"
        self._errors.append(GraphqlError(message, path=path))


def selected(value: Any) -> Any:
    """The selected fields of a value, by field name instead of alias, with `__typename` in every object.

    Subscriptions read their fields from it. Nulls are not passed on to parents.
    """
    if isinstance(value, list):
        return [selected(each) for each in value]
    if not isinstance(value, ObjectValue):
        return value
    made: dict[str, Any] = {"__typename": value.type_name}
    for key, each in value.fields.items():
        name = value.names[key]
        found = selected(each)
        made[name] = _merged(made[name], found) if name in made else found
    return made


def _merged(first: Any, second: Any) -> Any:
    """Two selections of the same field, under different aliases, as one value."""
    if isinstance(first, Mapping) and isinstance(second, Mapping):
        return {**first, **{name: _merged(first.get(name), each) for name, each in second.items()}}
    if isinstance(first, list) and isinstance(second, list) and len(first) == len(second):
        return [_merged(one, other) for one, other in zip(first, second, strict=True)]
    return second if second is not None else first
