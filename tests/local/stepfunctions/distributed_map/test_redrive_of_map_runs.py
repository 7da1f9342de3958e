"""Redrive of a Map Run: what succeeded is not run again."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from blueprints.local.services.stepfunctions.execution.history import MOST_EVENTS
from blueprints.states_language.failures import StateFailed
from tests.local.stepfunctions.distributed_map.conftest import TASK, WORK, PlayedMaps, distributed
from tests.local.stepfunctions.distributed_map.test_map_runs import counts
from tests.local.stepfunctions.execution.histories import output, types
from tests.local.waiting import until


def broken_until(repaired: list[bool], *items: Any) -> Callable[[Any], Any]:
    def work(item: Any) -> Any:
        if item in items and not repaired:
            raise StateFailed("Broken")
        return item

    return work


@pytest.mark.parametrize("kind", ["STANDARD", "EXPRESS"])
def test_only_unsuccessful_and_pending_children_run_again(play: PlayedMaps, kind: str):
    repaired: list[bool] = []
    play.tasks.functions[WORK] = broken_until(repaired, 2)
    execution = play(distributed(TASK, kind=kind, MaxConcurrency=1), [1, 2, 3, 4])
    run = play.run_of(execution)
    assert (execution.status, run.status) == ("FAILED", "FAILED")
    assert counts(run.description()["itemCounts"]) == {"succeeded": 1, "failed": 1, "pending": 2, "total": 4}
    failed = [each.arn for each in run.executions() if each.status == "FAILED"]
    assert [arguments for _, arguments in play.tasks.calls] == [1, 2]
    repaired.append(True)
    play.redrive(execution)
    assert output(execution) == [1, 2, 3, 4]
    assert sorted(arguments for _, arguments in play.tasks.calls) == [1, 2, 2, 3, 4]
    assert play.run_of(execution) is run
    described = run.description()
    assert (described["status"], described["redriveCount"]) == ("SUCCEEDED", 1)
    assert described["redriveDate"] >= described["startDate"]
    assert counts(described["executionCounts"]) == {"succeeded": 4, "total": 4}
    assert types(execution)[-6:] == [
        "ExecutionRedriven",
        "MapRunRedriven",
        "MapRunSucceeded",
        "MapStateSucceeded",
        "MapStateExited",
        "ExecutionSucceeded",
    ]
    again = [each for each in run.executions() if each.arn in failed]
    if kind == "STANDARD":
        (child,) = again
        assert child.redrive_count == 1
        assert types(child)[-4:] == ["ExecutionFailed", "ExecutionRedriven", "TaskStateExited", "ExecutionSucceeded"]
    else:
        assert again == []


def test_a_stopped_map_run_goes_on(play: PlayedMaps):
    held: list[bool] = [True]

    async def work(item: Any) -> Any:
        while held and item != 1:
            await asyncio.sleep(0.001)
        return item

    play.tasks.functions[WORK] = work
    execution = play.start(distributed(TASK), [1, 2, 3])
    until(lambda: len(play.tasks.calls) == 3)
    play.engine.stop(execution)
    assert counts(play.run_of(execution).description()["itemCounts"]) == {"succeeded": 1, "aborted": 2, "total": 3}
    held.clear()
    play.redrive(execution)
    assert output(execution) == [1, 2, 3]
    assert len(play.tasks.calls) == 5


def test_failures_after_a_redrive_count_anew(play: PlayedMaps):
    repaired: list[bool] = []
    work = broken_until(repaired, 2, 3)
    play.tasks.functions[WORK] = work
    execution = play(distributed(TASK, ToleratedFailureCount=1), [1, 2, 3])
    assert execution.status == "FAILED"
    play.tasks.functions[WORK] = broken_until([], 3)
    play.redrive(execution)
    assert output(execution) == [1, 2]


def test_a_redrive_needs_the_permission_to_redrive_children(play: PlayedMaps):
    play.tasks.functions[WORK] = broken_until([], 1)
    execution = play(distributed(TASK, Label="rows"), [1])
    play.roles.denied = {"states:RedriveExecution"}
    play.redrive(execution)
    assert execution.error == "States.Permissions"
    resource = "arn:aws:states:us-east-1:123456789012:execution:orders/rows:*"
    assert play.roles.checked[-1] == ("states:RedriveExecution", resource)
    assert len(play.tasks.calls) == 1


def test_a_map_run_without_items_starts_anew(play: PlayedMaps):
    """What failed to read its items has no children to redrive."""
    reader = {"Resource": "arn:aws:states:::s3:getObject", "Parameters": {"Bucket": "lake", "Key": "rows"}}
    execution = play(distributed(ItemReader={**reader, "ReaderConfig": {"InputType": "JSON"}}))
    assert execution.error == "States.ItemReaderFailed"
    play.s3.objects["rows"] = b"[7]"
    play.redrive(execution)
    assert output(execution) == [7]
    assert [each.status for each in play.maps.map_runs.of_execution(execution.arn)] == ["SUCCEEDED", "FAILED"]
    assert "MapRunRedriven" not in types(execution)


def test_a_retry_of_the_state_starts_another_map_run(play: PlayedMaps):
    repaired: list[bool] = []
    play.tasks.functions[WORK] = broken_until(repaired, 1)
    retry = [{"ErrorEquals": ["States.ExceedToleratedFailureThreshold"], "IntervalSeconds": 1, "MaxAttempts": 1}]
    execution = play(distributed(TASK, Retry=retry), [1])
    assert execution.status == "FAILED"
    assert [each.status for each in play.maps.map_runs.of_execution(execution.arn)] == ["FAILED", "FAILED"]


def test_a_child_with_a_full_history_is_not_redriven(play: PlayedMaps):
    play.tasks.functions[WORK] = broken_until([], 1)
    execution = play(distributed(TASK), [1])
    run = play.run_of(execution)
    (child,) = run.executions()
    child.history.events.extend([{}] * MOST_EVENTS)
    assert run.description()["executionCounts"]["failuresNotRedrivable"] == 1
    play.redrive(execution)
    assert execution.error == "States.ExceedToleratedFailureThreshold"
    assert len(play.tasks.calls) == 1
