"""The operations on Map Runs, within the request's account and Region."""

from collections.abc import Sequence
from typing import Any, Protocol

from blueprints.local.base.protocol import ServiceError
from blueprints.local.services.stepfunctions.api import arns
from blueprints.local.services.stepfunctions.distributed_map.map_runs import MapRuns
from blueprints.local.services.stepfunctions.execution.execution import Execution

Answer = dict[str, Any]


class _Executions(Protocol):
    def find(self, arn: str) -> Execution:
        """The execution of an ARN. Raises ServiceError."""


class MapRunOperations:
    """The operations on Map Runs, and their executions by ARN."""

    def __init__(self, map_runs: MapRuns) -> None:
        self._map_runs = map_runs
        self._executions: _Executions

    def of_executions(self, executions: _Executions) -> None:
        """Look up the executions that have started Map Runs there."""
        self._executions = executions

    def describe(self, given: Answer) -> Answer:
        """DescribeMapRun."""
        self._check(given["mapRunArn"])
        return self._map_runs.describe(given)

    def list(self, given: Answer) -> Answer:
        """ListMapRuns."""
        self._executions.find(given["executionArn"])
        return self._map_runs.list(given)

    def update(self, given: Answer) -> Answer:
        """UpdateMapRun."""
        self._check(given["mapRunArn"])
        return self._map_runs.update(given)

    def child(self, arn: str) -> Execution | None:
        """The execution of a child's ARN."""
        return self._map_runs.child(arn)

    def children(self, map_run_arn: str) -> Sequence[Execution]:
        """The executions of a Map Run in the order in which they started. Raises ServiceError."""
        self._check(map_run_arn)
        return self._map_runs.children(map_run_arn)

    def forget_machine(self, machine_arn: str) -> None:
        """Forget the Map Runs of a deleted state machine."""
        self._map_runs.forget_machine(machine_arn)

    def _check(self, arn: str) -> None:
        arns.check(arn, arns.MAP_RUN)
        if not arns.is_of_request(arn):
            raise ServiceError("ResourceNotFound", f"Resource not found: '{arn}'")
