"""JSON that others supplied becomes values that can be written as JSON in UTF-8 again."""

import json

import pytest

from blueprints.states_language import json_text


@pytest.mark.parametrize("text", ["NaN", "[Infinity]", "-1e999", "[" * 100_000, "9" * 5_000, "", "{]", b"\xff"])
def test_text_that_is_not_json_is_refused(text: str | bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - several parts of Python word it
        json_text.read(text)


@pytest.mark.parametrize(
    "text", ['{"a": [1, 2.5, null, "\\u00e9", "\\ud83d\\ude00", "\U0001f600"]}', "1e300", b'"\xc3\xa9"']
)
def test_json_is_read_as_it_is(text: str | bytes) -> None:
    assert json_text.read(text) == json.loads(text)


@pytest.mark.parametrize("text", ['"a\\ud800"', '"a\ud800"', '"a\\udc00"'])
def test_half_of_a_surrogate_pair_is_replaced(text: str) -> None:
    assert json_text.read(text) == "a\ufffd"
    assert json_text.read(f"{{{text}: 1}}") == {"a\ufffd": 1}


def test_an_escaped_backslash_before_u_is_no_surrogate() -> None:
    assert json_text.read('"\\\\ud800"') == "\\ud800"
