"""Wildcards and variables of policies, for any text."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueprints.local.services.iam.policies import patterns, variables

TEXT = st.text(st.sampled_from(string.ascii_lowercase[:3] + ":/*?${}'-"), max_size=12)
SEGMENT = st.text(st.sampled_from("abc*?-"), max_size=4)
ARN = st.tuples(*[SEGMENT] * 6).map(":".join)


def matches(compiled, text):
    return compiled.fullmatch(text) is not None


@given(TEXT)
def test_a_literal_matches_its_text_alone(text):
    for compile_pattern in (patterns.string_pattern, patterns.arn_pattern, patterns.resource_pattern):
        compiled = compile_pattern(patterns.literal(text))
        assert matches(compiled, text)
        assert not matches(compiled, text.replace("*", "x") + "x")


@given(TEXT)
def test_a_literal_is_shown_as_its_text(text):
    assert patterns.plain(patterns.literal(text)) == text


@given(ARN, ARN)
def test_a_resource_matches_more_than_an_arn_and_less_than_a_string(pattern, arn):
    """Of the three ways to match, ArnLike lets a wildcard cover least, and StringLike most."""
    if matches(patterns.arn_pattern(pattern), arn):
        assert matches(patterns.resource_pattern(pattern), arn)
    if matches(patterns.resource_pattern(pattern), arn):
        assert matches(patterns.string_pattern(pattern), arn)


@pytest.mark.parametrize(
    ("pattern", "arn", "as_resource", "as_arn"),
    [
        ("*", "*", True, True),
        ("arn:aws:s3:::*", "*", False, False),
        ("arn:aws:sqs:*:*:q", "arn:aws:sqs:us-east-1:1:q", True, True),
        ("arn:aws:sqs:*:q", "arn:aws:sqs:us-east-1:1:q", True, False),
        ("arn:aws:sqs:u*1:q", "arn:aws:sqs:us-east-1:1:q", False, False),
        ("arn:aws:sqs:*", "arn:aws:sqs:us-east-1:1:q", True, True),
        ("arn:aws:sqs", "arn:aws:sqs:us-east-1:1:q", True, False),
        ("arn:aws:lambda:*:*:function:*", "arn:aws:lambda:us-east-1:1:function:f:live", True, True),
        ("arn:aws:lambda:*:*:function:?", "arn:aws:lambda:us-east-1:1:function:f:live", False, False),
        ("arn:aws:logs:*:*:log-group:/a*", "arn:aws:logs:us-east-1:1:log-group:/a/b:log-stream:c", True, True),
        ("arn:aws:iam::1?role/r", "arn:aws:iam::1:role/r", False, False),
    ],
)
def test_wildcards_and_colons(pattern, arn, as_resource, as_arn):
    assert matches(patterns.resource_pattern(pattern), arn) is as_resource
    assert matches(patterns.arn_pattern(pattern), arn) is as_arn


@given(TEXT, TEXT, TEXT)
def test_a_variable_is_replaced_once(before, value, after):
    """Its value is neither a wildcard nor a variable."""
    before, after = before.replace("$", ""), after.replace("$", "")
    found = variables.expanded(f"{before}${{aws:userid}}{after}", {"aws:userid": value}.get)
    assert found == before + patterns.literal(value) + after


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${aws:username}", "jo"),
        ("${ aws:username }", "jo"),
        ("a/${aws:username}/${aws:username}", "a/jo/jo"),
        ("${aws:PrincipalTag/a b}", "tagged"),
        ("${missing}", None),
        ("x${missing}", None),
        ("${missing, 'else'}", "else"),
        ("${aws:username, 'else'}", "jo"),
        ("${missing, 'it''s'}", "it's"),
        ("${missing,''}", ""),
        ("${many}", None),
        ("${many, 'else'}", "else"),
        ("${$}{aws:username}", "${aws:username}"),
        ("${unclosed", "${unclosed"),
        ("no variable", "no variable"),
    ],
)
def test_variables(text, expected):
    values = {"aws:username": "jo", "aws:PrincipalTag/a b": "tagged", "many": ["1", "2"]}
    found = variables.expanded(text, values.get)
    assert (found if found is None else patterns.plain(found)) == expected
