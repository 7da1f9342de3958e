"""Limits and details of event patterns that the library's verdicts do not show."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as some

from blueprints.local.base.event_patterns import (
    CompiledPattern,
    InvalidPattern,
    compiled,
    read_event,
    refusal,
    searching,
)
from blueprints.local.base.event_patterns.grammar import alternatives
from blueprints.local.base.event_patterns.paths import tree_of

KEYS = some.sampled_from(["a", "b", "a.b"])
VALUES = some.sampled_from(["", "x", "xy", 0, 1, 1.5, 2**53 + 1, True, False, None])
ITEMS = VALUES | some.sampled_from(
    [
        {"exists": True},
        {"exists": False},
        {"prefix": "x"},
        {"anything-but": "x"},
        {"anything-but": [1]},
        {"numeric": [">", 0]},
        {"wildcard": "*y"},
    ]
)
PATTERNS = some.recursive(
    some.dictionaries(KEYS, some.lists(ITEMS, min_size=1, max_size=2), min_size=1, max_size=3),
    lambda lower: some.dictionaries(KEYS, lower, min_size=1, max_size=2),
    max_leaves=4,
)
EVENTS = some.dictionaries(
    KEYS,
    some.recursive(
        VALUES,
        lambda lower: some.lists(lower, max_size=3) | some.dictionaries(KEYS, lower, max_size=3),
        max_leaves=8,
    ),
    max_size=3,
)


@given(PATTERNS, EVENTS)
def test_the_walk_and_the_search_agree(pattern, event):
    """Most events are matched by one walk. The search takes any event, and gives the same answer."""
    (alternative,) = alternatives(json.dumps(pattern))
    root, leaves = tree_of(alternative)
    assert compiled(json.dumps(pattern)).matches(event) == searching.matches(root, leaves, event)


@given(EVENTS, some.lists(PATTERNS, min_size=1, max_size=3))
def test_any_of_several_patterns_matches_if_one_does(event, patterns):
    each = [compiled(json.dumps(pattern)) for pattern in patterns]
    assert CompiledPattern.any_of(each).matches(event) == any(pattern.matches(event) for pattern in each)


@given(EVENTS)
def test_reading_keeps_every_value(event):
    assert read_event(json.dumps(event)) == event


def test_a_pattern_has_at_most_4096_characters():
    longest = json.dumps({"a": ["x" * 4000]}).ljust(4096)
    assert refusal(longest) is None
    assert "4096" in str(refusal(f"{longest} "))


def test_or_makes_at_most_1000_combinations():
    branches = [{"a": [number]} for number in range(10)]
    nested = {"$or": branches, "x": {"$or": branches}, "y": {"$or": branches}}
    assert refusal(json.dumps(nested)) is None
    nested["z"] = {"$or": branches[:2]}
    assert refusal(json.dumps(nested)) == "Event pattern contains more than 1000 rule combinations"


@pytest.mark.parametrize(
    ("wildcards", "complex_"),
    [
        (["*a*a*a*a*"], False),
        (["*a*a*a*a*a*"], True),
        (["*a*b*c*d*e*f*g*"], False),
        (["*a*b*c*d*e*f*g*h*i*j*"], True),
        (["img/*/a.png", "img/*/b.png"], False),
        ([f"*{letter}*" for letter in "abcdef"], True),
    ],
)
def test_wildcards_that_a_text_could_match_at_over_ten_places_are_too_complex(wildcards, complex_):
    """The library's MachineComplexityEvaluator gives more than ten for those that are refused."""
    for items in ([{"wildcard": each} for each in wildcards], [{"anything-but": {"wildcard": wildcards}}]):
        assert (refusal(json.dumps({"a": items})) or "").startswith("Rule is too complex") == complex_


def test_an_event_that_is_nested_deeply_is_matched_or_refused():
    deep = "[" * 500 + '{"b": 1}' + "]" * 500
    pattern = compiled('{"a": {"b": [1]}}')
    assert isinstance(pattern.matches(read_event(f'{{"a": {deep}}}')), bool)
    with pytest.raises(ValueError, match="nested too deeply"):
        read_event("[" * 100_000)


def test_many_lists_of_objects_take_little_time():
    """The search remembers from where there is no match: it does not try every combination of elements."""
    names = [f"list{number}" for number in range(12)]
    event = {name: [{"k": [{"v": 1}], "absent": index} for index in range(20)] for name in names}
    wanted = {name: {"k": {"v": [1]}, "z": [{"exists": False}]} for name in names}
    assert compiled(json.dumps(wanted)).matches(event)
    wanted["list0"] = {"k": {"v": [1]}, "absent": [{"exists": False}]}
    assert not compiled(json.dumps(wanted)).matches(event)


def test_a_refused_pattern_is_refused_each_time():
    for _ in range(2):
        with pytest.raises(InvalidPattern, match="Empty arrays are not allowed"):
            compiled('{"a": []}')
