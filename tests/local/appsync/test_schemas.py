"""Schemas of APIs: what is refused, what directives say, and which values scalars accept."""

import json

import graphql
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueprints.local.services.appsync.schemas import AuthRule, InvalidSchema, parse, scalars

VALID = {
    "AWSDate": ["2026-02-28", "2026-02-28Z", "2026-02-28+05:30", "2026-02-28-07:00:30"],
    "AWSTime": ["12:30", "12:30:59", "12:30:59.123456789Z", "12:30:59-07:00"],
    "AWSDateTime": ["2026-02-28T12:30Z", "2026-02-28T12:30:59.5+05:30", "2026-02-28T12:30:59Z"],
    "AWSTimestamp": [0, -1, 1_700_000_000_000],
    "AWSEmail": ["ada@example.com", "a.b+c@mail.example.co.uk"],
    "AWSJSON": ["{}", "null", '"text"', "[1, 2]"],
    "AWSURL": ["https://example.com/a?b=c#d", "http://localhost:8080", "mailto:ada@example.com"],
    "AWSPhone": ["+1 206-555-0100", "206-555-0100", "+4930123456"],
    "AWSIPAddress": ["127.0.0.1", "10.0.0.0/8", "::1", "2001:db8::/32"],
}
INVALID = {
    "AWSDate": ["2026-02-30", "28.02.2026", "2026-2-8", "2026-02-28T00:00:00Z", "2026-02-28+25:00", 20260228, ""],
    "AWSTime": ["25:00", "12", "12:30:61", "12:30+5", 12],
    "AWSDateTime": ["2026-02-28T12:30:59", "2026-02-28", "2026-02-28 12:30:59Z", "2026-13-01T00:00:00Z"],
    "AWSTimestamp": ["now", 1.5, True, 2**63],
    "AWSEmail": ["ada", "ada@", "@example.com", "a b@example.com", "ada@localhost"],
    "AWSJSON": ["{", "text", "", 5],
    "AWSURL": ["example.com", "/path", "https://", "https://a b.com", 5],
    "AWSPhone": ["12", "call me", "+1234567890123456", 2065550100],
    "AWSIPAddress": ["300.0.0.1", "localhost", "10.0.0.0/33", 5],
}


def accepts(name, value):
    """Whether a variable of a scalar takes a value."""
    type_ = parse(
        "type Query { a: AWSDate b: AWSTime c: AWSDateTime d: AWSTimestamp e: AWSEmail f: AWSJSON g: AWSURL "
        "h: AWSPhone i: AWSIPAddress }"
    ).graphql.type_map[name]
    try:
        type_.parse_value(value)
    except graphql.GraphQLError:
        return False
    return True


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in VALID.items() for value in values])
def test_valid_values(name, value):
    assert accepts(name, value)
    assert scalars.serialize(name, value) == value


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in INVALID.items() for value in values])
def test_invalid_values(name, value):
    assert not accepts(name, value)
    if name != "AWSJSON":  # a response has any value as JSON
        with pytest.raises(scalars.Unserializable, match="Unable to serialize `"):
            scalars.serialize(name, value)


def test_json_of_responses_is_text():
    assert scalars.serialize("AWSJSON", {"a": [1, "ü"]}) == '{"a":[1,"ü"]}'
    assert scalars.serialize("AWSJSON", '{"a": 1}') == '{"a": 1}'
    assert scalars.serialize("AWSJSON", "plain") == '"plain"'


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda each: st.lists(each, max_size=3) | st.dictionaries(st.text(max_size=3), each, max_size=3),
    max_leaves=5,
)


@given(
    st.sampled_from([*VALID, "Int", "Float", "Boolean", "ID", "String"]),
    json_values.filter(lambda each: each is not None),
)
def test_serialized_values_stay_as_they_are(name, value):
    try:
        serialized = scalars.serialize(name, value)
    except scalars.Unserializable:
        return
    assert scalars.serialize(name, serialized) == serialized
    assert json.loads(json.dumps(serialized)) == serialized
    if name in VALID:
        assert accepts(name, serialized)


