"""Compiles a JSON Schema to a msgspec type once, at start, so that decoding a document also validates it.

Supported keywords: type (also a list of types), properties, required, additionalProperties (true, false, or a schema
where no properties are listed), items, enum and const of strings and whole numbers, minimum, maximum, exclusiveMinimum,
exclusiveMaximum, minLength, maxLength, pattern, minItems, maxItems. Any other keyword that restricts a document raises
UnsupportedSchema at start, because a schema that is not enforced is worse than none.

One difference from the specification: `integer` means written as an integer, so 1.0 is not one.
"""

import re
from collections.abc import Callable
from types import UnionType
from typing import Annotated, Any, Literal, Union

from blueprints_shared.requirement import requirement

with requirement("msgspec"):
    import msgspec

__all__ = ["UnsupportedSchema", "schema_type"]

_DESCRIBING = {
    "$schema", "$id", "$comment", "title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly",
    "format", "contentEncoding", "contentMediaType",
}  # fmt: skip
_NUMBERS = {"minimum": "ge", "maximum": "le", "exclusiveMinimum": "gt", "exclusiveMaximum": "lt"}
_STRINGS = {"minLength": "min_length", "maxLength": "max_length", "pattern": "pattern"}
_ARRAYS = {"minItems": "min_length", "maxItems": "max_length"}
_OBJECTS = {"properties", "required", "additionalProperties"}
_ANY_TYPE = {"type", "enum", "const"}
_VALUES: dict[str, tuple[type | UnionType, str]] = {
    **dict.fromkeys(_NUMBERS, (int | float, "a number")),
    **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems"), (int, "a whole number")),
    "pattern": (str, "a string"),
    "properties": (dict, "an object"),
    "required": (list, "a list of strings"),
    "additionalProperties": (bool | dict, "true, false or a schema"),
    "enum": (list, "a list"),
    "type": (str | list, "a string or a list of strings"),
}
_KEYWORDS = {*_DESCRIBING, *_NUMBERS, *_STRINGS, *_ARRAYS, *_OBJECTS, *_ANY_TYPE, "items"}


class UnsupportedSchema(ValueError):
    """The schema has a keyword that cannot be enforced; the message names it and its place."""


def schema_type(schema: Any, place: str = "#") -> Any:
    """Return the type whose decoding enforces `schema`, which must describe an object. Raises UnsupportedSchema.

    `place` is a JSON pointer to the schema, for messages.
    """
    if not isinstance(schema, dict) or schema.get("type") != "object":
        raise UnsupportedSchema(f'{place}: the document is an object, so write "type": "object"')
    return _type(schema, place)


def _type(schema: Any, place: str) -> Any:
    """Return the type for a schema. What msgspec cannot enforce, such as limits beyond 64 bits, raises as well."""
    if schema is True:
        return msgspec.Raw
    if not isinstance(schema, dict):
        raise UnsupportedSchema(f"{place}: {schema!r} is not a schema")
    unknown = sorted(set(schema) - _KEYWORDS)
    if unknown:
        raise UnsupportedSchema(f"{place}: {', '.join(unknown)} cannot be enforced")
    _check_values(schema, place)
    try:
        kind = _supported_type(schema, place)
        msgspec.json.Decoder(kind)
    except UnsupportedSchema:
        raise
    except (TypeError, ValueError, NotImplementedError) as error:
        raise UnsupportedSchema(f"{place}: {error}") from None
    return kind


def _check_values(schema: dict[str, Any], place: str) -> None:
    """Check that the value of each keyword is of the kind that the specification asks for."""
    for keyword, (kind, described) in _VALUES.items():
        value = schema.get(keyword)
        is_wrong = not isinstance(value, kind) or (isinstance(value, bool) and keyword != "additionalProperties")
        if keyword in ("required", "type") and isinstance(value, list):
            is_wrong = not all(isinstance(each, str) for each in value)
        if keyword in schema and is_wrong:
            raise UnsupportedSchema(f"{place}: {keyword} is {value!r:.80}, not {described}")


