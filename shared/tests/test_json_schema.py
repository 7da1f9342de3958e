"""The compiled schema accepts what the reference implementation of JSON Schema accepts."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from blueprints_shared.json_objects import InvalidJson, build_check
from blueprints_shared.json_schema import UnsupportedSchema, schema_type

ORDER = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["id", "items", "odd name"],
    "properties": {
        "id": {"type": "string", "minLength": 1, "pattern": "^[a-z]"},
        "kind": {"enum": ["a", "b", None, 3]},
        "total": {"type": ["number", "null"], "minimum": 0, "exclusiveMaximum": 100},
        "odd name": {},
        "count": {"type": "integer", "minimum": -2, "maximum": 2},
        "items": {"type": "array", "minItems": 1, "maxItems": 2, "items": {"$ref": "#item"}},
        "tags": {"type": "object", "additionalProperties": {"type": "boolean"}},
        "closed": {"type": "object", "properties": {"x": {}}, "additionalProperties": False},
    },
}
ORDER["properties"]["items"]["items"] = {"type": ["object", "string"], "required": ["sku"]}
CHECK = build_check(ORDER)
REFERENCE = Draft202012Validator(ORDER)

SCALARS = st.sampled_from([None, True, False, 0, 1, 3, -2, -3, 99.5, 100, 1e300, "", "a", "Z", "bc"])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["x", "sku", "y"]), inner, max_size=2),
    max_leaves=5,
)


@settings(max_examples=1500, derandomize=True, deadline=None, database=None)
@given(
    st.fixed_dictionaries(
        {"id": SCALARS | st.just("abc"), "items": VALUES | st.just(["s"]), "odd name": VALUES},
        optional=dict.fromkeys(("kind", "total", "count", "tags", "closed", "unheard-of"), VALUES),
    ),
    st.sampled_from([None, "id", "items", "odd name"]),
)
def test_it_agrees_with_the_reference_implementation(value, without):
    value.pop(without, None)
    try:
        CHECK(json.dumps(value).encode())
        accepted = True
    except InvalidJson:
        accepted = False
    assert accepted == REFERENCE.is_valid(value), value


@pytest.mark.parametrize(
    ("schema", "says"),
    [
        ([], "the document is an object"),
        ({"type": "array"}, "the document is an object"),
        ({"type": "object", "$ref": "#/x"}, r"#: \$ref cannot be enforced"),
        ({"type": "object", "properties": {"a": {"anyOf": []}}}, "#/properties/a: anyOf cannot be enforced"),
        ({"type": "object", "properties": {"a": {"minimum": 1}}}, "write the type that minimum is for"),
        ({"type": "object", "properties": {"a": {"type": "text"}}}, "'text' is not one of"),
        ({"type": "object", "properties": {"a": {"enum": [1.5]}}}, "enum and const take"),
        ({"type": "object", "properties": {"a": {"enum": []}}}, "enum and const take"),
        ({"type": "object", "properties": {"a": {"enum": ["x"], "minLength": 2}}}, "only type"),
        ({"type": "object", "properties": {"a": {"type": "string", "pattern": "("}}}, "not a regular expression"),
        ({"type": "object", "properties": {"a": False}}, "is not a schema"),
        ({"type": "object", "required": ["a"], "additionalProperties": {"type": "string"}}, "true or false"),
    ],
)
def test_what_cannot_be_enforced_is_named(schema, says):
    with pytest.raises(UnsupportedSchema, match=says):
        schema_type(schema)


@pytest.mark.parametrize(
    ("property_schema", "says"),
    [
        ({"type": "string", "minLength": "1"}, "#/properties/a: minLength is '1', not a whole number"),
        ({"type": "string", "minLength": True}, "minLength is True"),
        ({"type": "string", "minLength": -1}, "#/properties/a: "),
        ({"type": "string", "pattern": 5}, "pattern is 5"),
        ({"type": "integer", "minimum": "1"}, "minimum is '1', not a number"),
        ({"type": "integer", "minimum": 1.5}, "#/properties/a: "),
        ({"type": "integer", "minimum": 2**70}, "#/properties/a: "),
        ({"type": "integer", "minimum": 1, "exclusiveMinimum": 1}, "#/properties/a: "),
        ({"type": "number", "maximum": float("nan")}, "#/properties/a: "),
        ({"type": {}}, "type is {}"),
        ({"type": [[]]}, r"type is \[\[\]\]"),
        ({"type": "object", "properties": []}, r"properties is \[\]"),
        ({"type": "object", "properties": {'a"b': {"type": "string"}}}, "#/properties/a: "),
        ({"type": "object", "properties": {"\ud800": {"type": "string"}}}, "#/properties/a: "),
        ({"type": "object", "required": "abc"}, "required is 'abc', not a list of strings"),
        ({"type": "object", "required": [1]}, r"required is \[1\]"),
        ({"type": "object", "additionalProperties": "no"}, "additionalProperties is 'no'"),
        ({"enum": "abc"}, "enum is 'abc', not a list"),
        ({"const": 2**70}, "#/properties/a: "),
        ({"type": "string", "const": 1}, "1 is not of the type 'string'"),
        ({"type": "string", "enum": ["x", None]}, "None is not of the type 'string'"),
    ],
)
def test_a_malformed_or_unenforceable_keyword_is_named_with_its_place(property_schema, says):
    schema = {"type": "object", "properties": {"a": property_schema}}
    with pytest.raises(UnsupportedSchema, match=says):
        schema_type(schema)


def test_an_integer_is_written_as_an_integer():
    check = build_check({"type": "object", "properties": {"n": {"type": "integer"}}})
    check(b'{"n": 1}')
    with pytest.raises(InvalidJson, match=r"\$\.n"):
        check(b'{"n": 1.0}')
