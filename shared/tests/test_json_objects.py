"""Which bytes are refused, and with which code."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blueprints_shared.json_objects import MAX_DEPTH, InvalidJson, build_check

CHECK = build_check()
STRICT = build_check(refuse_duplicate_names=True)

INVALID = [
    (b"", "empty"),
    (b"  ", "not-json"),
    (b"no JSON", "not-json"),
    (b'{"a": 1', "not-json"),
    (b'{"a": 1} {"b": 2}', "not-json"),
    (b'{"a": 1,}', "not-json"),
    (b'{"a": NaN}', "not-json"),
    (b'{"a": -Infinity}', "not-json"),
    (b'{"a": 01}', "not-json"),
    (b'{"a": "\x00"}', "not-json"),
    (b'{"a": "\\ud800"}', "not-json"),
    (b'{"a": "\xff"}', "not-utf-8"),
    (b'{"a": "Gr\xfc\xdfe"}', "not-utf-8"),
    (b'{"a": "\xed\xa0\x80"}', "not-utf-8"),
    (b"\xef\xbb\xbf{}", "not-json"),
    (b"[1]", "schema"),
    (b'"text"', "schema"),
    (b"null", "schema"),
    (b'{"a": ' + b"[" * MAX_DEPTH + b"]" * MAX_DEPTH + b"}", "too-deep"),
    (b'{"a": ' + b"[" * 200_000 + b"]" * 200_000 + b"}", "too-deep"),
    (b'{"a":' * (MAX_DEPTH + 1) + b"1" + b"}" * (MAX_DEPTH + 1), "too-deep"),
]


@pytest.mark.parametrize(("data", "code"), INVALID, ids=lambda value: str(value)[:24])
def test_invalid(data, code):
    with pytest.raises(InvalidJson) as raised:
        CHECK(data)
    assert (raised.value.code, bool(str(raised.value))) == (code, True)


@pytest.mark.parametrize(
    "data",
    [
        b"{}",
        b' {"a": [1, 2.5e3, true, null]} ',
        b'{"a": "\\u0000"}',
        '{"ключ": "値"}'.encode(),
        b'{"a": ' + b"[" * (MAX_DEPTH - 1) + b"]" * (MAX_DEPTH - 1) + b"}",
        json.dumps({"flat": ["[{" * 900] * 3, "many": [[]] * 2000}).encode(),
        b'{"a": 1, "a": 2}',
        json.dumps({"large": "x" * 2**20}).encode(),
    ],
    ids=lambda value: str(value)[:24],
)
def test_valid(data):
    CHECK(data)


@pytest.mark.parametrize("objects", [3, 100, MAX_DEPTH // 2, MAX_DEPTH - 1, MAX_DEPTH, MAX_DEPTH + 1])
@pytest.mark.parametrize("beside", [(b"", b""), (b'"]":0,', b',"[":0')], ids=["alone", "brackets in strings"])
@pytest.mark.parametrize("innermost", [b"{}", b""], ids=["object", "array"])
def test_the_shortest_documents_that_are_too_deep(objects, beside, innermost):
    """A document of 501 levels is refused and one of 500 is not, however few bytes the levels take."""
    arrays = MAX_DEPTH + 1 - objects
    inner = (b"[" * arrays + innermost + b"]" * arrays) or b"0"

    def nested(levels):
        before, after = beside
        return b"{" + before + b'"":' + b'{"":' * (levels - 1) + inner + b"}" * (levels - 1) + after + b"}"

    outer = objects - (innermost == b"{}")
    CHECK(nested(outer - 1))
    with pytest.raises(InvalidJson, match="levels deep"):
        CHECK(nested(outer))


def test_duplicate_names_are_refused_on_request():
    with pytest.raises(InvalidJson, match="two members named 'a'"):
        STRICT(b'{"list": [{"a": 1}, {"a": 1, "b": 2, "a": 3}]}')
    STRICT(b'{"list": [{"a": 1}, {"a": 1}], "a": 2}')


def test_numbers_of_any_length_are_accepted():
    """Python's int() refuses more than 4,300 digits."""
    for data in (b'{"n": ' + b"9" * 5000 + b"}", b'{"n": [-' + b"9" * 5000 + b".5e9]}"):
        CHECK(data)
        STRICT(data)


def python_accepts(data):
    """Whether Python's own parser reads it, without its extensions of the standard."""

    def refuse(constant):
        raise ValueError(constant)

    try:
        value = json.loads(data.decode(), parse_constant=refuse, parse_int=str, parse_float=str)
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=400, derandomize=True, deadline=None, database=None)
@given(value=VALUES, ascii_only=st.booleans(), cut=st.integers(0, 400), put=st.binary(max_size=3))
def test_it_takes_what_python_accepts(value, ascii_only, cut, put):
    whole = json.dumps(value, ensure_ascii=ascii_only).encode()
    for data in (whole, whole[:cut] + put + whole[cut:], whole[:cut]):
        try:
            CHECK(data)
            accepted = True
        except InvalidJson:
            accepted = False
        assert accepted == python_accepts(data), data
