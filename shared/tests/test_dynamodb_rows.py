"""Images of DynamoDB items become rows of the same values: every number to its last digit, every shape, or an error."""

import base64
import json
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blueprints_shared.streams import dynamodb_rows
from blueprints_shared.streams.dynamodb_rows import Unrepresentable, key_text, row_converter


@st.composite
def numbers(draw):
    """Every number DynamoDB can hold: 38 digits, 1E-130 to 9.99…E+125, negative, trailing zeros, however written."""
    digits = draw(st.integers(min_value=0, max_value=10**38 - 1))
    places = len(str(digits))
    exponent = draw(st.integers(min_value=-130, max_value=125)) - (places - 1)
    value = Decimal((draw(st.integers(0, 1)), tuple(map(int, str(digits))), exponent))
    return draw(st.sampled_from([str(value), f"{value:E}", f"{value:f}"]))


text = st.text(st.characters(codec="utf-8"), max_size=12)
binary = st.binary(max_size=12)
scalars = st.one_of(
    text.map(lambda value: ({"S": value}, value)),
    numbers().map(lambda value: ({"N": value}, Decimal(value))),
    st.booleans().map(lambda value: ({"BOOL": value}, value)),
    st.just(({"NULL": True}, None)),
    binary.map(lambda value: ({"B": base64.b64encode(value).decode()}, value)),
    st.sets(text, min_size=1, max_size=3).map(lambda value: ({"SS": list(value)}, sorted(value))),
    st.sets(st.integers(-99, 99), min_size=1, max_size=3).map(
        lambda value: ({"NS": [str(each) for each in value]}, sorted(map(Decimal, value)))
    ),
    st.sets(binary, min_size=1, max_size=3).map(
        lambda value: ({"BS": [base64.b64encode(each).decode() for each in value]}, sorted(value))
    ),
)


def nested(values):
    lists = st.lists(values, max_size=4).map(
        lambda some: ({"L": [typed for typed, _ in some]}, [row for _, row in some])
    )
    maps = st.dictionaries(text, values, max_size=4).map(
        lambda some: (
            {"M": {name: typed for name, (typed, _) in some.items()}},
            {name: row for name, (_, row) in some.items()},
        )
    )
    return lists | maps


values = st.recursive(scalars, nested, max_leaves=12)
items = st.dictionaries(text, values, max_size=6)


def exactly(value):
    """What makes two values the same: numbers by their digits too, so that 1.50 is not 1.5."""
    if isinstance(value, Decimal):
        return value.as_tuple()
    if isinstance(value, list):
        return [exactly(each) for each in value]
    if isinstance(value, dict):
        return {name: exactly(each) for name, each in value.items()}
    return type(value), value


@given(st.lists(items, min_size=1, max_size=6))
@settings(deadline=None)
def test_an_image_and_its_row_hold_the_same_values(some):
    convert = row_converter()
    # Three times over: unknown, known, compiled; and each after all the others.
    for item in [*some, *some, *some]:
        image = {name: typed for name, (typed, _) in item.items()}
        row = convert(image)

        assert exactly(row) == exactly({name: value for name, (_, value) in item.items()})
        assert list(row) == list(image)


@given(numbers())
def test_a_number_keeps_every_digit(number):
    assert exactly(row_converter()({"n": {"N": number}})) == exactly({"n": Decimal(number)})


@pytest.mark.parametrize(
    "number",
    [
        "0",
        "-0.00",
        "1" + "0" * 125,
        "9" * 38 + "E+88",
        "-1E-130",
        "123456789012345678901234567890.12345678",
        "100000000000000000000000000000000000000000",
    ],
)
def test_numbers_boto3_rounds_or_refuses_arrive(number):
    convert = row_converter()
    assert [str(convert({"n": {"N": number}})["n"]) for _ in range(3)] == [str(Decimal(number))] * 3


def test_another_type_or_attribute_is_noticed_after_a_shape_was_compiled():
    convert = row_converter()
    for _ in range(3):
        assert convert({"a": {"S": "1"}, "b": {"M": {"c": {"N": "1"}}}}) == {"a": "1", "b": {"c": 1}}

    assert convert({"a": {"N": "1"}, "b": {"M": {"c": {"N": "1"}}}}) == {"a": 1, "b": {"c": 1}}
    assert convert({"a": {"S": "1"}, "b": {"M": {"c": {"N": "1"}, "d": {"S": "x"}}}})["b"] == {"c": 1, "d": "x"}
    assert convert({"a": {"S": "1"}, "z": {"S": "2"}}) == {"a": "1", "z": "2"}
    assert convert({}) == {}


def test_lists_of_maps_of_one_shape_and_of_many():
    convert = row_converter()
    for _ in range(3):
        lines = [{"M": {"sku": {"S": str(n)}, "quantity": {"N": str(n)}}} for n in range(3)]
        assert convert({"lines": {"L": lines}})["lines"] == [{"sku": str(n), "quantity": n} for n in range(3)]
        assert convert({"lines": {"L": [*lines, {"S": "free text"}, {"L": []}]}})["lines"][3:] == ["free text", []]


@given(st.text(max_size=20))
def test_an_attributes_name_is_data_in_what_is_compiled(name):
    convert = row_converter()
    for _ in range(3):
        assert convert({name: {"N": "1"}}) == {name: 1}


