"""Parallel and inline Map: states whose branches or iterations run at the same time, each in a scope of its own."""

import asyncio
from collections.abc import Coroutine, Iterator, Sequence
from typing import Any

from blueprints.local.services.stepfunctions.execution import data_flow, map_items
from blueprints.local.services.stepfunctions.execution.data_flow import Done
from blueprints.local.services.stepfunctions.execution.scopes import Scope
from blueprints.local.services.stepfunctions.execution.visit import Visit
from blueprints.states_language.failures import RUNTIME, StateFailed
from blueprints.states_language.json_text import dump
from blueprints.states_language.visible_data import MISSING

_MOST_ITERATIONS_AT_ONCE = 40
"""AWS runs up to 40 iterations of an inline Map at the same time."""


async def run_branches(visit: Visit) -> Done:
    """Parallel: run every branch with the same input; the result is the list of their outputs."""
    state, scope, data = visit.state, visit.scope, visit.data
    if scope.children is None:
        given = data_flow.arguments(state, data)
        data_flow.check_parameters(dump(given), state.name)
        visit.record("ParallelStateStarted")
        scope.children = [Scope(block, given, scope.variables, scope.context) for block in state.blocks]
    branches = scope.children
    for each in branches:
        each.last_event = scope.last_event
    await _run_together([_run_branch(visit, each) for each in branches if not each.succeeded])
    visit.interpreter.record_aside(scope, "ParallelStateSucceeded")
    return data_flow.finish(state, data, [each.output for each in branches], state.fields, state.next)


async def _run_branch(visit: Visit, branch: Scope) -> None:
    try:
        await visit.interpreter.run(branch)
    finally:
        visit.scope.last_event = branch.last_event


async def run_map(visit: Visit) -> Done:
    """Map: run the item processor for every item; the result is the list of its outputs."""
    state, scope, data = visit.state, visit.scope, visit.data
    if state.is_distributed:
        result = await visit.interpreter.distributed_maps.run(visit)
        return data_flow.finish(state, data, result, state.fields, state.next)
    at_once = map_items.max_concurrency(state, data) or _MOST_ITERATIONS_AT_ONCE
    if scope.children is None:
        items = map_items.items(state, data)
        visit.record("MapStateStarted", {"length": len(items)})
        scope.children = [_iteration(scope, state.blocks[0], place, item) for place, item in enumerate(items)]
    iterations = scope.children
    waiting = iter([(place, each) for place, each in enumerate(iterations) if not each.succeeded])
    workers = min(at_once, _MOST_ITERATIONS_AT_ONCE, len(iterations))
    await _run_together([_run_iterations(visit, waiting) for _ in range(workers)])
    visit.interpreter.record_aside(scope, "MapStateSucceeded")
    return data_flow.finish(state, data, [each.output for each in iterations], state.fields, state.next)


def _iteration(scope: Scope, block: Any, place: int, item: Any) -> Scope:
    context = {**scope.context, "Map": {"Item": map_items.described(item, place)}}
    return Scope(block, MISSING, scope.variables, context)


async def _run_iterations(visit: Visit, waiting: Iterator[tuple[int, Scope]]) -> None:
    """Run iterations one after the other, as long as there are any; the events of one follow those of the last."""
    scope, interpreter, last = visit.scope, visit.interpreter, visit.scope.last_event
    for place, iteration in waiting:
        named = {"index": place, "name": visit.state.name}
        iteration.last_event = last
        interpreter.record(iteration, "MapIterationStarted", named)
        try:
            if iteration.input is MISSING:
                iteration.input = map_items.selected(visit, iteration.context)
                data_flow.check_parameters(dump(iteration.input), visit.state.name)
            await interpreter.run(iteration)
        except StateFailed as failure:
            scope.last_event = iteration.last_event
            if failure.error != RUNTIME:
                interpreter.record_aside(iteration, "MapIterationFailed", named)
            raise
        except asyncio.CancelledError:
            if not interpreter.is_ending:
                interpreter.record_aside(iteration, "MapIterationAborted", named)
            raise
        last = iteration.last_event
        scope.last_event = interpreter.record_aside(iteration, "MapIterationSucceeded", named)


async def _run_together(runs: Sequence[Coroutine[Any, Any, None]]) -> None:
    """Run all to the end. When one fails, cancel the others, wait until they have ended, and raise its failure."""
    if len(runs) == 1:
        await runs[0]
    if len(runs) < 2:
        return
    tasks = [asyncio.ensure_future(each) for each in runs]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        for each in tasks:
            each.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for each in done:
        each.result()
