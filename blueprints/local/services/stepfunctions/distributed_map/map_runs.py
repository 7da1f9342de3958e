"""Map Runs: what a distributed Map state has started, and the API's operations on it."""

import json
import time
import uuid
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from blueprints.local.base.protocol import ServiceError
from blueprints.local.services.stepfunctions.api.pages import page
from blueprints.local.services.stepfunctions.distributed_map.item_batches import Batch
from blueprints.local.services.stepfunctions.distributed_map.tolerances import Tolerance
from blueprints.local.services.stepfunctions.execution.execution import (
    ABORTED,
    EXPRESS,
    FAILED,
    PENDING_REDRIVE,
    RUNNING,
    STANDARD,
    SUCCEEDED,
    TIMED_OUT,
    Execution,
    Revision,
)
from blueprints.local.services.stepfunctions.execution.history import MOST_EVENTS, History
from blueprints.local.services.stepfunctions.execution.scopes import Scope
from blueprints.states_language.definition import Block

PENDING = "PENDING"
UNSUCCESSFUL = frozenset({FAILED, TIMED_OUT, ABORTED})


@dataclass(slots=True)
class Child:
    """A child execution of a Map Run, from the time when its input is known."""

    batch: Batch
    execution: Execution | None = None
    """None until it has started."""
    status_before_redrive: str | None = None
    """How it ended, while it waits for its redrive."""

    @property
    def status(self) -> str:
        """PENDING before it has started, then its execution's status: PENDING_REDRIVE before it is redriven."""
        return PENDING if self.execution is None else self.execution.status

    @property
    def is_redrivable(self) -> bool:
        """Whether a redrive of the Map Run can run it again, if it was unsuccessful."""
        execution = self.execution
        return execution is None or execution.type == EXPRESS or len(execution.history.events) < MOST_EVENTS - 1


