"""Filters: what each operator accepts, how groups combine, and what AppSync refuses."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blueprints.local.services.appsync.realtime.filters import _VALUES, InvalidFilter, by_arguments, parse


def one(operator, value, name="field"):
    return {"filterGroup": [{"filters": [{"fieldName": name, "operator": operator, "value": value}]}]}


@pytest.mark.parametrize(
    ("operator", "value", "accepted", "refused"),
    [
        ("eq", "a", ["a"], ["A", "b", None, 1, ["a"]]),
        ("eq", 1, [1, 1.0], ["1", True, 2, None]),
        ("eq", True, [True], [1, "true", False, None]),
        ("ne", "a", ["b", None, 1], ["a"]),
        ("le", 5, [5, 4.5], [6, "4", None, False]),
        ("lt", "b", ["a", "B"], ["b", "c", 1, None]),
        ("ge", 5, [5, 6], [4.9, "6", None, True]),
        ("gt", "b", ["c"], ["b", "a", 3, None]),
        ("contains", "launch", ["prelaunched", ["launch"]], ["lunch", ["prelaunch"], None, 1]),
        ("contains", 10, [[10, 11], 10], [[1, 0], "10", ["10"], None]),
        ("notContains", 10, [[1, 0], None, "10"], [[10, 11]]),
        ("beginsWith", "AWS", ["AWS AppSync"], ["aws", "my AWS", None, ["AWS"]]),
        ("in", [1, "a"], [1, "a"], [2, "1", None, True]),
        ("notIn", [1, 2], [3, "1", None], [1, 2]),
        ("between", [1, 5], [1, 3.5, 5], [0, 6, "3", None]),
        ("between", ["b", "d"], ["b", "c", "d"], ["a", "dd", 3]),
        ("containsAny", [10, 15], [[10, 11], [15, 20], 15], [[11], [], None, ["10"]]),
    ],
)
def test_each_operator_accepts_what_the_guide_says(operator, value, accepted, refused):
    made = parse(one(operator, value))

    assert [each for each in accepted if not made.accepts({"field": each})] == []
    assert [each for each in refused if made.accepts({"field": each})] == []


def test_the_filters_of_an_entry_are_combined_with_and_the_entries_with_or():
    made = parse(
        {
            "filterGroup": [
                {
                    "filters": [
                        {"fieldName": "user", "operator": "eq", "value": 1},
                        {"fieldName": "group", "operator": "in", "value": ["Admin", "Developer"]},
                    ]
                },
                {"filters": [{"fieldName": "public", "operator": "eq", "value": True}]},
            ]
        }
    )

    assert made.accepts({"user": 1, "group": "Admin"})
    assert made.accepts({"user": 2, "public": True})
    assert not made.accepts({"user": 1, "group": "Guest"})


def test_a_field_name_with_dots_reaches_into_objects():
    made = parse(one("eq", "ana", name="note.owner.name"))

    assert made.accepts({"note": {"owner": {"name": "ana"}}})
    assert not made.accepts({"note": {"owner": "ana"}})
    assert not made.accepts({"note": None})


@pytest.mark.parametrize(
    ("filter_object", "complaint"),
    [
        ("text", "needs a `filterGroup`"),
        ({"filterGroup": []}, "at least one entry"),
        ({"filterGroup": [{}]}, "needs `filters`"),
        ({"filterGroup": [{"filters": ["x"]}]}, "is an object"),
        (one("EQ", 1), "`EQ` is no operator"),
        (one("equals", 1), "`equals` is no operator"),
        (one("eq", None), "a number, a string or a Boolean"),
        (one("lt", True), "a number or a string"),
        (one("beginsWith", 1), "is a string"),
        (one("in", "a"), "is a list"),
        (one("in", [1, 2, 3, 4, 5, 6]), "at most 5 values, not 6"),
        (one("notIn", [[1]]), "a number or a string"),
        (one("containsAny", list(range(21))), "at most 20 values, not 21"),
        (one("between", [1]), "is a pair"),
        (one("between", [1, "b"]), "both numbers or both strings"),
        (one("eq", "x" * 257), "at most 256 characters"),
        (one("eq", 1, name="a.b.c.d.e.f"), "more than 5 levels"),
        (one("eq", 1, name=""), "needs a `fieldName`"),
        ({"filterGroup": one("eq", 1)["filterGroup"] * 11}, "at most 10 filters, not 11"),
        (
            {
                "filterGroup": [
                    {"filters": [one("eq", 1, name=f"f{n}")["filterGroup"][0]["filters"][0] for n in range(6)]}
                ]
            },
            "at most 5 different fields",
        ),
    ],
)
def test_a_filter_beyond_the_rules_is_refused_with_the_reason(filter_object, complaint):
    with pytest.raises(InvalidFilter, match=complaint):
        parse(filter_object)


@pytest.mark.parametrize(
    ("arguments", "event", "accepted"),
    [
        ({}, {"id": "1"}, True),
        ({"id": "1", "owner": "ana"}, {"id": "1", "owner": "ana"}, True),
        ({"id": "1", "owner": "ana"}, {"id": "1", "owner": "ben"}, False),
        ({"owner": None}, {"owner": None}, True),
        ({"owner": None}, {}, True),
        ({"owner": None}, {"owner": "ana"}, False),
        ({"owner": "ana"}, {}, False),
        ({"done": True}, {"done": 1}, False),
        ({"tags": ["a"]}, {"tags": ["a"]}, True),
    ],
)
def test_arguments_equal_the_fields_of_their_names(arguments, event, accepted):
    assert by_arguments(arguments).accepts(event) is accepted


SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner)
)


@settings(deadline=None)
@given(operator=st.sampled_from(sorted(_VALUES)), value=ANYTHING, found=ANYTHING)
def test_a_filter_is_refused_or_answers_for_any_event(operator, value, found):
    try:
        made = parse(one(operator, value))
    except InvalidFilter:
        return
    assert made.accepts({"field": found}) in {True, False}