def _supported_type(schema: dict[str, Any], place: str) -> Any:
    if "enum" in schema or "const" in schema:
        return _one_of(schema, place)
    if "type" not in schema:
        if set(schema) - _DESCRIBING:
            raise UnsupportedSchema(
                f"{place}: write the type that {', '.join(sorted(set(schema) - _DESCRIBING))} is for"
            )
        return msgspec.Raw
    names = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    unknown = [name for name in names if name not in _TYPES]
    if unknown or not names:
        raise UnsupportedSchema(f"{place}: type {schema['type']!r} is not one of {', '.join(_TYPES)}")
    return Union[tuple(_TYPES[name](schema, place) for name in names)]  # noqa: UP007 - made of a list


def _one_of(schema: dict[str, Any], place: str) -> Any:
    values = schema.get("enum", [schema.get("const")])
    other = set(schema) - _DESCRIBING - {"type", "enum", "const"}
    if other or ("enum" in schema and "const" in schema):
        raise UnsupportedSchema(f"{place}: only type can be enforced together with enum or const")
    if not values or any(isinstance(each, bool) or not isinstance(each, str | int | None) for each in values):
        raise UnsupportedSchema(f"{place}: enum and const take strings, whole numbers and null")
    names = schema.get("type", list(_TYPE_OF.values()))
    for each in values:
        if _TYPE_OF[type(each)] not in names and not (type(each) is int and "number" in names):
            raise UnsupportedSchema(f"{place}: {each!r} is not of the type {schema['type']!r}")
    return Literal[tuple(values)]


def _object(schema: dict[str, Any], place: str) -> Any:
    properties, required = schema.get("properties", {}), schema.get("required", [])
    others = schema.get("additionalProperties", True)
    if isinstance(others, dict):
        if properties or required:
            raise UnsupportedSchema(f"{place}: additionalProperties is true or false where properties are listed")
        return dict[str, _type(others, f"{place}/additionalProperties")]  # type: ignore[misc]
    fields: list[Any] = []
    for number, name in enumerate(dict.fromkeys((*properties, *required))):
        kind = _type(properties.get(name, True), f"{place}/properties/{name}")
        if name in required:
            fields.insert(0, (f"_{number}", kind))
        elif kind is not msgspec.Raw or others is False:
            fields.append((f"_{number}", kind | msgspec.UnsetType, msgspec.UNSET))
    names = {f"_{number}": name for number, name in enumerate(dict.fromkeys((*properties, *required)))}
    return msgspec.defstruct("Object", fields, rename=names, forbid_unknown_fields=others is False, gc=False)


def _array(schema: dict[str, Any], place: str) -> Any:
    return _restricted(list[_type(schema.get("items", True), f"{place}/items")], schema, _ARRAYS)  # type: ignore[misc]


def _string(schema: dict[str, Any], place: str) -> Any:
    try:
        re.compile(schema.get("pattern", ""))
    except re.error as error:
        raise UnsupportedSchema(f"{place}: pattern is not a regular expression: {error}") from None
    return _restricted(str, schema, _STRINGS)


def _restricted(kind: Any, schema: dict[str, Any], keywords: dict[str, str]) -> Any:
    given: dict[str, Any] = {argument: schema[keyword] for keyword, argument in keywords.items() if keyword in schema}
    return Annotated[kind, msgspec.Meta(**given)] if given else kind


_TYPE_OF = {str: "string", int: "integer", type(None): "null"}
_TYPES: dict[str, Callable[[dict[str, Any], str], Any]] = {
    "object": _object,
    "array": _array,
    "string": _string,
    "number": lambda schema, _: _restricted(float, schema, _NUMBERS),
    "integer": lambda schema, _: _restricted(int, schema, _NUMBERS),
    "boolean": lambda _, __: bool,
    "null": lambda _, __: None,
}
