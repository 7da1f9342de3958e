"""Reads the events of GetExecutionHistory into a tree of states.

Each event names the one that it follows, so events of branches and iterations that run at the same time can be told
apart. Types of events that are not known here are passed over.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from blueprints.executions.records import UNFINISHED, History, ScopeRun, StateRun
from blueprints.flow_pictures.outcomes import ABORTED, CAUGHT, FAILED, RUNNING, SUCCEEDED

Event = Mapping[str, Any]

_STATE = re.compile(r"(?P<type>[A-Z][a-z]+)State(?P<what>[A-Z][a-z]+)")
_WORK = re.compile(r"(?:Task|LambdaFunction|Activity)(?P<what>[A-Z]\w+)")
_ENDS = {
    "ExecutionSucceeded": "SUCCEEDED",
    "ExecutionFailed": "FAILED",
    "ExecutionTimedOut": "TIMED_OUT",
    "ExecutionAborted": "ABORTED",
}
_NAMES_OF_ENDS = {"Succeeded": SUCCEEDED, "Failed": FAILED, "Aborted": ABORTED}


@dataclass
class _Place:
    """Where an event belongs."""

    scope: ScopeRun
    run: StateRun | None


def read_events(events: Iterable[Event]) -> History:
    """The tree of an execution, from all its events or its first ones."""
    reader = _Reader()
    for event in events:
        reader.add(event)
    return reader.history


def details_of(event: Event) -> Mapping[str, Any]:
    """The details of an event, whatever its type."""
    found = (value for name, value in event.items() if name.endswith("EventDetails") and isinstance(value, Mapping))
    return next(found, {})


class _Reader:
    """Adds events one by one, in the order of their ids."""

    def __init__(self) -> None:
        self.history = History(ScopeRun())
        self._places: dict[int, _Place] = {}
        self._kinds: dict[int, str] = {}

    def add(self, event: Event) -> None:
        kind, before = str(event["type"]), event.get("previousEventId", 0)
        place = self._places.get(before) or _Place(self.history.root, None)
        self._kinds[event["id"]] = kind
        self._places[event["id"]] = self._placed(kind, event, place) or place

    def _placed(self, kind: str, event: Event, place: _Place) -> _Place | None:
        """Take in an event, and return where it belongs; None if it belongs where the event before it does."""
        if kind.startswith("Execution"):
            return self._execution(kind, event, place)
        if kind.startswith("MapIteration"):
            return self._iteration(kind.removeprefix("MapIteration"), event, place)
        if kind.startswith("MapRun"):
            return self._map_run(kind.removeprefix("MapRun"), event, place)
        if kind == "EvaluationFailed":
            return self._evaluation(event)
        state = _STATE.fullmatch(kind)
        if state:
            return self._state(state["type"], state["what"], event, place)
        work = _WORK.fullmatch(kind)
        return self._work(work["what"], event, place) if work else None

    # --- the execution -----------------------------------------------------------------------------------------------

    def _execution(self, kind: str, event: Event, place: _Place) -> _Place | None:
        history, details = self.history, details_of(event)
        if kind == "ExecutionStarted":
            history.started = event["timestamp"]
        elif kind == "ExecutionRedriven":
            history.redrives += 1
            history.status, history.ended, history.error, history.cause = "RUNNING", None, "", ""
            return _Place(history.root, None)
        elif kind in _ENDS:
            history.status, history.ended = _ENDS[kind], event["timestamp"]
            history.error, history.cause = str(details.get("error") or ""), str(details.get("cause") or "")
            if kind == "ExecutionSucceeded":
                history.root.status = SUCCEEDED
            else:
                failed = place.run if kind == "ExecutionFailed" else None
                _end_open(history.root, event["timestamp"], _line_of(failed), history.error, history.cause)
        return None

    # --- states ------------------------------------------------------------------------------------------------------

    def _state(self, kind: str, what: str, event: Event, place: _Place) -> _Place | None:
        if what == "Entered":
            return self._entered(kind, event, place)
        name = details_of(event).get("name")
        run = self._find(place, lambda each: each.type == kind and (name is None or each.name == name))
        if run is None:
            return None
        if what == "Started":
            run.attempts, run.is_failing = run.attempts + 1, False
            run.items = details_of(event).get("length", run.items)
        elif what == "Exited":
            run.status, run.ended = CAUGHT if run.is_failing else SUCCEEDED, event["timestamp"]
        elif what == "Failed":
            run.is_failing = True
            error, cause = _failure(run)
            run.error, run.cause = run.error or error, run.cause or cause
            for scope in run.last_scopes:
                _end_open(scope, event["timestamp"], _line_of(place.run), run.error, run.cause)
        elif what == "Aborted":
            run.status, run.ended = ABORTED, event["timestamp"]
        return _Place(run.scope, run)

    def _entered(self, kind: str, event: Event, place: _Place) -> _Place:
        before = self._kinds.get(event.get("previousEventId", 0), "")
        name = str(details_of(event).get("name", ""))
        scope = place.scope
        if before == "ParallelStateStarted" and place.run:
            scope = ScopeRun(place.run, len(place.run.last_scopes), max(place.run.attempts, 1))
            place.run.scopes.append(scope)
        elif before == "ExecutionRedriven":
            again = next((each for each in self.history.root.all_runs() if each.name == name), None)
            scope = again.scope if again else scope
        run = StateRun(name, kind, event["timestamp"], scope)
        scope.runs.append(run)
        scope.status = RUNNING
        return _Place(scope, run)

    def _evaluation(self, event: Event) -> _Place | None:
        """It follows the event before its state was entered, so its state is found by name."""
        details = details_of(event)
        runs = [each for each in self.history.root.all_runs() if each.name == details.get("state")]
        run = next((each for each in reversed(runs) if each.status in UNFINISHED), None)
        if run is None:
            return None
        _fail(run, details)
        return _Place(run.scope, run)

    # --- the work of states ------------------------------------------------------------------------------------------

    def _work(self, what: str, event: Event, place: _Place) -> _Place | None:
        run = self._resumed(event, "Task") or place.run
        if run is None:
            return None
        if what == "Scheduled":
            run.attempts, run.is_failing = run.attempts + 1, False
        elif what == "Succeeded":
            run.is_failing = False
        elif what.endswith(("Failed", "TimedOut")):
            if what == "ScheduleFailed":
                run.attempts = max(run.attempts, 1)
            _fail(run, details_of(event), "States.Timeout" if what == "TimedOut" else "")
        return _Place(run.scope, run)

    def _iteration(self, what: str, event: Event, place: _Place) -> _Place | None:
        details = details_of(event)
        run = self._find(place, lambda each: each.type == "Map" and each.name == details.get("name"))
        run = run or self._resumed(event, "Map")
        if run is None:
            return None
        index = int(details.get("index", 0))
        if what == "Started":
            scope = ScopeRun(run, index, max(run.attempts, 1))
            run.scopes.append(scope)
            return _Place(scope, run)
        scope = next((each for each in reversed(run.scopes) if each.index == index), ScopeRun(run, index))
        scope.status = _NAMES_OF_ENDS.get(what, scope.status)
        if what != "Succeeded":
            _end_open(scope, event["timestamp"], _line_of(place.run), "", "")
        return _Place(scope, run)

    def _map_run(self, what: str, event: Event, place: _Place) -> _Place | None:
        run = self._find(place, lambda each: each.type == "Map") or self._resumed(event, "Map")
        if run is None:
            return None
        details = details_of(event)
        run.map_run = str(details.get("mapRunArn") or run.map_run)
        if what == "Started":
            run.attempts = max(run.attempts, 1)
        elif what == "Failed":
            _fail(run, details)
        return _Place(run.scope, run)

    # --- finding the state of an event -------------------------------------------------------------------------------

    def _find(self, place: _Place, is_it: Any) -> StateRun | None:
        """The innermost state around a place that has not ended and that `is_it`."""
        around = list(_line_of(place.run)) or list(_line_of(place.scope.parent))
        return next((each for each in around if each.status == RUNNING and is_it(each)), None) or self._unfinished(
            is_it
        )

    def _unfinished(self, is_it: Any) -> StateRun | None:
        """After a redrive: the last state that did not end well and that `is_it`, which goes on now."""
        if not self.history.redrives:
            return None
        runs = [each for each in self.history.root.all_runs() if each.status in UNFINISHED and is_it(each)]
        return _go_on(runs[-1]) if runs else None

    def _resumed(self, event: Event, kind: str) -> StateRun | None:
        """The state that goes on with an event that follows a redrive; None if the event does not follow one."""
        if self._kinds.get(event.get("previousEventId", 0)) != "ExecutionRedriven":
            return None
        runs = self.history.root.all_runs()
        found = next((each for each in runs if each.type == kind and each.status in (FAILED, ABORTED)), None)
        return _go_on(found) if found else None


def _go_on(run: StateRun) -> StateRun:
    """Mark a state, and those around it, as running again."""
    for each in _line_of(run):
        each.status, each.ended, each.is_failing = RUNNING, None, False
        each.scope.status = RUNNING
    return run


def _line_of(run: StateRun | None) -> Iterator[StateRun]:
    """A state and those around it, from the inside out."""
    while run:
        yield run
        run = run.scope.parent


def _fail(run: StateRun, details: Mapping[str, Any], error: str = "") -> None:
    run.is_failing = True
    run.error = str(details.get("error") or error or run.error)
    run.cause = str(details.get("cause") or "")


def _failure(run: StateRun) -> tuple[str, str]:
    """The error and cause of the state inside that made a state fail."""
    inside = [each for scope in run.last_scopes for each in scope.all_runs() if each.is_failing or each.type == "Fail"]
    return (inside[-1].error, inside[-1].cause) if inside else ("", "")


def _end_open(scope: ScopeRun, when: Any, failed: Iterator[StateRun], error: str, cause: str) -> None:
    """End what still runs in a scope: what failed, with its error, and what was stopped because of it."""
    failing = list(failed)
    for run in scope.all_runs():
        if run.status != RUNNING:
            continue
        run.ended = when
        if run in failing or run.is_failing or run.type == "Fail":
            run.status = FAILED
            if not run.error:
                run.error, run.cause = error, cause
        else:
            run.status = ABORTED
        for each in run.scopes:
            each.status = run.status if each.status == RUNNING else each.status
    if scope.status == RUNNING:
        scope.status = FAILED if any(each.status == FAILED for each in scope.runs) else ABORTED