@dataclass
class MapRun:
    """One run of a distributed Map state, with its child executions."""

    parent: Execution
    label: str
    """The state's Label, or an identifier made for it."""
    child_type: str = STANDARD
    max_concurrency: int = 0
    """How many children run at the same time at most; 0 for as many as AWS allows."""
    tolerance: Tolerance = field(default_factory=Tolerance)
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    status: str = RUNNING
    start_date: float = field(default_factory=time.time)
    stop_date: float | None = None
    redrive_count: int = 0
    redrive_date: float | None = None
    children: list[Child] | None = None
    """None until the items were read."""
    writing_failure: str | None = None
    """Why the results of a Map Run that failed or was stopped could not be written either."""
    on_update: Callable[[], object] = lambda: None
    """Called, from any thread, when UpdateMapRun has changed a limit."""

    @property
    def arn(self) -> str:
        """`arn:aws:states:REGION:ACCOUNT:mapRun:MACHINE/LABEL:ID`."""
        return self._arn("mapRun", self.id)

    @property
    def machine_arn(self) -> str:
        """The ARN by which children refer to their state machine: the parent's with the label."""
        return f"{self.parent.revision.machine_arn}/{self.label}"

    def execution_arn(self, name: str) -> str:
        """The ARN of a child execution."""
        return self._arn("execution", name)

    def _arn(self, kind: str, name: str) -> str:
        revision = self.parent.revision
        return f"arn:aws:states:{revision.region}:{revision.account}:{kind}:{revision.name}/{self.label}:{name}"

    def new_execution(self, child: Child, block: Block, revision: Revision) -> Execution:
        """The execution of a child, which has not started."""
        name = str(uuid.uuid4())
        child.execution = Execution(
            self.execution_arn(name),
            name,
            revision,
            child.batch.text,
            child.batch.input,
            block=block,
            type=self.child_type,
            map_run_arn=self.arn,
            item_count=child.batch.items,
            trace_header=self.parent.trace_header,
        )
        return child.execution

    def executions(self) -> Iterator[Execution]:
        """The children that have started."""
        return (each.execution for each in self.children or () if each.execution is not None)

    def children_in(self, *statuses: str) -> list[Child]:
        """The children with one of the statuses."""
        return [each for each in self.children or () if each.status in statuses]

    def begin_redrive(self) -> None:
        """Let the children that were unsuccessful wait for their redrive; those that never started are pending."""
        self.redrive_count += 1
        self.redrive_date = time.time()
        self.status, self.stop_date = RUNNING, None
        for child in self.children_in(*UNSUCCESSFUL):
            if child.execution is not None and child.is_redrivable:
                child.status_before_redrive = child.execution.status
                child.execution.status = PENDING_REDRIVE

    def end(self, status: str) -> None:
        """End the run. Children that still wait for their redrive get the status back with which they ended before."""
        self.status, self.stop_date = status, time.time()
        for child in self.children_in(PENDING_REDRIVE):
            if child.execution is not None and child.status_before_redrive is not None:
                child.execution.status = child.status_before_redrive

    def description(self) -> dict[str, Any]:
        """The answer of DescribeMapRun."""
        executions: Counter[str] = Counter()
        items: Counter[str] = Counter()
        for child in self.children or ():
            keys = [child.status]
            if child.status in UNSUCCESSFUL and not child.is_redrivable:
                keys.append("not redrivable")
            for key in keys:
                executions[key] += 1
                items[key] += child.batch.items
        described = {
            "mapRunArn": self.arn,
            "executionArn": self.parent.arn,
            "status": self.status,
            "startDate": self.start_date,
            "maxConcurrency": self.max_concurrency,
            "toleratedFailurePercentage": self.tolerance.percentage,
            "toleratedFailureCount": self.tolerance.count,
            "itemCounts": self._counts(items),
            "executionCounts": self._counts(executions),
            "redriveCount": self.redrive_count,
        }
        dates = {"stopDate": self.stop_date, "redriveDate": self.redrive_date}
        return described | {name: date for name, date in dates.items() if date is not None}

    def _counts(self, by_status: Mapping[str, int]) -> dict[str, int]:
        statuses = (PENDING, RUNNING, SUCCEEDED, FAILED, TIMED_OUT, ABORTED, PENDING_REDRIVE)
        counts = {status: by_status.get(status, 0) for status in statuses}
        return {
            "pending": counts[PENDING],
            "running": counts[RUNNING],
            "succeeded": counts[SUCCEEDED],
            "failed": counts[FAILED],
            "timedOut": counts[TIMED_OUT],
            "aborted": counts[ABORTED],
            "total": sum(counts.values()),
            # As on AWS, results count as written when the run has ended, also without a ResultWriter.
            "resultsWritten": counts[SUCCEEDED] if self.status != RUNNING else 0,
            "failuresNotRedrivable": by_status.get("not redrivable", 0),
            "pendingRedrive": counts[PENDING_REDRIVE],
        }


