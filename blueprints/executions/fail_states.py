"""Errors of Fail states inside of others: their events do not have them, but the definition does."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from blueprints.executions.records import History, StateRun


def unexplained(history: History) -> list[StateRun]:
    """The Fail states that ran and whose error is not known from the history."""
    return [run for run in history.root.all_runs() if run.type == "Fail" and not run.error]


def explain(runs: list[StateRun], definition: str) -> None:
    """Take errors and causes that are written in a definition over to Fail states, and to the states they failed."""
    written = dict(_fail_states(json.loads(definition)))
    for run in runs:
        run.error, run.cause = written.get(run.name, ("", ""))
        around = run.scope.parent
        while around and around.is_failing and not around.error:
            around.error, around.cause = run.error, run.cause
            around = around.scope.parent


def _fail_states(block: object) -> Iterator[tuple[str, tuple[str, str]]]:
    """Name, error and cause of each Fail state of a definition or a part of one; expressions are left out."""
    if isinstance(block, list):
        for each in block:
            yield from _fail_states(each)
    if not isinstance(block, Mapping):
        return
    states = block.get("States")
    for name, state in states.items() if isinstance(states, Mapping) else ():
        if state.get("Type") == "Fail":
            yield name, (_literal(state.get("Error")), _literal(state.get("Cause")))
        for inside in ("Branches", "ItemProcessor", "Iterator"):
            yield from _fail_states(state.get(inside))


def _literal(value: Any) -> str:
    return value if isinstance(value, str) and not value.startswith("{%") else ""
