"""Every execution that the API can describe: STANDARD ones, and the children of Map Runs."""

import threading
from collections.abc import Sequence
from typing import Protocol

from blueprints.local.services.stepfunctions.api import arns
from blueprints.local.services.stepfunctions.execution.execution import RUNNING, Execution


class MapRunChildren(Protocol):
    """Finds the executions that Map Runs have started."""

    def child(self, arn: str) -> Execution | None:
        """The execution of a child's ARN."""

    def children(self, map_run_arn: str) -> Sequence[Execution]:
        """The executions of a Map Run in the order in which they started. Raises ServiceError if there is no such."""

    def forget_machine(self, machine_arn: str) -> None:
        """Drop the Map Runs of a deleted state machine."""


class ExecutionStore:
    """Executions by ARN. Its methods are called from any thread."""

    def __init__(self, map_runs: MapRunChildren) -> None:
        self._map_runs = map_runs
        self._executions: dict[str, Execution] = {}
        self._changing = threading.Lock()

    def add(self, execution: Execution) -> Execution:
        """Keep an execution; returns the one that has its ARN afterwards, which is another one if the ARN was taken."""
        with self._changing:
            return self._executions.setdefault(execution.arn, execution)

    def find(self, arn: str) -> Execution | None:
        """The execution of an ARN."""
        return self._executions.get(arn) or (self._map_runs.child(arn) if "/" in arn else None)

    def of_machine(self, machine_arn: str) -> list[Execution]:
        """The executions of a state machine in the order in which they started, without those of Map Runs."""
        return [each for each in self._all() if each.revision.machine_arn == machine_arn]

    def of_map_run(self, map_run_arn: str) -> Sequence[Execution]:
        """The executions of a Map Run in the order in which they started. Raises ServiceError."""
        arns.check(map_run_arn, arns.MAP_RUN)
        return self._map_runs.children(map_run_arn)

    def is_running(self, machine_arn: str) -> bool:
        """Whether an execution of a state machine runs."""
        return any(each.status == RUNNING for each in self.of_machine(machine_arn))

    def forget_machine(self, machine_arn: str) -> None:
        """Drop the executions of a deleted state machine, and its Map Runs."""
        with self._changing:
            kept = {arn: each for arn, each in self._executions.items() if each.revision.machine_arn != machine_arn}
            self._executions = kept
        self._map_runs.forget_machine(machine_arn)

    def reset(self) -> None:
        """Drop every execution."""
        with self._changing:
            self._executions = {}

    def _all(self) -> list[Execution]:
        with self._changing:
            return list(self._executions.values())
