import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueprints.states_language.choice_rules import COMPARISONS, OPERATORS, matches
from blueprints.states_language.failures import EvaluationFailed, StateFailed
from tests.states_language.machines import SENTENCE, in_any_time, seen

INPUT = {
    "n": 5,
    "f": 5.5,
    "s": "log-2.txt",
    "t": "2024-05-06T07:08:09Z",
    "yes": True,
    "nothing": None,
    "list": [1],
    "five": 5,
    "star": "a*b\\",
}


def rule_holds(rule):
    return matches({"Next": "A", **rule}, seen(INPUT, context={"n": 5}, variables={"v": 5}), "JSONPath")


@pytest.mark.parametrize(
    ("path", "operator", "operand", "holds"),
    [
        ("$.n", "NumericEquals", 5, True),
        ("$.n", "NumericEquals", 5.0, True),
        ("$.s", "NumericEquals", 5, False),
        ("$.yes", "NumericEquals", 1, False),
        ("$.n", "NumericLessThan", 5, False),
        ("$.n", "NumericLessThanEquals", 5, True),
        ("$.f", "NumericGreaterThan", 5, True),
        ("$.f", "NumericGreaterThanEquals", 5.6, False),
        ("$.n", "NumericEqualsPath", "$.five", True),
        ("$.n", "NumericLessThanPath", "$.f", True),
        ("$$.n", "NumericEqualsPath", "$v", True),
        ("$.s", "StringEquals", "log-2.txt", True),
        ("$.s", "StringLessThan", "log-3", True),
        ("$.s", "StringGreaterThanEquals", "log", True),
        ("$.n", "StringEquals", "5", False),
        ("$.s", "StringEqualsPath", "$.s", True),
        ("$.yes", "BooleanEquals", True, True),
        ("$.yes", "BooleanEquals", False, False),
        ("$.n", "BooleanEquals", True, False),
        ("$.yes", "BooleanEqualsPath", "$.yes", True),
        ("$.t", "TimestampEquals", "2024-05-06T09:08:09+02:00", True),
        ("$.t", "TimestampLessThan", "2024-05-06T07:08:09.5Z", True),
        ("$.t", "TimestampGreaterThanEqualsPath", "$.t", True),
        ("$.s", "TimestampEquals", "2024-05-06T07:08:09Z", False),
        ("$.s", "StringMatches", "log-*.txt", True),
        ("$.s", "StringMatches", "*", True),
        ("$.s", "StringMatches", "log-?.txt", False),
        ("$.s", "StringMatches", "og-*", False),
        ("$.star", "StringMatches", "a\\*b\\\\", True),
        ("$.s", "StringMatches", "log\\*", False),
        ("$.n", "StringMatches", "*", False),
        ("$.nothing", "IsNull", True, True),
        ("$.n", "IsNull", False, True),
        ("$.f", "IsNumeric", True, True),
        ("$.yes", "IsNumeric", True, False),
        ("$.s", "IsString", True, True),
        ("$.yes", "IsBoolean", True, True),
        ("$.list", "IsString", False, True),
        ("$.t", "IsTimestamp", True, True),
        ("$.s", "IsTimestamp", True, False),
        ("$.n", "IsPresent", True, True),
        ("$.nothing", "IsPresent", True, True),
        ("$.absent", "IsPresent", True, False),
        ("$.absent.deep", "IsPresent", False, True),
    ],
)
def test_an_operator_tests_the_value(path, operator, operand, holds):
    assert rule_holds({"Variable": path, operator: operand}) is holds


TRUE, FALSE = {"Variable": "$.yes", "BooleanEquals": True}, {"Variable": "$.yes", "BooleanEquals": False}


@pytest.mark.parametrize(
    ("rule", "holds"),
    [
        ({"And": [TRUE, TRUE]}, True),
        ({"And": [TRUE, FALSE]}, False),
        ({"Or": [FALSE, TRUE]}, True),
        ({"Or": [FALSE, FALSE]}, False),
        ({"Not": FALSE}, True),
        ({"Not": {"Or": [FALSE, {"And": [TRUE, {"Not": TRUE}]}]}}, True),
        ({"And": [{"Variable": "$.absent", "IsPresent": True}, {"Variable": "$.absent", "IsNull": True}]}, False),
    ],
)
def test_rules_are_combined(rule, holds):
    assert rule_holds(rule) is holds


@pytest.mark.parametrize(
    "rule",
    [{"Variable": "$.absent", "IsNull": True}, {"Variable": "$.n", "NumericEqualsPath": "$.absent"}],
)
def test_a_path_that_leads_nowhere_fails_the_state(rule):
    with pytest.raises(StateFailed) as caught:
        rule_holds(rule)
    reason = "Invalid path '$.absent': The choice state's condition path references an invalid value."
    assert (caught.value.error, caught.value.cause) == ("States.Runtime", SENTENCE + reason)


def test_jsonata_conditions_are_booleans():
    data = seen({"n": 2})
    assert matches({"Condition": "{% $states.input.n > 1 %}"}, data, "JSONata") is True
    assert matches({"Condition": True}, data, "JSONata") is True
    with pytest.raises(EvaluationFailed) as caught:
        matches({"Condition": "{% $states.input.n %}"}, data, "JSONata", 3)
    assert caught.value.location == "Choices[3]/Condition"
    assert "Expected 'boolean', but was 'number' for value: 2" in str(caught.value.cause)


def test_every_operator_of_the_specification_exists():
    assert len(COMPARISONS) == 16
    assert len(OPERATORS) == 39


@in_any_time
@given(st.integers() | st.floats(allow_nan=False), st.integers() | st.floats(allow_nan=False))
def test_one_of_less_equal_greater_holds_for_numbers(one, other):
    results = [COMPARISONS[f"Numeric{order}"](one, other) for order in ("LessThan", "Equals", "GreaterThan")]
    assert sum(results) == 1


@in_any_time
@given(st.text(max_size=4), st.text(max_size=4))
def test_one_of_less_equal_greater_holds_for_strings(one, other):
    results = [COMPARISONS[f"String{order}"](one, other) for order in ("LessThan", "Equals", "GreaterThan")]
    assert sum(results) == 1


@in_any_time
@given(st.text(max_size=12))
def test_an_escaped_text_matches_itself(text):
    pattern = text.replace("\\", "\\\\").replace("*", "\\*")
    rule = {"Variable": "$.t", "StringMatches": pattern}
    assert matches(rule, seen({"t": text}), "JSONPath")
    assert not matches(dict(rule), seen({"t": text + "x"}), "JSONPath")
