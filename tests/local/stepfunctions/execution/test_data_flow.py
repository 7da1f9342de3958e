"""How data goes through states, in both query languages."""

import pytest

from tests.local.stepfunctions.execution.conftest import Played
from tests.local.stepfunctions.execution.histories import output

ECHO = "arn:aws:states:::lambda:echo"


def test_paths_select_and_place_data(play: Played) -> None:
    """InputPath, Parameters, ResultSelector, ResultPath and OutputPath apply in this order."""
    play.tasks.functions[ECHO] = lambda given: {"got": given, "noise": 1}
    machine = {
        "StartAt": "Ask",
        "States": {
            "Ask": {
                "Type": "Task",
                "Resource": ECHO,
                "InputPath": "$.order",
                "Parameters": {"number.$": "$.id", "fixed": True},
                "ResultSelector": {"answer.$": "$.got"},
                "ResultPath": "$.order.reply",
                "OutputPath": "$.order",
                "End": True,
            }
        },
    }
    execution = play(machine, {"order": {"id": 7}, "other": 1})
    assert output(execution) == {"id": 7, "reply": {"answer": {"number": 7, "fixed": True}}}
    assert play.tasks.calls == [(ECHO, {"number": 7, "fixed": True})]


def test_jsonata_arguments_and_output(play: Played) -> None:
    """Arguments see the input, Output sees the result."""
    play.tasks.functions[ECHO] = lambda given: {"total": given["a"] + given["b"]}
    machine = {
        "QueryLanguage": "JSONata",
        "StartAt": "Add",
        "States": {
            "Add": {
                "Type": "Task",
                "Resource": ECHO,
                "Arguments": {"a": "{% $states.input.x %}", "b": 2},
                "Output": {"sum": "{% $states.result.total %}", "of": "{% $states.context.State.Name %}"},
                "End": True,
            }
        },
    }
    assert output(play(machine, {"x": 40})) == {"sum": 42, "of": "Add"}


@pytest.mark.parametrize(
    ("assign", "language"),
    [
        ({"a.$": "$b", "b.$": "$a"}, "JSONPath"),
        ({"a": "{% $b %}", "b": "{% $a %}"}, "JSONata"),
    ],
)
def test_assignments_all_see_the_values_before_the_state(play: Played, assign: dict[str, str], language: str) -> None:
    """A state can swap two variables."""
    read = {"Output": {"a": "{% $a %}", "b": "{% $b %}"}, "QueryLanguage": "JSONata"}
    machine = {
        "StartAt": "Set",
        "States": {
            "Set": {"Type": "Pass", "Assign": {"a": 1, "b": 2}, "Next": "Swap"},
            "Swap": {"Type": "Pass", "Assign": assign, "QueryLanguage": language, "Next": "Read"},
            "Read": {"Type": "Pass", **read, "End": True},
        },
    }
    assert output(play(machine)) == {"a": 2, "b": 1}


def test_variables_of_a_branch_stay_in_it(play: Played) -> None:
    """A branch reads the variables around it; what it assigns is gone when it ends."""
    branch = {
        "StartAt": "Inner",
        "States": {
            "Inner": {
                "Type": "Pass",
                "Assign": {"inside": "{% $outside + 1 %}"},
                "Output": "{% $outside %}",
                "End": True,
            }
        },
    }
    machine = {
        "QueryLanguage": "JSONata",
        "StartAt": "Set",
        "States": {
            "Set": {"Type": "Pass", "Assign": {"outside": 1}, "Next": "Both"},
            "Both": {"Type": "Parallel", "Branches": [branch], "Next": "Read"},
            "Read": {"Type": "Pass", "Output": "{% $exists($inside) %}", "End": True},
        },
    }
    assert output(play(machine)) is False


def test_a_missing_path_fails_the_execution(play: Played) -> None:
    """AWS fails with States.Runtime instead of going on with null."""
    execution = play({"StartAt": "P", "States": {"P": {"Type": "Pass", "InputPath": "$.gone", "End": True}}})
    assert (execution.status, execution.error) == ("FAILED", "States.Runtime")
    assert "Missing property" in str(execution.cause) or "No results for path" in str(execution.cause)


def test_an_undefined_expression_fails_the_state(play: Played) -> None:
    """A JSONata expression without a value is an error with a name that Catch can take."""
    machine = {
        "QueryLanguage": "JSONata",
        "StartAt": "P",
        "States": {"P": {"Type": "Pass", "Output": "{% $states.input.gone %}", "End": True}},
    }
    execution = play(machine)
    assert (execution.status, execution.error) == ("FAILED", "States.QueryEvaluationError")
    evaluation = next(each for each in execution.history.events if each["type"] == "EvaluationFailed")
    assert evaluation["evaluationFailedEventDetails"]["location"] == "Output"


def test_an_output_over_the_limit_fails_the_state(play: Played) -> None:
    """A state's output may have 256 KiB of UTF-8."""
    play.tasks.functions[ECHO] = lambda given: given["fill"] * given["times"]
    machine = {"StartAt": "T", "States": {"T": {"Type": "Task", "Resource": ECHO, "End": True}}}
    fits = play(machine, {"fill": "é", "times": 128 * 1024 - 1})
    assert len(output(fits)) == 128 * 1024 - 1
    too_large = play(machine, {"fill": "é", "times": 128 * 1024})
    assert (too_large.status, too_large.error) == ("FAILED", "States.DataLimitExceeded")
    assert "'T'" in str(too_large.cause)


