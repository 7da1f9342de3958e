"""Runs the states of an execution, one after the other.

A run of a block of states is a `Scope`. Branches and iterations are scopes inside the one of their state, run by the
same code. What a state does lies in a module for its type; `Visit` does what every state has: events, Retry, Catch.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from blueprints.local.base.clock import Clock
from blueprints.local.services.stepfunctions.execution import containing_states, simple_states, task_state
from blueprints.local.services.stepfunctions.execution.execution import Execution
from blueprints.local.services.stepfunctions.execution.scopes import Scope
from blueprints.local.services.stepfunctions.execution.visit import Visit, Work
from blueprints.local.services.stepfunctions.tasks import TaskAttempt

_STATES_IN_A_ROW = 50
WORK: dict[str, Work] = {
    "Pass": simple_states.do_nothing,
    "Choice": simple_states.choose,
    "Wait": simple_states.wait,
    "Succeed": simple_states.succeed,
    "Fail": simple_states.fail,
    "Task": task_state.run_task,
    "Parallel": containing_states.run_branches,
    "Map": containing_states.run_map,
}


class Tasks(Protocol):
    """Runs the attempts of Task states."""

    def new_token(self) -> str:
        """A task token for the next attempt."""

    async def attempt(self, task: TaskAttempt) -> Any:
        """The task's result. Raises StateFailed."""


class DistributedMaps(Protocol):
    """Runs the items of a distributed Map state as executions of their own."""

    async def run(self, visit: Visit) -> Any:
        """The state's result. Raises StateFailed."""


@dataclass
class Interpreter:
    """Runs scopes of one execution. `tasks` and `distributed_maps` do what leaves the execution."""

    execution: Execution
    clock: Clock
    tasks: Tasks
    distributed_maps: DistributedMaps
    context: Mapping[str, Any] = field(init=False)
    """The parts of the context object that every state sees."""
    is_ending: bool = False
    """Whether the whole execution is being stopped."""
    _states: int = 0

    def __post_init__(self) -> None:
        self.context = self.execution.context

    async def run(self, scope: Scope) -> Any:
        """Run a scope to its end, from where it stopped, and return its output. Raises StateFailed."""
        if scope.succeeded:
            return scope.output
        if not scope.state:
            scope.state, scope.state_input = scope.block.start_at, scope.input
        while True:
            await self._let_others_run()
            state = scope.block.states[scope.state]
            done = await Visit(self, scope, state).run(WORK[state.type])
            if done.assigned:
                scope.variables = {**scope.variables, **done.assigned}
            scope.children = scope.map_run = None
            if done.next is None:
                scope.output = done.output
                return done.output
            scope.state, scope.state_input = done.next, done.output

    def record(self, scope: Scope, kind: str, details: Mapping[str, Any] | None = None) -> int:
        """Add an event to the history, after the scope's last one, and return its id."""
        scope.last_event = self.execution.history.add(kind, details, scope.last_event)
        return scope.last_event

    def record_aside(self, scope: Scope, kind: str, details: Mapping[str, Any] | None = None) -> int:
        """Add an event that the scope's next event does not follow."""
        return self.execution.history.add(kind, details, scope.last_event)

    async def sleep(self, seconds: float) -> None:
        """Wait for scaled seconds."""
        await asyncio.sleep(self.clock.real(seconds))

    async def _let_others_run(self) -> None:
        """Interrupt a long row of states that never wait, such as a loop, so that other executions get on."""
        self._states += 1
        if self._states % _STATES_IN_A_ROW == 0:
            await asyncio.sleep(0)
