"""Runs the child executions of one Map Run, so many at the same time as it allows, until too many have failed."""

import asyncio
from collections import deque
from dataclasses import replace

from blueprints.local.services.stepfunctions.distributed_map import tolerances
from blueprints.local.services.stepfunctions.distributed_map.map_runs import (
    PENDING,
    UNSUCCESSFUL,
    Child,
    MapRun,
    MapRuns,
    release,
)
from blueprints.local.services.stepfunctions.execution.engine import Engine
from blueprints.local.services.stepfunctions.execution.execution import (
    EXPRESS,
    PENDING_REDRIVE,
    SUCCEEDED,
    Execution,
)
from blueprints.states_language.definition import Block
from blueprints.states_language.failures import StateFailed

MOST_AT_ONCE = 10_000
"""How many children of a Map Run AWS runs at the same time."""
_STARTED_IN_A_ROW = 50
_MANY = 1_000
"""With more children than that, histories are compressed when they are complete."""


class ChildRunner:
    """Runs the children that are pending or await a redrive. Used from the loop on which executions run."""

    def __init__(self, run: MapRun, map_runs: MapRuns, engine: Engine, block: Block, *, keep_outputs: bool) -> None:
        self._run, self._map_runs, self._engine, self._block = run, map_runs, engine, block
        self._keep_outputs = keep_outputs
        children = run.children or []
        self._are_many = len(children) > _MANY
        self._waiting = deque(each for each in children if each.status in (PENDING, PENDING_REDRIVE))
        self._running: dict[str, Child] = {}
        self._items = sum(each.batch.items for each in children)
        self._failed_items = sum(each.batch.items for each in children if each.status in UNSUCCESSFUL)
        self._changed = asyncio.Event()
        parent = run.parent.revision
        # The timeout of the machine is that of the parent alone.
        definition = replace(parent.definition, timeout_seconds=None)
        self._revision = replace(parent, definition=definition, type=run.child_type)

    async def run(self) -> None:
        """Run the children until all have ended. Raises StateFailed when more failed than is tolerated."""
        loop = asyncio.get_running_loop()
        self._run.on_update = lambda: loop.call_soon_threadsafe(self._changed.set)
        while self._waiting or self._running:
            self._check_tolerance()
            self._changed.clear()
            await self._start_some()
            if not self._changed.is_set() and self._running:
                await self._changed.wait()
        self._check_tolerance()

    async def stop(self) -> None:
        """Stop the children that run; those that wait stay pending."""
        running = [each.execution for each in self._running.values() if each.execution is not None]
        await asyncio.gather(*(self._engine.stop_here(each) for each in running))

    def on_end(self, execution: Execution) -> None:
        """A child has ended."""
        child = self._running.pop(execution.arn, None)
        if child is None:
            return
        if execution.status == SUCCEEDED:
            release(execution, keep_output=self._keep_outputs, pack=self._are_many)
        else:
            self._failed_items += child.batch.items
        self._changed.set()

    def _check_tolerance(self) -> None:
        if self._run.tolerance.is_exceeded(self._failed_items, self._items):
            raise StateFailed(tolerances.EXCEEDED, tolerances.EXCEEDED_CAUSE)

    async def _start_some(self) -> None:
        started = 0
        while self._waiting and len(self._running) < self._at_once:
            self._start(self._waiting.popleft())
            started += 1
            if started % _STARTED_IN_A_ROW == 0:
                await asyncio.sleep(0)
                self._check_tolerance()

    @property
    def _at_once(self) -> int:
        return min(self._run.max_concurrency or MOST_AT_ONCE, MOST_AT_ONCE)

    def _start(self, child: Child) -> None:
        before = child.execution
        if before is None or before.type == EXPRESS:
            # An EXPRESS child is not redriven: it is started once more, as a new execution.
            execution = self._run.new_execution(child, self._block, self._revision)
            self._running[execution.arn] = child
            self._map_runs.add_child(execution)
            self._engine.start_here(execution)
        else:
            self._running[before.arn] = child
            self._engine.redrive_here(before)
