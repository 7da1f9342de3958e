"""Retry and Catch: which failures they take, how often, and what goes on."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueprints.local.services.stepfunctions.execution.retrying import Attempts, matches
from blueprints.states_language.definition import Retrier
from blueprints.states_language.failures import StateFailed
from tests.local.stepfunctions.execution.conftest import Played
from tests.local.stepfunctions.execution.histories import counted, output

WORK = "arn:aws:states:::lambda:work"


def failing(times: int, error: str = "Busy") -> Any:
    """A task that fails so often before it succeeds."""
    failures = iter([StateFailed(error, "not now")] * times)

    def work(_: Any) -> str:
        for failure in failures:
            raise failure
        return "done"

    return work


def machine(**fields: Any) -> dict[str, Any]:
    states = {"Work": {"Type": "Task", "Resource": WORK, **fields, "End": True}}
    if "Catch" in fields:
        states["Caught"] = {"Type": "Pass", "End": True}
    return {"StartAt": "Work", "States": states}


def test_a_task_is_tried_again_until_it_succeeds(play: Played) -> None:
    """MaxAttempts counts the retries."""
    play.tasks.functions[WORK] = failing(3)
    execution = play(machine(Retry=[{"ErrorEquals": ["Busy"], "MaxAttempts": 3}]))
    assert output(execution) == "done"
    assert len(play.tasks.calls) == 4


def test_a_failure_is_final_when_the_attempts_are_used_up(play: Played) -> None:
    """The execution fails with the last error."""
    play.tasks.functions[WORK] = failing(9)
    execution = play(machine(Retry=[{"ErrorEquals": ["Busy"], "MaxAttempts": 2}]))
    assert (execution.status, execution.error, execution.cause) == ("FAILED", "Busy", "not now")
    assert len(play.tasks.calls) == 3


def test_each_retrier_counts_its_own_attempts(play: Played) -> None:
    """Failures of another kind do not use up the attempts of the first."""
    errors = iter(["A", "B", "A", "B"])

    def work(_: Any) -> str:
        for error in errors:
            raise StateFailed(error)
        return "done"

    play.tasks.functions[WORK] = work
    retriers = [{"ErrorEquals": [name], "MaxAttempts": 2} for name in "AB"]
    assert output(play(machine(Retry=retriers))) == "done"


def test_the_context_counts_the_retries(play: Played) -> None:
    """`$$.State.RetryCount` is 0 in the first attempt."""
    play.tasks.functions[WORK] = failing(2)
    execution = play(machine(Parameters={"n.$": "$$.State.RetryCount"}, Retry=[{"ErrorEquals": ["States.ALL"]}]))
    assert output(execution) == "done"
    assert [arguments["n"] for _, arguments in play.tasks.calls] == [0, 1, 2]


def test_a_catch_hands_on_error_and_cause(play: Played) -> None:
    """ResultPath keeps the input beside them."""
    play.tasks.functions[WORK] = failing(1)
    catch = [{"ErrorEquals": ["Busy"], "ResultPath": "$.problem", "Next": "Caught"}]
    execution = play(machine(Catch=catch), {"id": 1})
    assert output(execution) == {"id": 1, "problem": {"Error": "Busy", "Cause": "not now"}}


def test_a_catch_in_jsonata_has_output_and_assign(play: Played) -> None:
    """Both see `$states.errorOutput`."""
    play.tasks.functions[WORK] = failing(1)
    catch = [
        {
            "ErrorEquals": ["States.TaskFailed"],
            "Assign": {"why": "{% $states.errorOutput.Cause %}"},
            "Output": {"error": "{% $states.errorOutput.Error %}", "id": "{% $states.input.id %}"},
            "Next": "Caught",
        }
    ]
    states = machine(Catch=catch)
    states["States"]["Caught"]["Output"] = "{% $merge([$states.input, {'why': $why}]) %}"
    execution = play({"QueryLanguage": "JSONata", **states}, {"id": 5})
    assert output(execution) == {"error": "Busy", "id": 5, "why": "not now"}


def test_a_failure_inside_a_catch_is_not_caught_again(play: Played) -> None:
    """The execution fails with the evaluation's error."""
    play.tasks.functions[WORK] = failing(1)
    catch = [{"ErrorEquals": ["States.ALL"], "Output": "{% $states.errorOutput.Nothing %}", "Next": "Caught"}]
    execution = play({"QueryLanguage": "JSONata", **machine(Catch=catch)})
    assert (execution.status, execution.error) == ("FAILED", "States.QueryEvaluationError")
    assert counted(execution, "EvaluationFailed") == 1


@pytest.mark.parametrize(
    ("names", "error", "taken"),
    [
        (["States.ALL"], "Anything", True),
        (["States.ALL"], None, True),
        (["States.ALL"], "States.Timeout", True),
        (["States.ALL"], "States.Runtime", False),
        (["States.ALL"], "States.DataLimitExceeded", True),
        (["States.Runtime"], "States.Runtime", False),
        (["States.TaskFailed"], "Lambda.Unknown", True),
        (["States.TaskFailed"], "States.Timeout", False),
        (["States.TaskFailed"], "States.HeartbeatTimeout", False),
        (["States.Timeout"], "States.HeartbeatTimeout", True),
        (["States.HeartbeatTimeout"], "States.Timeout", False),
        (["Other"], "Busy", False),
    ],
)
def test_wildcards(names: list[str], error: str | None, *, taken: bool) -> None:
    """The names with a meaning of their own take what AWS recorded."""
    assert matches(names, error) is taken


@given(
    interval=st.integers(1, 100),
    rate=st.floats(1, 5),
    most=st.none() | st.integers(1, 1000),
    jitter=st.booleans(),
    attempts=st.integers(0, 20),
)
def test_delays_grow_to_their_limit(
    interval: int, rate: float, most: int | None, attempts: int, *, jitter: bool
) -> None:
    """Each delay is the last one times the rate, at most MaxDelaySeconds; jitter shortens it."""
    retrier = Retrier(("E",), interval, rate, attempts, most, jitter)
    state = Attempts([retrier])
    for number in range(attempts):
        delay = state.delay_after("E")
        full = min(interval * rate**number, most if most is not None else float("inf"), 31_622_400)
        assert delay is not None
        assert 0 <= delay <= full if jitter else delay == full
    assert state.delay_after("E") is None
    assert state.retries == attempts
