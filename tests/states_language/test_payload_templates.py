import pytest

from blueprints.states_language.failures import StateFailed
from blueprints.states_language.payload_templates import fill
from tests.states_language.machines import SENTENCE, seen

DATA = seen({"a": {"b": [1, 2]}, "c": None}, context={"Id": "e"}, variables={"v": 3})


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ({"x.$": "$.a.b[1]", "y": "$.a"}, {"x": 2, "y": "$.a"}),
        ({"deep": [{"x.$": "$$.Id"}, 1, [{"y.$": "$v"}]]}, {"deep": [{"x": "e"}, 1, [{"y": 3}]]}),
        ({"x.$": "States.ArrayLength($.a.b)"}, {"x": 2}),
        ({"x.$": "$.c"}, {"x": None}),
        ({"all.$": "$.none[*]"}, {"all": []}),
        ([{"x.$": "$.c"}], [{"x": None}]),
        ("$.a", "$.a"),
        (7, 7),
    ],
)
def test_keys_with_the_suffix_are_filled(template, value):
    assert fill(template, DATA) == value


def test_the_order_of_keys_is_kept():
    assert list(fill({"b": 1, "a.$": "$v", "c": {}}, DATA)) == ["b", "a", "c"]


def test_a_template_without_references_is_given_as_it_is():
    template = {"a": [{"b": "$.c"}]}
    assert fill(template, DATA) is template


def test_a_missing_value_fails_the_state():
    with pytest.raises(StateFailed) as caught:
        fill({"x": {"y.$": "$.b"}}, seen({"a": 1}))
    reason = "The JSONPath '$.b' specified for the field 'y.$' could not be found in the input '{\"a\":1}'"
    assert (caught.value.error, caught.value.cause) == ("States.Runtime", SENTENCE + reason)


def test_templates_are_told_apart_by_identity():
    for number in range(50):
        assert fill({"n.$": f"$.numbers[{number}]"}, seen({"numbers": list(range(50))})) == {"n": number}