class MapRuns:
    """The Map Runs of the account, by ARN."""

    def __init__(self) -> None:
        self._runs: dict[str, MapRun] = {}
        self._of_execution: dict[str, list[MapRun]] = {}
        self._executions: dict[str, Execution] = {}

    def add(self, run: MapRun) -> None:
        """Make a Map Run known."""
        self._runs[run.arn] = run
        self._of_execution.setdefault(run.parent.arn, []).append(run)

    def add_child(self, execution: Execution) -> None:
        """Make a child execution known by its ARN; there is no API for EXPRESS ones."""
        if execution.type == STANDARD:
            self._executions[execution.arn] = execution

    def forget_machine(self, machine_arn: str) -> None:
        """Forget the Map Runs of a deleted state machine, and their executions."""
        for arn, run in list(self._runs.items()):
            if run.parent.revision.machine_arn == machine_arn:
                del self._runs[arn]
                self._of_execution.pop(run.parent.arn, None)
                for execution in run.executions():
                    self._executions.pop(execution.arn, None)

    def __contains__(self, run: MapRun) -> bool:
        return self._runs.get(run.arn) is run

    def get(self, arn: str) -> MapRun:
        """The Map Run of an ARN. Raises ServiceError."""
        if arn.count(":") != 7 or ":mapRun:" not in arn:
            raise ServiceError("InvalidArn", f"Invalid Arn: 'Invalid ARN prefix: {arn}'")
        if arn not in self._runs:
            raise ServiceError("ResourceNotFound", f"Resource not found: '{arn}'")
        return self._runs[arn]

    def children(self, arn: str) -> list[Execution]:
        """The children of a Map Run that have started, for ListExecutions. Raises ServiceError.

        As on AWS, EXPRESS children are not listed.
        """
        run = self.get(arn)
        if run.child_type == EXPRESS:
            raise ServiceError(
                "StateMachineTypeNotSupported", "This operation is not supported by this type of state machine"
            )
        return list(run.executions())

    def child(self, arn: str) -> Execution | None:
        """The STANDARD child execution of an ARN `…:execution:MACHINE/LABEL:NAME`, or None."""
        return self._executions.get(arn)

    def of_execution(self, arn: str) -> list[MapRun]:
        """The Map Runs that an execution has started, the newest first."""
        return self._of_execution.get(arn, [])[::-1]

    def reset(self) -> None:
        """Forget every Map Run."""
        self._runs.clear()
        self._of_execution.clear()
        self._executions.clear()

    def describe(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """DescribeMapRun."""
        return self.get(parameters["mapRunArn"]).description()

    def list(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """ListMapRuns of an execution that exists, the newest first."""
        runs = sorted(self.of_execution(parameters["executionArn"]), key=_place, reverse=True)
        shown, token = page(runs, parameters, _place, descending=True)
        listed: dict[str, Any] = {"mapRuns": [_as_list_item(each) for each in shown]}
        return {**listed, "nextToken": token} if token else listed

    def update(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """UpdateMapRun: change the limits of a Map Run that is running."""
        run = self.get(parameters["mapRunArn"])
        if run.status != RUNNING:
            raise ServiceError("ValidationException", f"Map Run {run.arn} is not running; its status is {run.status}")
        count, percentage = parameters.get("toleratedFailureCount"), parameters.get("toleratedFailurePercentage")
        if percentage is not None and not 0 <= percentage <= 100:
            raise ServiceError("ValidationException", "toleratedFailurePercentage must be between 0 and 100")
        if min(count or 0, parameters.get("maxConcurrency") or 0) < 0:
            raise ServiceError("ValidationException", "toleratedFailureCount and maxConcurrency must not be negative")
        run.tolerance = run.tolerance.with_limits(count, percentage)
        if parameters.get("maxConcurrency") is not None:
            run.max_concurrency = parameters["maxConcurrency"]
        run.on_update()
        return {}


def _place(run: MapRun) -> list[Any]:
    return [run.start_date, run.arn]


def _as_list_item(run: MapRun) -> dict[str, Any]:
    item = {
        "executionArn": run.parent.arn,
        "mapRunArn": run.arn,
        "stateMachineArn": run.machine_arn,
        "startDate": run.start_date,
    }
    return item if run.stop_date is None else {**item, "stopDate": run.stop_date}


class PackedHistory(History):
    """The history of an execution that has succeeded, compressed, so that thousands of children take little memory."""

    def __init__(self, history: History) -> None:
        self._packed = zlib.compress(json.dumps(history.events).encode(), 1)

    @property
    def events(self) -> list[dict[str, Any]]:  # type: ignore[override]
        """The events, unpacked."""
        unpacked: list[dict[str, Any]] = json.loads(zlib.decompress(self._packed))
        return unpacked


def release(execution: Execution, *, keep_output: bool, pack: bool) -> None:
    """Keep of a child that has succeeded only what the API shows: what a redrive would need goes away."""
    if execution.type == EXPRESS:
        execution.history = History()  # there is no API for the history of an EXPRESS execution
    elif pack:
        execution.history = PackedHistory(execution.history)
    execution.scope = Scope(execution.scope.block, None, output=execution.scope.output if keep_output else None)
