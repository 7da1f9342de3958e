"""What became of each state in an execution, as a picture shows it."""

from collections import defaultdict
from itertools import pairwise

from blueprints.counting import counted
from blueprints.executions.durations import duration
from blueprints.executions.records import History, ScopeRun, StateRun
from blueprints.flow_pictures import Outcome
from blueprints.flow_pictures.flow import CATCH, NORMAL
from blueprints.flow_pictures.outcomes import ABORTED, CAUGHT, FAILED, RUNNING, SUCCEEDED

_WORST_FIRST = (FAILED, RUNNING, ABORTED, CAUGHT, SUCCEEDED)


def outcomes_of(history: History) -> dict[str, Outcome]:
    """The outcome of each state that ran, by name, over all its runs."""
    runs: dict[str, list[StateRun]] = defaultdict(list)
    for run in history.root.all_runs():
        runs[run.name].append(run)
    following: dict[str, dict[tuple[str, str], None]] = defaultdict(dict)
    _follow(history.root, following)
    return {name: _outcome(each, tuple(following[name])) for name, each in runs.items()}


def _follow(scope: ScopeRun, following: dict[str, dict[tuple[str, str], None]]) -> None:
    """Note by which transitions the states of a scope followed each other."""
    for before, after in pairwise(scope.runs):
        following[before.name][after.name, CATCH if before.status == CAUGHT else NORMAL] = None
    for run in scope.runs:
        for inner in run.scopes:
            _follow(inner, following)


def _outcome(runs: list[StateRun], following: tuple[tuple[str, str], ...]) -> Outcome:
    """In a loop the last run counts; of runs at the same time, as in iterations, the worst."""
    last = runs[-1:] if len({id(each.scope) for each in runs}) == 1 else runs
    status = min((each.status for each in last), key=_WORST_FIRST.index)
    return Outcome(status, tuple(_lines(runs, status)), following)


def _lines(runs: list[StateRun], status: str) -> list[str]:
    seconds = sum(each.seconds or 0 for each in runs)
    attempts = sum(each.attempts for each in runs)
    parts = [counted(len(runs), "run")] if len(runs) > 1 else []
    if runs[0].type not in ("Choice", "Succeed", "Fail", "Pass") or seconds >= 1:
        parts.append(duration(seconds))
    if attempts > len(runs):
        parts.append(counted(attempts, "attempt"))
    lines = [" · ".join(parts)] if parts else []
    lines += [words for each in runs[-1:] if (words := items_line(each))]
    error = next((each.error for each in reversed(runs) if each.status in (FAILED, CAUGHT) and each.error), "")
    if error and status in (FAILED, CAUGHT) and runs[0].type != "Fail":
        lines.append(error)
    return lines


def items_line(run: StateRun) -> str:
    """How the items of a Map state ended: `300 items: 298 succeeded, 2 failed`; empty for other states."""
    if run.type != "Map":
        return ""
    if run.map_run_counts:
        counts = run.map_run_counts["itemCounts"]
        ended = {name: counts.get(key, 0) for name, key in _MAP_RUN_ENDS.items()}
        return _counted_items(counts.get("total", 0), ended)
    ended = {name: sum(each.status == name for each in run.last_scopes) for name in _WORST_FIRST}
    total = run.items if run.items is not None else len(run.last_scopes)
    return _counted_items(total, ended) if total else "no items" if run.items == 0 else ""


_MAP_RUN_ENDS = {
    "succeeded": "succeeded",
    "failed": "failed",
    "timed out": "timedOut",
    "aborted": "aborted",
    "running": "running",
    "pending": "pending",
}


def _counted_items(total: int, ended: dict[str, int]) -> str:
    named = [f"{number:,} {name}" for name, number in ended.items() if number]
    if not named or (len(named) == 1 and ended.get("succeeded") == total):
        return counted(total, "item")
    return f"{counted(total, 'item')}: {', '.join(named)}"
