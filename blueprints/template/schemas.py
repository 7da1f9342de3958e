"""Finds property names that a resource type does not have, by the schemas that cfn-lint carries.

CloudFormation's schemas use $ref, allOf, anyOf, oneOf and if/then/else to say which properties an object may have.
A name counts as unknown only when no branch that the value could belong to knows it and none is open to any name.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from typing import Any

from blueprints import cfn_lint
from blueprints.template.reading import Place

Schema = dict[str, Any]

_BRANCHES = ("oneOf", "anyOf")
# Names that SAM accepts and that its published schema lacks.
_UNLISTED: dict[Place, set[str]] = {("DestinationConfig", "OnFailure"): {"Type"}}


@dataclass(frozen=True)
class UnknownName:
    """A property that the schema lacks: its place, and the names that the schema has."""

    place: Place
    name: str
    known: tuple[str, ...]
    patterns: tuple[str, ...] = ()
    """Patterns of the names that are allowed there."""

    @property
    def advice(self) -> str:
        """What to write instead."""
        if self.patterns and not self.known:
            return f"names there must match {' or '.join(self.patterns)}."
        return advice(self.name, self.known)


def advice(name: str, known: Sequence[str], otherwise: str | None = None) -> str:
    """`did you mean …?`; if no name is similar, `otherwise` or the list of known names."""
    exact = [candidate for candidate in known if candidate.lower() == name.lower()]
    close = exact or get_close_matches(name, known, n=1, cutoff=0.6)
    if not close:
        close = [candidate for candidate in known if name and name.lower() in candidate.lower()][:1]
    if close:
        return f"did you mean {close[0]}?"
    return otherwise or (f"it has {', '.join(sorted(known))}." if known else "it has none.")


def schema_of(resource_type: str) -> Schema | None:
    """The schema of a resource type; None if there is no such type."""
    return cfn_lint.resource_schema(resource_type)


def resource_types() -> tuple[str, ...]:
    """Every resource type there is a schema of."""
    return cfn_lint.resource_types()


@cache
def event_properties(resource_type: str, event_type: str) -> frozenset[str]:
    """The properties that SAM's translator takes for an event source of a function or state machine."""
    from samtranslator.model.eventsources import cloudwatchlogs, pull, push, scheduler
    from samtranslator.model.stepfunctions import events

    modules = [events] if resource_type == "AWS::Serverless::StateMachine" else [cloudwatchlogs, pull, push, scheduler]
    classes: list[Any] = [each for module in modules for each in vars(module).values() if isinstance(each, type)]
    taken = (each.property_types for each in classes if getattr(each, "resource_type", None) == event_type)
    return frozenset(name for names in taken for name in names)


def unknown_names(properties: object, resource_type: str) -> Iterator[UnknownName]:
    """Every property name in `properties`, at any depth, that the type does not have."""
    root = schema_of(resource_type)
    if root is not None:
        yield from _check(properties, [root], root, ())


def _check(value: object, schemas: list[Schema], root: Schema, place: Place) -> Iterator[UnknownName]:
    if isinstance(value, dict):
        branches = _conditional(value)
        if branches is None:
            yield from _check_object(value, schemas, root, place)
        for index, branch in branches or ():
            yield from _check(branch, schemas, root, (*place, "Fn::If", index))
    elif isinstance(value, list):
        flat = _flatten(value, schemas, root)
        for index, item in enumerate(value):
            inner = [found for schema in flat for found in _items(schema, index)]
            if inner or isinstance(item, dict):
                # `Fn::If` in a list may return an item or a list: both are tried.
                yield from _check(item, inner, root, (*place, index)) if inner else ()


def _check_object(value: dict[str, Any], schemas: list[Schema], root: Schema, place: Place) -> Iterator[UnknownName]:
    flat = _flatten(value, schemas, root)
    known = {name for schema in flat for name in schema.get("properties", {})}
    free = _is_open(flat)
    for name, child in value.items():
        if name.startswith("Fn::"):
            continue
        inner = [found for schema in flat for found in _schemas_of_property(schema, name)]
        if inner:
            yield from _check(child, inner, root, (*place, name))
        elif not free and name not in known and name not in _UNLISTED.get(place[-2:], ()):
            patterns = dict.fromkeys(pattern for schema in flat for pattern in schema.get("patternProperties", {}))
            yield UnknownName((*place, name), name, tuple(sorted(known)), tuple(patterns))