def test_a_choice_without_a_match_and_default_fails(play: Played) -> None:
    """The error has a name of its own."""
    rule = {"Variable": "$.x", "NumericEquals": 1, "Next": "S"}
    machine = {"StartAt": "C", "States": {"C": {"Type": "Choice", "Choices": [rule]}, "S": {"Type": "Succeed"}}}
    assert output(play(machine, {"x": 1})) == {"x": 1}
    assert play(machine, {"x": 2}).error == "States.NoChoiceMatched"


PARALLEL = {
    "Type": "Parallel",
    "Parameters": {"one.$": "$big", "two.$": "$big"},
    "Branches": [{"StartAt": "In", "States": {"In": {"Type": "Pass", "Result": 1, "End": True}}}],
    "End": True,
}
EACH = {
    "Type": "Map",
    "ItemSelector": {"one.$": "$big", "two.$": "$big"},
    "ItemsPath": "$.items",
    "ItemProcessor": {"StartAt": "In", "States": {"In": {"Type": "Pass", "Result": 1, "End": True}}},
    "End": True,
}
TASK = {"Type": "Task", "Resource": ECHO, "Parameters": {"one.$": "$big", "two.$": "$big"}, "End": True}


@pytest.mark.parametrize("state", [TASK, PARALLEL, EACH], ids=["Task", "Parallel", "Map"])
def test_parameters_over_the_limit_fail_the_state_before_its_work(play: Played, state: dict[str, object]) -> None:
    """The limit holds for what a state makes out of variables, too."""
    play.tasks.functions[ECHO] = lambda _: None
    states = {"Set": {"Type": "Pass", "Assign": {"big.$": "$.text"}, "Next": "Work"}, "Work": state}
    execution = play({"StartAt": "Set", "States": states}, {"text": "x" * 140_000, "items": [1]})
    assert (execution.status, execution.error) == ("FAILED", "States.DataLimitExceeded")
    assert "The state/task 'Work' provided parameters with a size exceeding the maximum" in str(execution.cause)
    assert play.tasks.calls == []


@pytest.mark.parametrize(("size", "status"), [(131_070, "SUCCEEDED"), (131_071, "FAILED")])
def test_an_assignment_may_have_256_kib_in_all(play: Played, size: int, status: str) -> None:
    """Two values count together, with their quotes."""
    states = {
        "Set": {"Type": "Pass", "Assign": {"a.$": "$", "b.$": "$"}, "Next": "End"},
        "End": {"Type": "Pass", "Result": 1, "End": True},
    }
    execution = play({"StartAt": "Set", "States": states}, "x" * size)
    assert execution.status == status
    if status == "FAILED":
        assert execution.error == "States.DataLimitExceeded"


@pytest.mark.parametrize("value", [7, {"a": 1}, None, True])
def test_error_and_cause_have_to_be_strings(play: Played, value: object) -> None:
    """A Fail state with another value fails on that, in both query languages."""
    by_path = {"Type": "Fail", "ErrorPath": "$.value", "CausePath": "$.value"}
    execution = play({"StartAt": "F", "States": {"F": by_path}}, {"value": value})
    assert (execution.status, execution.error) == ("FAILED", "States.Runtime")
    assert "not a valid string: $.value" in str(execution.cause)

    jsonata = {"Type": "Fail", "QueryLanguage": "JSONata", "Error": "E", "Cause": "{% $states.input.value %}"}
    execution = play({"StartAt": "F", "States": {"F": jsonata}}, {"value": value})
    assert (execution.status, execution.error) == ("FAILED", "States.QueryEvaluationError")
    assert "Expected 'string'" in str(execution.cause)


def test_a_map_runs_over_the_entries_of_an_object(play: Played) -> None:
    """ItemsPath may lead to an object; the context object has the key."""
    each = {
        "Type": "Map",
        "ItemsPath": "$.stock",
        "ItemProcessor": {"StartAt": "In", "States": {"In": {"Type": "Pass", "End": True}}},
        "End": True,
    }
    given = {"stock": {"apples": 3, "pears": 4}}
    pairs = [{"Key": "apples", "Value": 3}, {"Key": "pears", "Value": 4}]
    assert output(play({"StartAt": "M", "States": {"M": each}}, given)) == pairs
    selecting = {**each, "ItemSelector": {"name.$": "$$.Map.Item.Key"}}
    assert output(play({"StartAt": "M", "States": {"M": selecting}}, given)) == [{"name": "apples"}, {"name": "pears"}]


def test_an_object_written_into_items_is_refused(play: Played) -> None:
    """JSONata's Items has to be an array, whether it is written out or the value of an expression."""
    each = {
        "Type": "Map",
        "Items": {"a": 1},
        "ItemProcessor": {"StartAt": "In", "States": {"In": {"Type": "Pass", "End": True}}},
        "End": True,
    }
    execution = play({"QueryLanguage": "JSONata", "StartAt": "M", "States": {"M": each}})
    assert (execution.status, execution.error) == ("FAILED", "States.QueryEvaluationError")
    assert "must be an array but was" in str(execution.cause)
