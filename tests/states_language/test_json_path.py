import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueprints.states_language import json_path
from blueprints.states_language.failures import StateFailed
from tests.states_language.machines import SENTENCE, in_any_time, seen

LIBRARY = {
    "shelves": [
        {"room": "north", "books": [{"title": "Waves", "pages": 310, "lent": True}, {"title": "Tides", "pages": 120}]},
        {"room": "south", "books": [{"title": "Dunes", "pages": 90, "lent": None}]},
    ],
    "open-hours": {"mon": 9},
    "it's": 1,
    "empty": [],
    "numbers": [2, 4, 4, 4, 5, 5, 7, 9],
    "no": None,
}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("$", LIBRARY),
        ("$.open-hours.mon", 9),
        ("$['open-hours']['mon']", 9),
        ('$["open-hours"].mon', 9),
        ("$['it\\'s']", 1),
        ("$.no", None),
        (" $.no ", None),
        ("$.shelves[0].room", "north"),
        ("$.shelves[-1].room", "south"),
        ("$.shelves[*].room", ["north", "south"]),
        ("$.shelves[0].books[0:1].title", ["Waves"]),
        ("$.shelves[0].books[-1:].title", ["Tides"]),
        ("$.shelves[0,1].room", ["north", "south"]),
        ("$.shelves[0]['room','books'].room", []),
        ("$.open-hours['mon','tue']", {"mon": 9}),
        ("$..title", ["Waves", "Tides", "Dunes"]),
        ("$..books[0].title", ["Waves", "Dunes"]),
        ("$..[?(@.pages < 200)].title", ["Tides", "Dunes"]),
        ("$.open-hours.*", [9]),
        ("$.absent[*].x", []),
        ("$.absent.deep[1:3]", []),
        ("$.open-hours[1:3]", []),
        ("$.empty[*]", []),
        ("$.shelves.length()", 2),
        ("$..pages.max()", 310.0),
        ("$..pages.min()", 90.0),
        ("$..pages.sum()", 520.0),
        ("$..pages.avg()", 520 / 3),
        ("$.numbers.stddev()", 2.0),
        ("$.numbers.first()", 2),
        ("$.numbers.last()", 9),
        ("$.numbers.index(1)", 4),
        ("$.numbers.append(1).length()", 9),
        ("$.shelves[*].room.concat()", "northsouth"),
        ("$.open-hours.keys()", ["mon"]),
    ],
)
def test_a_path_leads_to_its_value(path, value):
    assert json_path.read(path, seen(LIBRARY)) == value


@pytest.mark.parametrize(
    ("condition", "titles"),
    [
        ("@.pages > 100", ["Waves", "Tides"]),
        ("@.pages >= 310", ["Waves"]),
        ("@.pages > 100 && @.lent == true", ["Waves"]),
        ("@.pages < 100 || @.title == 'Waves'", ["Waves", "Dunes"]),
        ("!(@.pages < 100)", ["Waves", "Tides"]),
        ("@.lent", ["Waves", "Dunes"]),
        ("!@.lent", ["Tides"]),
        ("@.lent == null", ["Dunes"]),
        ("@.title =~ /[wd].*/i", ["Waves", "Dunes"]),
        ("@.pages =~ /\\d{3}/", ["Waves", "Tides"]),
        ("/T.*/ =~ @.title", ["Tides"]),
        ("@.lent =~ /true/", ["Waves"]),
        ("@.title in ['Tides', 'Dunes']", ["Tides", "Dunes"]),
        ("@.title nin ['Tides', 'Dunes']", ["Waves"]),
        ("@.title contains 'es'", ["Waves", "Tides", "Dunes"]),
        ("@.title size 5", ["Waves", "Tides", "Dunes"]),
        ("@['pages'] == $.open-hours.mon", []),
        ("@.pages != 120", ["Waves", "Dunes"]),
        ("'Tides' == @.title", ["Tides"]),
        ("@.title==Tides", ["Tides"]),
        ("@.pages == -1e1 || @.lent == true", ["Waves"]),
        ("@.title > 1", []),
    ],
)
def test_a_filter_selects_what_its_condition_holds_for(condition, titles):
    assert json_path.read(f"$.shelves[*].books[?({condition})].title", seen(LIBRARY)) == titles


def test_paths_read_the_context_object_and_variables():
    data = seen({}, context={"State": {"Name": "Sort"}}, variables={"box": {"size": [1, 2]}})
    assert json_path.read("$$.State.Name", data) == "Sort"
    assert json_path.read("$$", data) == {"State": {"Name": "Sort"}}
    assert json_path.read("$box.size[1]", data) == 2
    assert json_path.read("$box", data) == {"size": [1, 2]}


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("$.closed", "Invalid path '$.closed' : No results for path: $['closed']"),
        ("$.closed.mon", "Invalid path '$.closed.mon' : Missing property in path $['closed']"),
        ("$.shelves[5]", "Invalid path '$.shelves[5]' : No results for path: $['shelves'][5]"),
        ("$[1:]", "Invalid path '$[1:]' : No results for path: $[1:]"),
    ],
)
def test_a_definite_path_that_leads_nowhere_fails_the_state(path, reason):
    with pytest.raises(StateFailed) as caught:
        json_path.read(path, seen(LIBRARY))
    assert (caught.value.error, caught.value.cause) == ("States.Runtime", SENTENCE + reason)
    assert not json_path.exists(path, seen(LIBRARY))


def test_the_failure_names_the_field_and_the_input():
    with pytest.raises(StateFailed) as caught:
        json_path.read("$.b", seen({"ä": [1, True]}), "name.$")
    reason = "The JSONPath '$.b' specified for the field 'name.$' could not be found in the input '{\"ä\":[1,true]}'"
    assert caught.value.cause == SENTENCE + reason


def test_put_changes_a_copy_and_makes_the_objects_on_the_way():
    before = {"a": {"b": 1}, "list": [{"x": 0}]}
    assert json_path.put("$.a.c.d", before, 2) == {"a": {"b": 1, "c": {"d": 2}}, "list": [{"x": 0}]}
    assert json_path.put("$.list[0].x", before, 3) == {"a": {"b": 1}, "list": [{"x": 3}]}
    assert json_path.put("$", before, 4) == 4
    assert before == {"a": {"b": 1}, "list": [{"x": 0}]}


@pytest.mark.parametrize(("path", "base"), [("$.a.b", {"a": "text"}), ("$.a", 7), ("$.a[3]", {"a": [1]})])
def test_put_fails_where_the_path_leads_through_something_else(path, base):
    with pytest.raises(StateFailed) as caught:
        json_path.put(path, base, 1, seen())
    assert caught.value.error == "States.ResultPathMatchFailure"


_names = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=5)
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_names, inner, max_size=3),
    max_leaves=8,
)


@in_any_time
@given(st.lists(_names, min_size=1, max_size=4), _json)
def test_what_was_put_is_read(names, value):
    path = "$" + "".join(f"['{name}']" for name in names)
    assert json_path.read(path, seen(json_path.put(path, {}, value))) == value


@in_any_time
@given(_json)
def test_descendants_are_every_value_below(value):
    def below(one):
        children = one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()
        return sum(1 + below(child) for child in children)

    assert len(json_path.read("$..*", seen(value))) == below(value)
