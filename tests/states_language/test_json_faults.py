"""Text that is not JSON is described as AWS describes it."""

import json

import pytest

from blueprints.states_language import json_faults


def fault(text):
    with pytest.raises(json.JSONDecodeError) as error:
        json.loads(text)
    return error.value


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "not some json",
            "Unrecognized token 'not': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or",
        ),
        ("{'not': 1}", "Unexpected character (''' (code 39)): was expecting double-quote to start field name"),
        ('{"a": 1', "Unexpected end-of-input"),
        ('{"a": }', "Unexpected character ('}' (code 125)): expected a valid value"),
        ('{"a": 1} x', "Unexpected character ('x' (code 120)): Extra data"),
        ("", "Unexpected end-of-input"),
    ],
)
def test_common_faults_have_the_words_of_aws(text, words):
    assert json_faults.words(text, fault(text)).startswith(words)


def test_the_place_is_a_line_and_a_column_in_the_text():
    assert json_faults.source("not it", fault("not it")) == '[Source: (String)"not it"; line: 1, column: 4]'
    assert json_faults.source('{\n"a": x\n}', fault('{\n"a": x\n}')).endswith("line: 2, column: 7]")


def test_of_a_long_text_the_beginning_is_shown():
    text = "[" + "1," * 400
    assert json_faults.source(text, fault(text)).startswith(f'[Source: (String)"{text[:500]}"[truncated 301 chars];')