def _conditional(value: dict[str, Any]) -> list[tuple[int, object]] | None:
    """The branches of Fn::If; nothing for other functions, whose result cannot be known; None for a plain object."""
    if len(value) != 1:
        return None
    name, argument = next(iter(value.items()))
    if name == "Fn::If" and isinstance(argument, list) and len(argument) == 3:
        return [(1, argument[1]), (2, argument[2])]
    return [] if name == "Ref" or name.startswith("Fn::") else None


def _flatten(value: object, schemas: list[Schema], root: Schema) -> list[Schema]:
    """The schemas and their subschemas that may apply to a value of this type."""
    found: list[Schema] = []
    waiting = list(schemas)
    seen: set[int] = set()
    while waiting:
        schema = waiting.pop()
        if id(schema) in seen:
            continue
        seen.add(id(schema))
        if not _may_be(value, schema):
            continue
        found.append(schema)
        if "$ref" in schema:
            waiting += _resolve(schema["$ref"], root)
        waiting += schema.get("allOf", [])
        waiting += [schema[name] for name in ("then", "else") if isinstance(schema.get(name), dict)]
        for name in _BRANCHES:
            branches = schema.get(name, [])
            fitting = [branch for branch in branches if _fits(value, branch, root)]
            waiting += fitting or branches
    return found


def _may_be(value: object, schema: Schema) -> bool:
    """Whether the schema's type allows an object, or a list, as the value is."""
    types = schema.get("type")
    if types is None:
        return True
    types = types if isinstance(types, list) else [types]
    return ("object" if isinstance(value, dict) else "array") in types


def _fits(value: object, branch: Schema, root: Schema) -> bool:
    """False where a literal in the value contradicts the branch, as an event's Type does other events' branches."""
    if not isinstance(value, dict):
        return True
    for schema in _flatten(value, [branch], root):
        for name, inner in schema.get("properties", {}).items():
            written = value.get(name)
            allowed = inner.get("enum") or ([inner["const"]] if "const" in inner else None)
            if isinstance(written, str) and allowed and written not in allowed:
                return False
    return True


def _resolve(reference: str, root: Schema) -> list[Schema]:
    """What `#/definitions/Name` points at; schemas of other documents are not followed."""
    if not reference.startswith("#/"):
        return []
    target: Any = root
    for part in reference[2:].split("/"):
        step = part.replace("~1", "/").replace("~0", "~")
        if not isinstance(target, dict) or step not in target:
            return []
        target = target[step]
    return [target] if isinstance(target, dict) else []


def _matches(pattern: str, name: str) -> bool:
    try:
        return re.search(pattern, name) is not None
    except re.error:
        return True  # ECMA classes such as \p{L}, which Python does not know: any name may match


def _schemas_of_property(schema: Schema, name: str) -> list[Schema]:
    if name in schema.get("properties", {}):
        return [schema["properties"][name]]
    found = [inner for pattern, inner in schema.get("patternProperties", {}).items() if _matches(pattern, name)]
    extra = schema.get("additionalProperties")
    if not found and isinstance(extra, dict):
        found = [extra]
    return [inner for inner in found if isinstance(inner, dict)]


def _items(schema: Schema, index: int) -> list[Schema]:
    prefix = schema.get("prefixItems", [])
    items = prefix[index] if index < len(prefix) else schema.get("items")
    return [items] if isinstance(items, dict) else []


def _is_open(flat: list[Schema]) -> bool:
    """Whether an object of these schemas may have properties of any name."""
    closed = any(schema.get("additionalProperties") is False for schema in flat)
    if any(schema.get("additionalProperties") is True for schema in flat):
        return True
    for schema in flat:
        names = "properties" in schema or "patternProperties" in schema
        parts = any(key in schema for key in ("$ref", "allOf", "then", "else", *_BRANCHES))
        if "additionalProperties" in schema or parts:
            continue
        if "type" in schema and not names:
            return True  # a free-form object
        if names and not closed:
            return True
    return not any("properties" in schema or "patternProperties" in schema for schema in flat)
