"""One run through one state: enter, work, retry or catch, exit."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from blueprints.local.services.stepfunctions.execution import data_flow
from blueprints.local.services.stepfunctions.execution.data_flow import Done
from blueprints.local.services.stepfunctions.execution.execution import timestamp
from blueprints.local.services.stepfunctions.execution.history import (
    HistoryFull,
    input_details,
    output_details,
)
from blueprints.local.services.stepfunctions.execution.retrying import Attempts, catcher_for
from blueprints.local.services.stepfunctions.execution.scopes import Scope
from blueprints.states_language.definition import State
from blueprints.states_language.failures import RUNTIME, EvaluationFailed, StateFailed
from blueprints.states_language.json_text import dump
from blueprints.states_language.visible_data import VisibleData

if TYPE_CHECKING:
    from blueprints.local.services.stepfunctions.execution.interpreter import Interpreter

_WITH_RETRY = ("Task", "Map", "Parallel")
_CONTAINERS = ("Map", "Parallel")
_CAN_BE_ABORTED = ("Task", "Wait", "Map", "Parallel")


@dataclass
class Visit:
    """A state being run in a scope, with all its attempts."""

    interpreter: "Interpreter"
    scope: Scope
    state: State
    retries: int = 0
    token: str | None = None
    """The value of `$$.Task.Token`, in an attempt that waits for it."""

    async def run(self, work: "Work") -> Done:
        """Enter the state, do its work until it succeeds or is caught, and exit. Raises StateFailed."""
        self.enter()
        attempts = Attempts(self.state.retriers)
        while True:
            try:
                done = await work(self)
                break
            except StateFailed as failure:
                self._record_failed_evaluation(failure)
                delay = None if isinstance(failure, HistoryFull) else attempts.delay_after(failure.error)
                if delay is None:
                    done = self._catch(failure)
                    break
                self.retries = attempts.retries
                self.scope.children = self.scope.map_run = None
                await self.interpreter.sleep(delay)
            except asyncio.CancelledError:
                # A sibling failed. When the whole execution ends, AWS adds no such event.
                if not self.interpreter.is_ending and self.state.type in _CAN_BE_ABORTED:
                    self.record(f"{self.state.type}StateAborted")
                raise
        self._exit(done)
        return done

    @property
    def data(self) -> VisibleData:
        """What the state's expressions see at its beginning."""
        scope = self.scope
        return VisibleData(
            scope.state_input, self.context, scope.variables, state=scope.state, entered_event=scope.entered_event
        )

    @property
    def context(self) -> dict[str, Any]:
        """The context object in this state."""
        state: dict[str, Any] = {"Name": self.state.name, "EnteredTime": self.scope.entered_at}
        if self.state.type in _WITH_RETRY:
            state["RetryCount"] = self.retries
        given = {**self.interpreter.context, "State": state, **self.scope.context}
        if self.token is not None:
            given["Task"] = {"Token": self.token}
        return given

    def record(self, kind: str, details: Mapping[str, Any] | None = None) -> int:
        """Add an event of this state to the history."""
        return self.interpreter.record(self.scope, kind, details)

    def enter(self) -> None:
        """Record that the state is entered, unless a redrive runs it again."""
        scope = self.scope
        if scope.is_resumed:
            scope.is_resumed = False
            return
        scope.entered_at, scope.before_entered = timestamp(time.time()), scope.last_event
        details = {**input_details(dump(scope.state_input)), "name": self.state.name}
        scope.entered_event = self.record(f"{self.state.type}StateEntered", details)

    def _exit(self, done: Done) -> None:
        details = {"name": self.state.name, **output_details(done.output_text)}
        if done.assigned_texts:
            details["assignedVariables"] = done.assigned_texts
            details["assignedVariablesDetails"] = {"truncated": False}
        self.record(f"{self.state.type}StateExited", details)

    def _catch(self, failure: StateFailed) -> Done:
        if self.state.type in _CONTAINERS and failure.error != RUNTIME:
            self.record(f"{self.state.type}StateFailed")
        catcher = None if isinstance(failure, HistoryFull) else catcher_for(self.state.catchers, failure.error)
        if catcher is None:
            raise failure
        try:
            return data_flow.caught(self.state, self.data, failure, catcher)
        except StateFailed as second:
            self._record_failed_evaluation(second)
            raise

    def _record_failed_evaluation(self, failure: StateFailed) -> None:
        """The event of an expression of this state; as on AWS it follows the event before the state was entered."""
        if isinstance(failure, EvaluationFailed) and failure.state == self.state.name:
            details = {"error": failure.error, "cause": failure.cause, "state": failure.state}
            if failure.location:
                details["location"] = failure.location
            self.scope.last_event = self.scope.before_entered
            self.record("EvaluationFailed", details)


Work = Callable[[Visit], Awaitable[Done]]
"""What a type of state does between entering and exiting. Raises StateFailed."""
