"""Runs distributed Map states: reads the items, runs child executions, and writes their results."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from blueprints.local.services.stepfunctions.distributed_map.child_runner import ChildRunner
from blueprints.local.services.stepfunctions.distributed_map.item_batches import Batch, single_items
from blueprints.local.services.stepfunctions.distributed_map.item_readers import Item
from blueprints.local.services.stepfunctions.distributed_map.item_selection import select
from blueprints.local.services.stepfunctions.distributed_map.map_runs import Child, MapRun, MapRuns
from blueprints.local.services.stepfunctions.distributed_map.result_writer import outputs
from blueprints.local.services.stepfunctions.distributed_map.settings import Settings, read_settings
from blueprints.local.services.stepfunctions.execution import map_items
from blueprints.local.services.stepfunctions.execution.elapsed_time import in_real_time
from blueprints.local.services.stepfunctions.execution.engine import Engine
from blueprints.local.services.stepfunctions.execution.execution import (
    ABORTED,
    FAILED,
    RUNNING,
    SUCCEEDED,
    Execution,
)
from blueprints.local.services.stepfunctions.execution.visit import Visit
from blueprints.states_language.failures import StateFailed

T = TypeVar("T")


class Roles(Protocol):
    """What is done in the role of a state machine. The methods block."""

    def client(self, service: str, role_arn: str, region: str) -> Any:
        """A boto3 client with the role's credentials."""

    def check(self, action: str, resource: str, role_arn: str, region: str) -> None:
        """Raise StateFailed unless the role's policies allow the action."""


@dataclass
class _Started:
    """A Map Run with what its state asks for, kept for a redrive."""

    run: MapRun
    settings: Settings


class DistributedMaps:
    """Runs the distributed Map states of every execution."""

    def __init__(self, roles: Roles) -> None:
        self.map_runs = MapRuns()
        self._roles = roles
        self._engine: Engine | None = None
        self._children: dict[str, ChildRunner] = {}
        """What runs the children now, by the Map Run's ARN."""
        self._threads = ThreadPoolExecutor(4, thread_name_prefix="map-runs")

    def attach(self, engine: Engine) -> None:
        """Run the children on this engine."""
        self._engine = engine
        engine.status_listeners.append(self._on_status)

    def reset(self) -> None:
        """Forget every Map Run; those that are then cancelled write no results."""
        self.map_runs.reset()

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def run(self, visit: Visit) -> Any:
        """Run the state, or go on with its Map Run after a redrive, and return its result. Raises StateFailed."""
        started = await self._begin(visit)
        run = started.run
        try:
            if run.children is None:
                batches = await self._in_thread(lambda: list(self._batches(visit, started.settings)))
                run.children = [Child(each) for each in batches]
            result = await self._run_children(visit, started)
        except StateFailed as failure:
            run.end(FAILED)
            visit.record("MapRunFailed", {name.lower(): part for name, part in failure.output.items()})
            raise
        except asyncio.CancelledError:
            run.end(ABORTED)
            if not visit.interpreter.is_ending:
                visit.record("MapRunAborted")
            raise
        run.end(SUCCEEDED)
        visit.record("MapRunSucceeded")
        visit.interpreter.record_aside(visit.scope, "MapStateSucceeded")
        return result

    async def _begin(self, visit: Visit) -> _Started:
        before: _Started | None = visit.scope.map_run
        if before is not None and before.run.children is not None:
            await self._redrive(visit, before.run)
            return before
        execution = visit.interpreter.execution
        at_once = map_items.max_concurrency(visit.state, visit.data)
        if before is None:
            length = 0 if "ItemReader" in visit.state.fields else len(map_items.items(visit.state, visit.data))
            visit.record("MapStateStarted", {"length": length})
        settings = read_settings(visit.state, visit.data, execution.revision.account)
        await self._check(visit, "states:StartExecution", execution.revision.machine_arn)
        run = MapRun(execution, settings.label, settings.child_type, at_once, settings.tolerance)
        visit.scope.map_run = _Started(run, settings)
        self.map_runs.add(run)
        visit.record("MapRunStarted", {"mapRunArn": run.arn})
        return visit.scope.map_run  # type: ignore[no-any-return]  # set above

    async def _redrive(self, visit: Visit, run: MapRun) -> None:
        await self._check(visit, "states:RedriveExecution", run.execution_arn("*"))
        run.begin_redrive()
        visit.record("MapRunRedriven", {"mapRunArn": run.arn, "redriveCount": run.redrive_count})

    async def _check(self, visit: Visit, action: str, resource: str) -> None:
        revision = visit.interpreter.execution.revision
        await self._in_thread(lambda: self._roles.check(action, resource, revision.role_arn, revision.region))

    def _batches(self, visit: Visit, settings: Settings) -> Iterator[Batch]:
        """The inputs of the children. It reads and computes, and runs on a thread."""
        if settings.reader is not None:
            items = settings.reader.read(self._s3(visit.interpreter.execution))
        else:
            items = [Item(each) for each in map_items.items(visit.state, visit.data)]
        inputs = select(visit.state, visit.data, items)
        return settings.batcher.batches(inputs) if settings.batcher is not None else single_items(inputs)

    async def _run_children(self, visit: Visit, started: _Started) -> Any:
        """Run the children and write their results, also those of a Map Run that fails or is stopped."""
        assert self._engine is not None
        run, settings = started.run, started.settings
        runner = ChildRunner(
            run, self.map_runs, self._engine, visit.state.blocks[0], keep_outputs=settings.writer is None
        )
        self._children[run.arn] = runner
        try:
            await runner.run()
        except (StateFailed, asyncio.CancelledError) as ended:
            await runner.stop()
            run.end(FAILED if isinstance(ended, StateFailed) else ABORTED)
            if run in self.map_runs:
                await self._write_results_of_unsuccessful_run(visit, started)
            raise
        finally:
            del self._children[run.arn]
        return await self._result(visit, started)

    async def _write_results_of_unsuccessful_run(self, visit: Visit, started: _Started) -> None:
        """Write the results so far. If that fails too, the first failure stays the one that the state reports."""
        writer = started.settings.writer
        if writer is not None and writer.parameters is not None:
            try:
                await self._result(visit, started)
            except StateFailed as failure:
                started.run.writing_failure = failure.cause

    async def _result(self, visit: Visit, started: _Started) -> Any:
        writer, run = started.settings.writer, started.run
        if writer is None:
            return outputs(run.children or ())
        if writer.parameters is None:
            return await self._in_thread(lambda: writer.results(run, run.children or ()))
        return await self._in_thread(lambda: writer.export(run, self._s3(visit.interpreter.execution)))

    def _s3(self, execution: Execution) -> Any:
        return self._roles.client("s3", execution.revision.role_arn, execution.revision.region)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        with in_real_time():
            return await asyncio.get_running_loop().run_in_executor(self._threads, copy_context().run, work)

    def _on_status(self, execution: Execution) -> None:
        if execution.map_run_arn in self._children and execution.status != RUNNING:
            self._children[execution.map_run_arn].on_end(execution)
