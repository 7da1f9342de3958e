"""Parallel and inline Map."""

import asyncio
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from blueprints.states_language.failures import StateFailed
from tests.local.stepfunctions.execution.conftest import Played
from tests.local.stepfunctions.execution.histories import counted, output, types

WORK = "arn:aws:states:::lambda:work"
SLOW = "arn:aws:states:::lambda:slow"


def task(resource: str = WORK, **fields: Any) -> dict[str, Any]:
    return {"StartAt": resource, "States": {resource: {"Type": "Task", "Resource": resource, **fields, "End": True}}}


def mapped(**fields: Any) -> dict[str, Any]:
    return {"StartAt": "Each", "States": {"Each": {"Type": "Map", "ItemProcessor": task(), **fields, "End": True}}}


def test_outputs_of_branches_are_in_the_order_of_the_branches(play: Played) -> None:
    """Although the first branch ends last."""

    async def slow(_: Any) -> str:
        await asyncio.sleep(0.02)
        return "slow"

    play.tasks.functions.update({SLOW: slow, WORK: lambda _: "quick"})
    both = {"Type": "Parallel", "Branches": [task(SLOW), task(WORK)], "End": True}
    assert output(play({"StartAt": "Both", "States": {"Both": both}})) == ["slow", "quick"]


def test_a_failing_branch_stops_the_others(play: Played) -> None:
    """Their states are aborted, and the failure is the state's."""
    stopped = []

    async def slow(_: Any) -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            stopped.append("slow")
            raise

    def fail(_: Any) -> None:
        raise StateFailed("Broken", "here")

    play.tasks.functions.update({SLOW: slow, WORK: fail})
    both = {"Type": "Parallel", "Branches": [task(SLOW), task(WORK)], "End": True}
    execution = play({"StartAt": "Both", "States": {"Both": both}})
    assert (execution.status, execution.error) == ("FAILED", "Broken")
    assert stopped == ["slow"]
    assert types(execution)[-3:] == ["TaskStateAborted", "ParallelStateFailed", "ExecutionFailed"]


def test_a_map_keeps_the_order_and_the_limit(play: Played) -> None:
    """MaxConcurrency iterations run at the same time, and no more."""
    running = most = 0

    async def work(given: Any) -> int:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.001 * (5 - given % 5))
        running -= 1
        return int(given) * 2

    play.tasks.functions[WORK] = work
    assert output(play(mapped(MaxConcurrency=3), list(range(20)))) == [2 * each for each in range(20)]
    assert most == 3


def test_a_map_over_nothing_succeeds(play: Played) -> None:
    """With an empty array."""
    execution = play(mapped(), [])
    assert output(execution) == []
    assert counted(execution, "MapIterationStarted") == 0


def test_the_item_selector_sees_item_index_and_input(play: Played) -> None:
    """Once for each item."""
    play.tasks.functions[WORK] = lambda given: given
    selector = {"item.$": "$$.Map.Item.Value", "index.$": "$$.Map.Item.Index", "of.$": "$.name"}
    execution = play(mapped(ItemsPath="$.items", ItemSelector=selector), {"items": ["a", "b"], "name": "n"})
    assert output(execution) == [{"item": "a", "index": 0, "of": "n"}, {"item": "b", "index": 1, "of": "n"}]


def test_a_failed_iteration_fails_the_map(play: Played) -> None:
    """A Retry of the Map state runs every iteration again."""
    calls = []

    def work(given: int) -> int:
        calls.append(given)
        if given == 2 and calls.count(2) == 1:
            raise StateFailed("Broken")
        return given

    play.tasks.functions[WORK] = work
    execution = play(mapped(MaxConcurrency=1, Retry=[{"ErrorEquals": ["Broken"]}]), [1, 2, 3])
    assert output(execution) == [1, 2, 3]
    assert calls == [1, 2, 1, 2, 3]
    assert counted(execution, "MapIterationFailed") == 1


@settings(max_examples=25, deadline=None)
@given(st.recursive(st.integers(0, 9), lambda inner: st.lists(inner, max_size=4), max_leaves=12))
def test_nested_maps_return_what_they_are_given(tree: Any) -> None:
    """A Map of Maps over nested lists gives the lists back, at every depth."""
    played = Played()
    try:
        assert output(played({"StartAt": "S", "States": {"S": _identity(_depth(tree), "S")}}, tree)) == tree
    finally:
        played.engine.close()


def _depth(tree: Any) -> int:
    if not isinstance(tree, list):
        return 0
    depths = {_depth(each) for each in tree}
    return 1 + (min(depths) if depths else 0)


def _identity(depth: int, name: str) -> dict[str, Any]:
    if depth == 0:
        return {"Type": "Pass", "End": True}
    inner = f"{name}-"
    processor = {"StartAt": inner, "States": {inner: _identity(depth - 1, inner)}}
    return {"Type": "Map", "ItemProcessor": processor, "End": True}
