"""The variables that each state reads, as DescribeStateMachine shows them."""

import json

import pytest

from blueprints.states_language.definition import parse
from blueprints.states_language.variable_references import variable_references

ASSIGN = {"Type": "Pass", "Assign": {"a": 1, "b": "x", "c": [1]}, "Next": "Read"}


def references(reading):
    states = {"Assign": ASSIGN, "Read": reading, "End": {"Type": "Succeed"}}
    machine = {"StartAt": "Assign", "States": states}
    return variable_references(parse(json.dumps(machine)))


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        ({"Parameters": {"v.$": "$a", "w": "$b"}}, ["a"]),
        ({"Parameters": {"v.$": "States.Format('$b {} {}', $a, $.x)"}}, ["a"]),
        ({"InputPath": "$c[0]"}, ["c"]),
        ({"OutputPath": "$b"}, ["b"]),
        ({"Assign": {"b.$": "States.ArrayLength($c)"}}, ["c"]),
        ({"Parameters": {"v.$": "$$.Execution.Name", "w.$": "$.a"}}, None),
        ({"Result": {"someVariable": "$a", "v.$": "$b"}}, None),
    ],
    ids=["path", "intrinsic", "InputPath", "OutputPath", "Assign", "no variable", "constant"],
)
def test_the_paths_of_a_state_are_searched(fields, names):
    assert references({"Type": "Pass", **fields, "Next": "End"}) == ({"Read": names} if names else {})


def test_the_rules_of_a_choice_and_its_operands_are_searched():
    rule = {"And": [{"Variable": "$a", "NumericEqualsPath": "$b"}, {"Not": {"Variable": "$c", "IsNull": True}}]}
    choice = {"Type": "Choice", "Choices": [{**rule, "Next": "End"}]}

    assert references(choice) == {"Read": ["a", "b", "c"]}


def test_expressions_are_searched_without_names_of_their_own():
    reading = {
        "Type": "Pass",
        "QueryLanguage": "JSONata",
        "Output": {
            "v": "{% ($local := $a; $map($c, function($each) { $each + $local })) %}",
            "w": ["{% $states.input.b %}"],
        },
        "Next": "End",
    }

    assert references(reading) == {"Read": ["a", "c"]}


def test_a_built_in_function_is_no_variable():
    reading = {"Type": "Pass", "QueryLanguage": "JSONata", "Output": "{% $map($c, $string) %}", "Next": "End"}

    assert references(reading) == {"Read": ["c"]}


def test_nested_states_are_named_themselves():
    inner = {"StartAt": "In", "States": {"In": {"Type": "Pass", "Parameters": {"v.$": "$a"}, "End": True}}}
    reading = {"Type": "Map", "ItemsPath": "$c", "ItemProcessor": inner, "Next": "End"}

    assert references(reading) == {"Read": ["c"], "In": ["a"]}