@pytest.mark.parametrize("name", ["'] or __import__('os')._exit(1) or i['", "\\", '"""', "\n", "{0}", "_decimal", "i"])
def test_names_meant_as_code_are_names(name):
    convert = row_converter()
    for _ in range(3):
        assert convert({name: {"S": "x"}, "n": {"N": "2"}}) == {name: "x", "n": 2}


def test_as_many_shapes_as_there_are_items_are_no_harm(monkeypatch):
    compiled = []
    compile_shape = dynamodb_rows._compiled
    monkeypatch.setattr(dynamodb_rows, "_compiled", lambda shape: compiled.append(shape) or compile_shape(shape))
    convert = row_converter()

    for number in [*range(1000), *range(1000)]:
        assert convert({f"a{number}": {"S": "x"}}) == {f"a{number}": "x"}

    assert len(compiled) <= 64


def test_images_as_the_client_reads_them_hold_bytes():
    assert row_converter()({"b": {"B": b"\0\xff"}, "s": {"BS": [b"b", b"a"]}}) == {"b": b"\0\xff", "s": [b"a", b"b"]}


@pytest.mark.parametrize(
    "image",
    [
        None,
        [],
        "text",
        {"a": None},
        {"a": "text"},
        {"a": {}},
        {"a": {"X": "x"}},
        {"a": {"N": "one"}},
        {"a": {"N": None}},
        {"a": {"N": [1]}},
        {"a": {"B": "*"}},
        {"a": {"B": "é"}},
        {"a": {"BS": ["é"]}},
        {"a": {"NS": ["one"]}},
        {"a": {"L": 5}},
        {"a": {"L": [5]}},
        {"a": {"M": {"b": 5}}},
    ],
)
def test_what_is_no_image_is_an_error(image):
    convert = row_converter()
    convert({"a": {"S": "x"}})
    convert({"a": {"S": "x"}})
    for _ in range(3):
        with pytest.raises(Unrepresentable):
            convert(image)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": {"N": "9" * 38}}, {"a": {"N": "9" * 38 + ".0"}}),
        ({"a": {"N": "1"}, "b": {"S": "x"}}, {"b": {"S": "x"}, "a": {"N": "1.00"}}),
        ({"a": {"N": "100"}}, {"a": {"N": "1E+2"}}),
        ({"a": {"N": "0"}}, {"a": {"N": "-0.0"}}),
        ({"a": {"B": "AP8="}}, {"a": {"B": b"\0\xff"}}),
    ],
)
def test_a_key_is_the_same_text_however_it_is_written(one, other):
    assert key_text(one) == key_text(other)


def test_keys_that_differ_in_the_last_of_38_digits_differ():
    assert key_text({"a": {"N": "1" * 37 + "1"}}) != key_text({"a": {"N": "1" * 37 + "2"}})


keys = st.dictionaries(
    st.text(min_size=1, max_size=3),
    st.one_of(
        st.text(max_size=3).map(lambda value: ("S", value)),
        numbers().map(lambda value: ("N", value)),
        st.binary(max_size=3).map(lambda value: ("B", base64.b64encode(value).decode())),
    ),
    min_size=1,
    max_size=2,
)


def meaning(key):
    return {name: (tag, Decimal(value) if tag == "N" else value) for name, (tag, value) in key.items()}


@given(keys, keys)
def test_keys_have_the_same_text_if_and_only_if_they_are_the_same(one, other):
    texts = [key_text({name: {tag: value} for name, (tag, value) in key.items()}) for key in (one, other)]

    assert (texts[0] == texts[1]) == (meaning(one) == meaning(other))


@pytest.mark.parametrize(
    "keys",
    [
        None,
        5,
        "text",
        [{"a": {"S": "x"}}],
        {"a": None},
        {"a": {}},
        {"a": {"BOOL": True}},
        {"a": {"N": "x"}},
        {"a": {"N": None}},
        {"a": {"N": [1]}},
        {"a": {"N": "NaN"}},
        {"a": {"N": "1E+999999999"}},
        {"a": {"B": 5}},
        {"a": {"B": "é"}},
    ],
)
def test_what_is_no_key_is_an_error(keys):
    with pytest.raises(Unrepresentable):
        key_text(keys)


def test_an_item_as_deep_as_dynamodb_takes_it_keeps_its_inside_and_deeper_ones_are_an_error():
    def nested(depth):
        value = {"N": "1.50"}
        for level in range(depth):
            value = {"M": {"m": value}} if level % 2 else {"L": [value]}
        return {"a": value}

    convert = row_converter()
    for _ in range(3):
        row = convert(nested(32))["a"]
        for level in reversed(range(32)):
            row = row["m"] if level % 2 else row[0]
        assert str(row) == "1.50"
    with pytest.raises(Unrepresentable):
        convert(nested(5000))


@given(items)
@settings(deadline=None)
def test_an_event_that_lambda_parsed_from_json_converts_too(item):
    image = json.loads(json.dumps({name: typed for name, (typed, _) in item.items()}))

    assert exactly(row_converter()(image)) == exactly({name: value for name, (_, value) in item.items()})
