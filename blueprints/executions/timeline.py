"""An execution as a timeline: a row for each state, with its time, its attempts and its error."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from blueprints.counting import counted
from blueprints.executions.durations import duration
from blueprints.executions.outcomes import items_line
from blueprints.executions.reading import Execution, cause_in_a_line
from blueprints.executions.records import ScopeRun, StateRun
from blueprints.flow_pictures.outcomes import CAUGHT, FAILED

_MOST_ROWS = 60
_MOST_ITERATIONS = 3
"""More iterations of a Map state are counted, and the first that failed are shown."""
_MOST_FAILED = 2


@dataclass(frozen=True)
class Row:
    """One line of a timeline."""

    name: str
    status: str
    """Of a state, as in StateRun; empty for a line about states that are left out."""
    depth: int = 0
    """How many states it is inside of."""
    label: str = ""
    """Which branch or iteration begins with it."""
    offset: float | None = None
    """Seconds after the execution's start."""
    seconds: float | None = None
    notes: tuple[str, ...] = ()
    """Such as `3 attempts`."""
    error: str = ""
    """Error and cause on one line."""


def rows(execution: Execution) -> list[Row]:
    """The rows of an execution; of a long one the first and the last, with a row that counts those between."""
    made = list(_rows(execution.history.root, execution.started, 0))
    if execution.is_cut:
        made.append(Row("later events are not read", ""))
    if len(made) <= _MOST_ROWS:
        return made
    half = _MOST_ROWS // 2
    left_out = len(made) - 2 * half
    return [*made[:half], Row(f"{counted(left_out, 'more state')} left out", ""), *made[-half:]]


def _rows(scope: ScopeRun, start: datetime, depth: int, label: str = "") -> Iterator[Row]:
    for run in scope.runs:
        yield _row(run, start, depth, label)
        label = ""
        yield from _inside(run, start, depth + 1)


def _row(run: StateRun, start: datetime, depth: int, label: str) -> Row:
    notes = [counted(run.attempts, "attempt")] if run.attempts > 1 else []
    notes += [words for words in (items_line(run),) if words]
    shows_error = run.error and (run.status in (FAILED, CAUGHT) or run.attempts > 1) and not _is_said_inside(run)
    error = ": ".join(filter(None, (run.error, cause_in_a_line(run.cause)))) if shows_error else ""
    offset = (run.entered - start).total_seconds()
    return Row(run.name, run.status, depth, label, max(offset, 0.0), run.seconds, tuple(notes), error)


def _is_said_inside(run: StateRun) -> bool:
    """Whether a state inside failed with the same error and is shown with it."""
    inside = (each for scope in _shown(run) for each in scope.all_runs())
    return any((each.error, each.cause) == (run.error, run.cause) and each.status == FAILED for each in inside)


def _inside(run: StateRun, start: datetime, depth: int) -> Iterator[Row]:
    shown = _shown(run)
    for scope in shown:
        label = f"{scope.index + 1}." if run.type == "Parallel" else f"#{scope.index}"
        yield from _rows(scope, start, depth, label)
    left_out = sum(each.status == FAILED for each in run.last_scopes) - sum(each.status == FAILED for each in shown)
    if left_out:
        yield Row(f"{counted(left_out, 'more iteration')} failed", "", depth)


def _shown(run: StateRun) -> Sequence[ScopeRun]:
    """All branches; of many iterations the first that failed."""
    scopes = run.last_scopes
    if run.type == "Parallel" or len(scopes) <= _MOST_ITERATIONS:
        return scopes
    return [each for each in scopes if each.status == FAILED][:_MOST_FAILED]


def summary(execution: Execution) -> str:
    """How an execution ended: `FAILED after 1.25 s`."""
    if execution.seconds is None:
        return execution.status
    redrives = execution.history.redrives
    again = f", redriven {counted(redrives, 'time')}" if redrives else ""
    return f"{execution.status} after {duration(execution.seconds)}{again}"


def failure(execution: Execution) -> str:
    """Error and cause of an execution that failed, on one line."""
    history = execution.history
    return ": ".join(filter(None, (history.error, cause_in_a_line(history.cause))))


def kind(execution: Execution) -> tuple[Any, ...]:
    """What executions have in common that went the same way: the same states with the same outcomes."""
    return (execution.machine, execution.status, execution.history.error, _way(execution.history.root))


def _way(scope: ScopeRun) -> tuple[Any, ...]:
    return tuple((run.name, run.status, tuple(map(_way, run.last_scopes))) for run in scope.runs)


def as_json(execution: Execution) -> dict[str, Any]:
    """An execution as data. Times are ISO 8601, durations seconds, both None until it has ended."""
    history = execution.history
    return {
        "execution": execution.arn,
        "name": execution.name,
        "state_machine": execution.machine,
        "status": execution.status,
        "started": execution.started.isoformat(),
        "seconds": execution.seconds,
        "redrives": history.redrives,
        "error": history.error or None,
        "cause": history.cause or None,
        "states": _states(history.root, execution.started),
        "complete": not execution.is_cut,
    }


def _states(scope: ScopeRun, start: datetime) -> list[dict[str, Any]]:
    return [_state(run, start) for run in scope.runs]


def _state(run: StateRun, start: datetime) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "name": run.name,
        "type": run.type,
        "status": run.status,
        "offset": max((run.entered - start).total_seconds(), 0.0),
        "seconds": run.seconds,
        "attempts": run.attempts,
        "error": run.error or None,
        "cause": run.cause or None,
    }
    if run.type == "Parallel":
        shown["branches"] = [_states(each, start) for each in run.last_scopes]
    if run.map_run:
        shown["map_run"] = {"arn": run.map_run, **(run.map_run_counts or {})}
    elif run.type == "Map":
        shown["items"] = run.items
        shown["iterations"] = [
            {"index": each.index, "status": each.status, "states": _states(each, start)} for each in run.last_scopes
        ]
    return shown
