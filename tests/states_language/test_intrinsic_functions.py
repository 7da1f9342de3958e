import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueprints.states_language import intrinsic_functions
from blueprints.states_language.failures import StateFailed
from tests.states_language.machines import SENTENCE, in_any_time, seen

INPUT = {
    "name": "Ada",
    "n": 7,
    "half": 2.5,
    "list": [1, 2, 2, 3],
    "mixed": [1, 1.0, True, "1", None, {"a": 1}, {"a": 1}],
    "one": {"a": {"x": 1}, "b": 2},
    "two": {"a": {"y": 3}, "c": "4"},
    "text": '{"k":[1,null]}',
    "nothing": None,
    "chars": "a.b,c;;d",
}


def call(text, value=INPUT):
    return intrinsic_functions.call(text, seen(value, context={"Id": "e"}, variables={"v": [5, 6]}))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("States.Array()", []),
        ("States.Array(1, 'two', true, null, $.n, -2.5)", [1, "two", True, None, 7, -2.5]),
        ("States.ArrayPartition($.list, 3)", [[1, 2, 2], [3]]),
        ("States.ArrayPartition($.list, 2.4)", [[1, 2], [2, 3]]),
        ("States.ArrayContains($.list, 3)", True),
        ("States.ArrayContains($.mixed, '1')", True),
        ("States.ArrayContains($.list, '3')", False),
        ("States.ArrayRange(1, 9, 2)", [1, 3, 5, 7, 9]),
        ("States.ArrayRange(3, 1, -1)", [3, 2, 1]),
        ("States.ArrayRange(1, 2.6, 1)", [1, 2, 3]),
        ("States.ArrayGetItem($.list, 3)", 3),
        ("States.ArrayLength($.list)", 4),
        ("States.ArrayLength($v)", 2),
        ("States.ArrayUnique($.list)", [1, 2, 3]),
        ("States.ArrayUnique($.mixed)", [1, 1.0, True, "1", None, {"a": 1}]),
        ("States.Base64Encode($.name)", "QWRh"),
        ("States.Base64Decode('QWRh')", "Ada"),
        ("States.Base64Decode('w6Q')", "ä"),
        ("States.Hash('', 'MD5')", "d41d8cd98f00b204e9800998ecf8427e"),
        ("States.JsonMerge($.one, $.two, false)", {"a": {"y": 3}, "b": 2, "c": "4"}),
        ("States.StringToJson($.text)", {"k": [1, None]}),
        ("States.StringToJson('')", None),
        ("States.JsonToString($.one)", '{"a":{"x":1},"b":2}'),
        ("States.MathAdd($.n, -8)", -1),
        ("States.MathAdd($.half, 0.4)", 3),
        ("States.StringSplit($.chars, '.,;')", ["a", "b", "c", "d"]),
        ("States.StringSplit('', ',')", []),
        ("States.StringSplit('a-b]c', ']-')", ["a", "b", "c"]),
        ("States.Format('plain')", "plain"),
        ("States.Format('{} is {}', $.name, $.n)", "Ada is 7"),
        ("States.Format('{}', $.one)", "{a={x=1}, b=2}"),
        ("States.Format('{} {} {}', $.nothing, true, $.mixed)", "null true [1, 1.0, true, 1, null, {a=1}, {a=1}]"),
        (r"States.Format('it\'s \{\} and {} \\', 1)", "it's {} and 1 \\"),
        ("States.Format('{\"a\": {}}', $.n)", '{"a": 7}'),
        ("States.Format('{}', $$.Id)", "e"),
        ("States.ArrayGetItem( States.StringSplit( States.Format('{},{}', 'a', 'b') , ',' ) , 1 )", "b"),
        ("States.Format('{}', $.list[?(@ > 2)])", "[3]"),
    ],
)
def test_a_function_gives_its_value(text, value):
    assert json.dumps(call(text)) == json.dumps(value)


