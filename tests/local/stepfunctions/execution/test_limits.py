"""Limits of executions: time, events, and what a reset leaves."""

import asyncio
from typing import Any

from blueprints.local.services.stepfunctions.execution.elapsed_time import in_real_time
from tests.local.stepfunctions.execution.conftest import Played
from tests.local.stepfunctions.execution.histories import output, types

WORK = "arn:aws:states:::lambda:work"
LOOP = {
    "StartAt": "A",
    "States": {
        "A": {"Type": "Pass", "Next": "B"},
        "B": {"Type": "Choice", "Choices": [{"Variable": "$.stop", "IsPresent": True, "Next": "C"}], "Default": "A"},
        "C": {"Type": "Succeed"},
    },
}


def test_an_endless_loop_ends_at_the_limit_of_events(play: Played) -> None:
    """AWS keeps 25,000 events; the last one says why the execution failed."""
    execution = play(LOOP)
    assert (execution.status, execution.error) == ("FAILED", "States.Runtime")
    assert "maximum number of history events (25000)" in str(execution.cause)
    assert len(execution.history.events) == 25_000


def test_the_machine_times_out(play: Played) -> None:
    """TimeoutSeconds of the machine ends it as TIMED_OUT, and ends the task."""
    ended = []

    async def work(_: Any) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.append("work")

    play.tasks.functions[WORK] = work
    machine = {
        "StartAt": "T",
        "TimeoutSeconds": 20,
        "States": {"T": {"Type": "Task", "Resource": WORK, "Catch": [], "End": True}},
    }
    del machine["States"]["T"]["Catch"]  # type: ignore[index]
    execution = play(machine)
    assert execution.status == "TIMED_OUT"
    assert types(execution)[-1] == "ExecutionTimedOut"
    last = execution.history.events[-1]
    assert (last["previousEventId"], last["executionTimedOutEventDetails"]) == (0, {"error": "States.Timeout"})
    assert (execution.error, execution.cause) == (None, None)
    assert ended == ["work"]


def test_calls_count_in_real_seconds_and_waits_by_the_clock(play: Played) -> None:
    """A call of 60 ms would be a minute by a clock that is a thousand times faster."""

    async def work(_: Any) -> None:
        with in_real_time():
            await asyncio.sleep(0.06)

    play.tasks.functions[WORK] = work
    states = {"T": {"Type": "Task", "Resource": WORK, "Next": "W"}, "W": {"Type": "Wait", "Seconds": 20, "End": True}}
    machine = {"StartAt": "T", "States": states}

    assert play({**machine, "TimeoutSeconds": 50}).status == "SUCCEEDED"
    assert play({**machine, "TimeoutSeconds": 10}).status == "TIMED_OUT"


def test_an_express_execution_ends_after_five_minutes(play: Played) -> None:
    """Whatever the machine's own limit is."""
    machine = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 301, "End": True}}}
    assert play(machine, kind="EXPRESS").status == "TIMED_OUT"
    assert play(machine, kind="STANDARD").status == "SUCCEEDED"


def test_a_loop_does_not_keep_others_from_running(play: Played) -> None:
    """One execution that never waits shares the engine with the next."""
    loop = play.start(LOOP, kind="EXPRESS")
    quick = play({"StartAt": "P", "States": {"P": {"Type": "Pass", "Result": 1, "End": True}}})
    assert output(quick) == 1
    assert loop.status == "RUNNING"
    play.engine.stop(loop)
    assert loop.status == "ABORTED"


def test_a_reset_ends_what_runs_without_a_trace(play: Played) -> None:
    """No event is added afterwards."""
    machine = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 86_400, "End": True}}}
    execution = play.start(machine)
    play.engine.reset()
    assert types(execution) == ["ExecutionStarted", "WaitStateEntered"]
    assert execution.ended.is_set()
    succeeding = {"StartAt": "S", "States": {"S": {"Type": "Succeed"}}}
    assert output(play(succeeding, {"n": 1})) == {"n": 1}


def test_listeners_get_every_event_and_status(play: Played) -> None:
    """In order."""
    events: list[str] = []
    statuses: list[str] = []
    play.engine.event_listeners.append(lambda _, event: events.append(event["type"]))
    play.engine.status_listeners.append(lambda execution: statuses.append(execution.status))
    execution = play({"StartAt": "S", "States": {"S": {"Type": "Succeed"}}})
    assert events == types(execution)
    assert statuses == ["RUNNING", "SUCCEEDED"]
