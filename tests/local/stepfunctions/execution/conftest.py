"""Executions in this process: the real engine, with tasks that a test supplies."""

import asyncio
import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from blueprints.local.base.clock import Clock
from blueprints.local.services.stepfunctions.execution.engine import Engine
from blueprints.local.services.stepfunctions.execution.execution import EXPRESS, STANDARD, Execution, Revision
from blueprints.local.services.stepfunctions.tasks import TaskAttempt
from blueprints.states_language import definition
from blueprints.states_language.failures import StateFailed

_MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:orders"
_NAMES = (f"run-{number}" for number in itertools.count())


class ScriptedTasks:
    """Runs tasks by functions of their arguments, by the Resource. An exception of theirs is the task's failure."""

    def __init__(self) -> None:
        self.functions: dict[str, Callable[[Any], Any]] = {}
        self.calls: list[tuple[str, Any]] = []
        self.attempts: list[TaskAttempt] = []

    def new_token(self) -> str:
        return f"token-{len(self.calls)}"

    async def attempt(self, task: TaskAttempt) -> Any:
        self.calls.append((task.resource, task.arguments))
        self.attempts.append(task)
        result = self.functions[task.resource](task.arguments)
        return await result if asyncio.iscoroutine(result) else result


class NoDistributedMaps:
    async def run(self, visit: Any) -> Any:
        raise StateFailed("Test.NoDistributedMap", visit.state.name)


class Played:
    """Plays definitions on one engine."""

    def __init__(self) -> None:
        self.tasks = ScriptedTasks()
        self.engine = Engine(Clock(1000), self.tasks, NoDistributedMaps())

    def start(self, states: dict[str, Any], given: Any = None, *, kind: str = STANDARD) -> Execution:
        text = json.dumps(states)
        read = definition.parse(text, express=kind == EXPRESS)
        revision = Revision(_MACHINE, "orders", text, read, "arn:aws:iam::123456789012:role/orders", kind)
        name = next(_NAMES)
        arn = f"{_MACHINE.replace('stateMachine', 'execution')}:{name}"
        given = {} if given is None else given
        execution = Execution(arn, name, revision, json.dumps(given), given, type=kind)
        self.engine.start(execution)
        return execution

    def __call__(self, states: dict[str, Any], given: Any = None, *, kind: str = STANDARD) -> Execution:
        execution = self.start(states, given, kind=kind)
        assert execution.ended.wait(10)
        return execution


@pytest.fixture
def play() -> Iterator[Played]:
    played = Played()
    yield played
    played.engine.reset()
    played.engine.close()
