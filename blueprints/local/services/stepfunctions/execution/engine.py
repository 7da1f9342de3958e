"""Starts, stops and redrives executions, which run on one event loop.

Methods whose names end in `_here` are called on that loop; the others from any other thread, which they block.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

from blueprints.local.base.clock import Clock
from blueprints.local.services.stepfunctions.execution.elapsed_time import ElapsedTime
from blueprints.local.services.stepfunctions.execution.execution import (
    ABORTED,
    EXPRESS,
    FAILED,
    RUNNING,
    STANDARD,
    SUCCEEDED,
    TIMED_OUT,
    Execution,
)
from blueprints.local.services.stepfunctions.execution.history import (
    MOST_EVENTS,
    Event,
    History,
    input_details,
    output_details,
)
from blueprints.local.services.stepfunctions.execution.interpreter import DistributedMaps, Interpreter, Tasks
from blueprints.local.services.stepfunctions.execution.loop import Loop
from blueprints.states_language.failures import RUNTIME, TIMEOUT, StateFailed
from blueprints.states_language.json_text import dump

log = logging.getLogger(__name__)

EXPRESS_SECONDS = 300
"""How long an EXPRESS execution may take, in scaled seconds."""
STANDARD_SECONDS = 365 * 86_400

EventListener = Callable[[Execution, Event], None]
StatusListener = Callable[[Execution], None]


class Engine:
    """Runs executions."""

    def __init__(self, clock: Clock, tasks: Tasks, distributed_maps: DistributedMaps) -> None:
        self.clock = clock
        self.loop = Loop()
        self._tasks = tasks
        self._distributed_maps = distributed_maps
        self._running: dict[str, tuple[Execution, Interpreter, asyncio.Task[Any]]] = {}
        self.event_listeners: list[EventListener] = []
        """Called on the loop with every event of every execution; they must not block."""
        self.status_listeners: list[StatusListener] = []
        """Called on the loop whenever the status of an execution changes; they must not block."""

    def start(self, execution: Execution) -> None:
        """Begin an execution."""
        self.loop.call(self.start_here, execution)

    def start_here(self, execution: Execution) -> "asyncio.Task[Any]":
        """Begin an execution, from the loop."""
        limit = MOST_EVENTS if execution.type == STANDARD else None
        listeners = self.event_listeners

        def listen(event: Event) -> None:
            for each in listeners:
                each(execution, event)

        execution.history = History(listen if listeners else None, limit=limit)
        execution.status, execution.start_date = RUNNING, time.time()
        execution.ended.clear()
        details = {**input_details(execution.input_text), "roleArn": execution.revision.role_arn}
        if execution.version_arn:
            details["stateMachineVersionArn"] = execution.version_arn
        if execution.alias_arn:
            details["stateMachineAliasArn"] = execution.alias_arn
        execution.history.add("ExecutionStarted", details, 0)
        return self._begin(execution)

    def run_synchronously(self, execution: Execution) -> None:
        """Begin an execution and return when it has ended."""
        execution.is_awaited = True
        self.start(execution)
        execution.ended.wait()

    def redrive(self, execution: Execution) -> None:
        """Let an execution that failed, timed out or was stopped go on where it ended, without what succeeded."""
        self.loop.call(self.redrive_here, execution)

    def redrive_here(self, execution: Execution) -> "asyncio.Task[Any]":
        """Let an execution go on, from the loop."""
        execution.redrive_count += 1
        execution.redrive_date = time.time()
        execution.status, execution.stop_date = RUNNING, None
        execution.error = execution.cause = execution.output_text = None
        execution.ended.clear()
        execution.scope.resume()
        last = len(execution.history.events)
        event = execution.history.add("ExecutionRedriven", {"redriveCount": execution.redrive_count}, last)
        execution.scope.last_event = event
        return self._begin(execution)

    def stop(self, execution: Execution, error: str | None = None, cause: str | None = None) -> None:
        """End a running execution as ABORTED and return when it has ended; without effect on one that has ended."""

        async def stop_and_wait() -> None:
            await self.stop_here(execution, error, cause)

        self.loop.run(stop_and_wait())

    async def stop_here(self, execution: Execution, error: str | None = None, cause: str | None = None) -> None:
        """End a running execution as ABORTED, from the loop."""
        if execution.arn in self._running:
            await self._cancel(execution)
            self._end(execution, ABORTED, "ExecutionAborted", error, cause)

    def reset(self) -> None:
        """Forget every execution: nothing that runs goes on, no event of it is recorded, and no one waits for it."""

        async def cancel_all() -> None:
            running = list(self._running.values())
            self._running.clear()
            for execution, interpreter, task in running:
                interpreter.is_ending = True
                task.cancel()
                execution.status = ABORTED
                execution.ended.set()
            await asyncio.gather(*(task for _, _, task in running), return_exceptions=True)

        self.loop.run(cancel_all())

    def close(self) -> None:
        """End the loop."""
        self.loop.close()

    def _begin(self, execution: Execution) -> "asyncio.Task[Any]":
        self._tell(execution)
        interpreter = Interpreter(execution, self.clock, self._tasks, self._distributed_maps)
        task = self.loop.spawn(self._run(execution, interpreter))
        self._running[execution.arn] = (execution, interpreter, task)
        return task

    async def _run(self, execution: Execution, interpreter: Interpreter) -> None:
        seconds = execution.revision.definition.timeout_seconds or STANDARD_SECONDS
        if execution.type == EXPRESS:
            seconds = min(seconds, EXPRESS_SECONDS)
        elapsed = ElapsedTime(self.clock)
        elapsed.measure_here()
        run = asyncio.ensure_future(interpreter.run(execution.scope))

        def expire() -> None:
            interpreter.is_ending = True
            run.cancel()

        elapsed.limit(seconds, expire)
        try:
            await asyncio.wait([run])
            if run.cancelled():
                self._end(execution, TIMED_OUT, "ExecutionTimedOut", None, None)
                return
            output = run.result()
        except asyncio.CancelledError:
            interpreter.is_ending = True
            await _cancelled(run)
            raise
        except StateFailed as failure:
            self._end(execution, FAILED, "ExecutionFailed", failure.error, failure.cause)
        except Exception as fault:
            # A fault of ours: the execution must not hang. What AWS would have done is unknown.
            log.exception("the execution %s stopped on a fault of the embedded AWS", execution.arn)
            self._end(execution, FAILED, "ExecutionFailed", RUNTIME, f"A fault of the embedded AWS: {fault!r}")
        else:
            execution.output_text = dump(output)
            self._end(execution, SUCCEEDED, "ExecutionSucceeded", None, None)
        finally:
            elapsed.stop()

    async def _cancel(self, execution: Execution) -> None:
        _, interpreter, task = self._running[execution.arn]
        interpreter.is_ending = True
        await _cancelled(task)

    def _end(self, execution: Execution, status: str, event: str, error: str | None, cause: str | None) -> None:
        if self._running.pop(execution.arn, None) is None:
            return  # the account was emptied meanwhile
        execution.error, execution.cause = error, cause
        details = {name: text for name, text in (("error", error), ("cause", cause)) if text is not None}
        if execution.output_text is not None:
            details = output_details(execution.output_text)
        if status == TIMED_OUT:
            details = {"error": TIMEOUT}  # which only the event says
        # On AWS, the event of a stop or a time-out follows none.
        before = 0 if status in (ABORTED, TIMED_OUT) else execution.scope.last_event
        execution.history.add(event, details, before, last=True)
        # Who sees the status finds the log complete, and who waits for the end finds the metrics too.
        execution.stop_date, execution.status = time.time(), status
        self._tell(execution)
        execution.ended.set()

    def _tell(self, execution: Execution) -> None:
        for each in self.status_listeners:
            each(execution)


async def _cancelled(task: "asyncio.Future[Any]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