@pytest.mark.parametrize(
    ("definition", "message"),
    [
        ("type Query { a: Missing }", "Unknown type 'Missing'."),
        ("type Query { a: String", "Schema has invalid syntax at line 1 column 23: Expected Name, found <EOF>."),
        ("type Note { a: String }", "Query root type must be provided."),
        ("type Query { a: String @nope }", "Unknown directive '@nope'."),
        ("scalar Decimal type Query { a: Decimal }", "Schema defines an unsupported scalar [Decimal]."),
        (
            'type Query { a: Int } type Subscription { s: Int @aws_subscribe(mutations: ["m"]) }',
            "Subscription field s: there is no mutation m.",
        ),
        (
            (
                "type Query { a: Int } type Mutation { m: String }"
                ' type Subscription { s: Int @aws_subscribe(mutations: ["m"]) }'
            ),
            "Subscription field s and mutation m have different output types.",
        ),
        ("type Query { a: Int } type Query { b: Int }", "There can be only one type named 'Query'."),
        ("type Query { a: " + "[" * 2000 + "Int" + "]" * 2000 + " }", "The schema is nested too deeply."),
    ],
)
def test_invalid_schemas(definition, message):
    with pytest.raises(InvalidSchema) as refused:
        parse(definition)
    assert message in str(refused.value)


def test_rules_of_fields_come_before_those_of_types():
    schema = parse("""
        type Query { own: Note @aws_api_key @aws_auth(cognito_groups: ["a", "b"])  none: Note }
        type Note @aws_iam @aws_cognito_user_pools(cognito_groups: ["c"]) { id: ID  open: ID @aws_lambda }
        extend type Note @aws_oidc { more: ID }
    """)
    assert schema.authorization_of("Query", "own") == (
        AuthRule("API_KEY", (), "aws_api_key"),
        AuthRule("AMAZON_COGNITO_USER_POOLS", ("a", "b"), "aws_auth"),
    )
    assert schema.authorization_of("Query", "none") == ()
    assert [each.mode for each in schema.authorization_of("Note", "id")] == [
        "AWS_IAM",
        "AMAZON_COGNITO_USER_POOLS",
        "OPENID_CONNECT",
    ]
    assert [each.mode for each in schema.authorization_of("Note", "open")] == ["AWS_LAMBDA"]
    assert schema.authorization_of("Missing", "field") == ()


def test_subscriptions_and_the_mutations_they_follow():
    schema = parse("""
        type Query { a: Int }
        type Mutation { put: Int  drop: Int }
        type Subscription {
          changed: Int @aws_subscribe(mutations: ["put", "drop"])
          put: Int @aws_subscribe(mutations: ["put"])
        }
    """)
    assert schema.subscribed_mutations("changed") == ("put", "drop")
    assert schema.subscribed_mutations("put") == ("put",)


def test_own_definitions_of_appsyncs_scalars_and_directives_are_accepted():
    parse("scalar AWSDate directive @aws_iam on FIELD_DEFINITION type Query { a: AWSDate @aws_iam }")


def test_the_same_text_is_read_once():
    definition = "type Query { once: Int }"
    assert parse(definition) is parse(definition)


@pytest.mark.parametrize("value", [10**400, -(10**400), "9" * 5000, "1e400", float("inf"), "", "1_0", "x", "inf"])
def test_numbers_that_are_no_int(value):
    with pytest.raises(scalars.Unserializable, match="Expected type 'Int' but was "):
        scalars.serialize("Int", value)


def test_numbers_as_text():
    assert scalars.serialize("Int", "12") == 12
    assert scalars.serialize("Int", "12.0") == 12
    assert scalars.serialize("Float", "1.5") == 1.5
    with pytest.raises(scalars.Unserializable):
        scalars.serialize("Float", float("nan"))
