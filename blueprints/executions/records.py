"""An execution as a tree: states that ran, in them branches and iterations, in those again states."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from blueprints.flow_pictures.outcomes import ABORTED, FAILED, RUNNING

UNFINISHED = {FAILED, ABORTED, RUNNING}


@dataclass
class StateRun:
    """One run of a state, with all its attempts."""

    name: str
    type: str
    """Such as `Task`."""
    entered: datetime
    scope: "ScopeRun" = field(repr=False)
    ended: datetime | None = None
    status: str = RUNNING
    """`running`, `succeeded`, `caught` (it failed, and a Catch took over), `failed` or `aborted`."""
    attempts: int = 0
    """Attempts of a Task, Parallel or Map state; 0 for states that have none."""
    error: str = ""
    """The last error of the state, also if a later attempt succeeded."""
    cause: str = ""
    is_failing: bool = False
    """Whether its last attempt failed."""
    scopes: list["ScopeRun"] = field(default_factory=list)
    """Branches or iterations of all attempts."""
    items: int | None = None
    """How many items a Map state has."""
    map_run: str = ""
    """The ARN of the Map Run of a distributed Map state."""
    map_run_counts: dict[str, Any] | None = None
    """`itemCounts` and `executionCounts` of DescribeMapRun."""

    @property
    def last_scopes(self) -> list["ScopeRun"]:
        """Branches, or each iteration once, of the last attempt."""
        last = [each for each in self.scopes if each.attempt == max(self.attempts, 1)]
        return list({each.index: each for each in last}.values())

    @property
    def seconds(self) -> float | None:
        """How long it ran; None if it has not ended."""
        return (self.ended - self.entered).total_seconds() if self.ended else None


@dataclass
class ScopeRun:
    """States that ran one after the other: those of the machine, of a branch or of an iteration."""

    parent: StateRun | None = None
    index: int = 0
    """Which branch or iteration it is, from 0."""
    attempt: int = 1
    """The attempt of its state to which it belongs."""
    status: str = RUNNING
    runs: list[StateRun] = field(default_factory=list)

    def all_runs(self) -> Iterator[StateRun]:
        """Every state that ran in it, also in branches and iterations, in the order in which they were entered."""
        for run in self.runs:
            yield run
            for scope in run.scopes:
                yield from scope.all_runs()


@dataclass
class History:
    """What the events of an execution show."""

    root: ScopeRun
    status: str = "RUNNING"
    """As in DescribeExecution."""
    started: datetime | None = None
    ended: datetime | None = None
    error: str = ""
    cause: str = ""
    redrives: int = 0
