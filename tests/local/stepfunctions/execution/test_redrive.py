"""Redrive: an execution goes on where it ended, and what succeeded is not run again."""

from collections.abc import Callable
from typing import Any

import pytest

from blueprints.states_language.failures import StateFailed
from tests.local.stepfunctions.execution.conftest import Played
from tests.local.stepfunctions.execution.histories import counted, output, types

STEPS = [f"arn:aws:states:::lambda:{name}" for name in ("first", "second", "third")]


def chain() -> dict[str, Any]:
    return {
        "StartAt": STEPS[0],
        "States": {
            step: {
                "Type": "Task",
                "Resource": step,
                "ResultPath": None,
                **({"Next": later} if later else {"End": True}),
            }
            for step, later in zip(STEPS, [*STEPS[1:], None], strict=True)
        },
    }


def fails_once(error: str = "Down") -> Callable[[Any], Any]:
    failures = iter([StateFailed(error)])

    def work(given: Any) -> Any:
        for failure in failures:
            raise failure
        return given

    return work


def names(play: Played) -> list[str]:
    return [resource.rpartition(":")[2] for resource, _ in play.tasks.calls]


@pytest.mark.parametrize("failing", range(3))
def test_a_chain_goes_on_at_the_failed_state(play: Played, failing: int) -> None:
    """With the input that the state had."""
    for place, step in enumerate(STEPS):
        play.tasks.functions[step] = fails_once() if place == failing else (lambda given: given)
    execution = play(chain(), {"id": 1})
    assert execution.status == "FAILED"
    play.engine.redrive(execution)
    assert execution.ended.wait(10)
    assert output(execution) == {"id": 1}
    assert execution.redrive_count == 1
    every = ["first", "second", "third"]
    assert names(play) == every[: failing + 1] + every[failing:]
    assert counted(execution, "ExecutionRedriven") == 1
    assert counted(execution, "TaskStateEntered") == 3


def test_only_failed_iterations_run_again(play: Played) -> None:
    """Iterations that succeeded keep their outputs."""
    down = {2, 4}
    calls: list[int] = []

    def work(given: int) -> int:
        calls.append(given)
        if given in down:
            raise StateFailed("Down")
        return given * 10

    play.tasks.functions[STEPS[0]] = work
    processor = {"StartAt": "T", "States": {"T": {"Type": "Task", "Resource": STEPS[0], "End": True}}}
    each = {"Type": "Map", "ItemProcessor": processor, "MaxConcurrency": 1, "End": True}
    execution = play({"StartAt": "Each", "States": {"Each": each}}, [1, 2, 3, 4])
    assert execution.status == "FAILED"
    assert calls == [1, 2]
    down.remove(2)
    play.engine.redrive(execution)
    assert execution.ended.wait(10)
    assert (execution.status, calls) == ("FAILED", [1, 2, 2, 3, 4])
    down.remove(4)
    play.engine.redrive(execution)
    assert execution.ended.wait(10)
    assert output(execution) == [10, 20, 30, 40]
    assert calls == [1, 2, 2, 3, 4, 4]


def test_only_failed_branches_run_again(play: Played) -> None:
    """From the state in the branch that failed."""
    play.tasks.functions = {STEPS[0]: lambda _: "a", STEPS[1]: lambda _: "b", STEPS[2]: fails_once()}
    branches = [
        {"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": STEPS[0], "End": True}}},
        {
            "StartAt": "B",
            "States": {
                "B": {"Type": "Task", "Resource": STEPS[1], "Next": "C"},
                "C": {"Type": "Task", "Resource": STEPS[2], "End": True},
            },
        },
    ]
    execution = play({"StartAt": "P", "States": {"P": {"Type": "Parallel", "Branches": branches, "End": True}}})
    assert execution.status == "FAILED"
    play.engine.redrive(execution)
    assert execution.ended.wait(10)
    assert output(execution) == ["a", "b"]
    assert sorted(names(play)) == ["first", "second", "third", "third"]


def test_variables_survive(play: Played) -> None:
    """A redriven execution has the variables it had."""
    play.tasks.functions[STEPS[0]] = fails_once()
    machine = {
        "StartAt": "Set",
        "States": {
            "Set": {"Type": "Pass", "Assign": {"kept": 5}, "Next": "T"},
            "T": {"Type": "Task", "Resource": STEPS[0], "Parameters": {"v.$": "$kept"}, "End": True},
        },
    }
    execution = play(machine)
    play.engine.redrive(execution)
    assert execution.ended.wait(10)
    assert output(execution) == {"v": 5}


def test_a_stopped_execution_can_be_redriven(play: Played) -> None:
    """StopExecution ends it as ABORTED; the state that ran is run again."""
    machine = {
        "StartAt": "W",
        "States": {"W": {"Type": "Wait", "Seconds": 86_400, "Next": "S"}, "S": {"Type": "Succeed"}},
    }
    execution = play.start(machine, {"x": 1})
    play.engine.stop(execution, "Operator", "maintenance")
    assert (execution.status, execution.error, execution.cause) == ("ABORTED", "Operator", "maintenance")
    assert types(execution) == ["ExecutionStarted", "WaitStateEntered", "ExecutionAborted"]
    play.engine.redrive(execution)
    play.engine.stop(execution)
    assert execution.status == "ABORTED"
    assert types(execution)[-2:] == ["ExecutionRedriven", "ExecutionAborted"]
