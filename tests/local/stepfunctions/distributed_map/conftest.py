"""Distributed Map states in this process: the real engine, with tasks that a test supplies and S3 in memory."""

from collections.abc import Iterator
from typing import Any

import pytest

from blueprints.local.base.clock import Clock
from blueprints.local.services.stepfunctions.distributed_map.map_runs import MapRun
from blueprints.local.services.stepfunctions.distributed_map.runner import DistributedMaps
from blueprints.local.services.stepfunctions.execution.engine import Engine
from blueprints.local.services.stepfunctions.execution.execution import Execution
from blueprints.states_language.failures import StateFailed
from tests.local.stepfunctions.distributed_map.s3_in_memory import S3InMemory
from tests.local.stepfunctions.execution.conftest import Played, ScriptedTasks

WORK = "arn:aws:states:::lambda:work"
PASS = {"StartAt": "Item", "States": {"Item": {"Type": "Pass", "End": True}}}
TASK = {"StartAt": "Item", "States": {"Item": {"Type": "Task", "Resource": WORK, "End": True}}}


class InMemoryRoles:
    """A role that may do everything but what a test denies."""

    def __init__(self) -> None:
        self.s3 = S3InMemory()
        self.denied: set[str] = set()
        self.checked: list[tuple[str, str]] = []

    def client(self, service: str, role_arn: str, region: str) -> Any:
        return self.s3

    def check(self, action: str, resource: str, role_arn: str, region: str) -> None:
        self.checked.append((action, resource))
        if action in self.denied:
            raise StateFailed("States.Permissions", f"{action} is denied")


class PlayedMaps(Played):
    """Plays definitions whose Map states are distributed."""

    def __init__(self) -> None:
        self.tasks = ScriptedTasks()
        self.roles = InMemoryRoles()
        self.maps = DistributedMaps(self.roles)
        self.engine = Engine(Clock(1000), self.tasks, self.maps)
        self.maps.attach(self.engine)

    @property
    def s3(self) -> S3InMemory:
        return self.roles.s3

    def run_of(self, execution: Execution) -> MapRun:
        """The one Map Run that an execution has started."""
        (run,) = self.maps.map_runs.of_execution(execution.arn)
        return run

    def redrive(self, execution: Execution) -> None:
        self.engine.redrive(execution)
        assert execution.ended.wait(10)


def distributed(processor: dict[str, Any] = PASS, *, kind: str = "STANDARD", **fields: Any) -> dict[str, Any]:
    """A machine of one distributed Map state."""
    config = {"Mode": "DISTRIBUTED", "ExecutionType": kind}
    state = {"Type": "Map", "ItemProcessor": {"ProcessorConfig": config, **processor}, "End": True, **fields}
    return {"StartAt": "Each", "States": {"Each": state}}


@pytest.fixture
def play() -> Iterator[PlayedMaps]:
    played = PlayedMaps()
    yield played
    played.maps.reset()
    played.engine.reset()
    played.engine.close()
    played.maps.close()