@pytest.mark.parametrize(
    ("algorithm", "digits"), [("MD5", 32), ("SHA-1", 40), ("SHA-256", 64), ("SHA-384", 96), ("SHA-512", 128)]
)
def test_digests_are_hexadecimal(algorithm, digits):
    assert re.fullmatch(f"[0-9a-f]{{{digits}}}", call(f"States.Hash($.one, '{algorithm}')"))


def test_a_uuid_is_of_version_4_and_new():
    first, second = call("States.UUID()"), call("States.UUID()")
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", first)
    assert first != second


def test_random_numbers_follow_the_seed_and_stay_inside():
    assert {call("States.MathRandom(3, 6)") for _ in range(200)} == {3, 4, 5}
    assert call("States.MathRandom(0, 1000000, 4)") == call("States.MathRandom(0, 1000000, 4)")


@pytest.mark.parametrize(
    "text",
    [
        "States.ArrayGetItem($.list, 4)",
        "States.ArrayGetItem($.list, -1)",
        "States.ArrayPartition($.list, 0)",
        "States.ArrayRange(1, 9, 0)",
        "States.ArrayRange(1, 5000, 1)",
        "States.ArrayLength($.name)",
        "States.Base64Encode($.n)",
        "States.Base64Decode('a b')",
        "States.Hash($.name, 'SHA-3')",
        "States.JsonMerge($.one, $.two, true)",
        "States.JsonMerge($.one, $.list, false)",
        "States.StringToJson('{')",
        "States.StringToJson('NaN')",
        "States.MathAdd('1', 2)",
        "States.MathAdd(true, 2)",
        "States.MathRandom(5, 5)",
        "States.Format('{} {}', 1)",
        "States.Format('{}', 1, 2)",
    ],
)
def test_wrong_arguments_fail_the_state(text):
    with pytest.raises(StateFailed) as caught:
        call(text)
    assert caught.value.error == "States.IntrinsicFailure"
    assert str(caught.value.cause).startswith(f"{SENTENCE}The function '{text}' had the following error: ")


def test_a_missing_argument_is_named():
    with pytest.raises(StateFailed) as caught:
        call("States.Format('{}', $.who)", {"a": 1})
    reason = "The JsonPath argument for the field '$.who' could not be found in the input '{\"a\":1}'"
    assert str(caught.value.cause).endswith(reason)


@pytest.mark.parametrize(
    "text",
    [
        "States.Nothing()",
        "States.Array(1",
        "States.Array(1,)",
        "States.Array('a)",
        r"States.Format('a\nb')",
        "States.UUID(1)",
        "Array(1)",
        "States.Array($.a[)",
        "States.Array(" * 11 + ")" * 11,
    ],
)
def test_what_is_no_call_fails_the_state(text):
    with pytest.raises(StateFailed) as caught:
        call(text)
    assert caught.value.error == "States.Runtime"


_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-9, 9)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)


@in_any_time
@given(st.lists(_values, max_size=20), st.integers(1, 25))
def test_the_parts_of_a_partition_are_the_array(array, size):
    parts = call("States.ArrayPartition($.a, $.n)", {"a": array, "n": size})
    assert [value for part in parts for value in part] == array
    assert all(len(part) == size for part in parts[:-1])


@in_any_time
@given(_values)
def test_a_value_survives_being_text(value):
    assert call("States.StringToJson(States.JsonToString($.v))", {"v": value}) == value


@in_any_time
@given(st.text(max_size=30))
def test_a_text_survives_base64(text):
    assert call("States.Base64Decode(States.Base64Encode($.t))", {"t": text}) == text


@in_any_time
@given(st.lists(_values, max_size=12))
def test_unique_keeps_one_of_each(array):
    unique = call("States.ArrayUnique($.a)", {"a": array})
    assert all(call("States.ArrayContains($.a, $.v)", {"a": unique, "v": value}) for value in array)
    assert len({json.dumps(value, sort_keys=True) for value in unique}) == len(unique)
