"""The history of one execution, event by event, in the form of GetExecutionHistory."""

import re
import time
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from blueprints.states_language.failures import RUNTIME, StateFailed

MOST_EVENTS = 25_000
"""The most events that AWS keeps of a STANDARD execution; it fails with the last of them."""
_STATE_EVENT = re.compile(r"[A-Z][a-z]+State(Entered|Exited)")
_NOT_TRUNCATED = {"truncated": False}

Event = dict[str, Any]


class HistoryFull(StateFailed):
    """There is no room for another event. Neither Retry nor Catch takes it: they would need events."""

    def __init__(self, limit: int) -> None:
        super().__init__(RUNTIME, f"The execution reached the maximum number of history events ({limit}).")


class History:
    """The events of an execution; an event's id is its place, from 1. `listener` gets each event as it is added."""

    def __init__(self, listener: Callable[[Event], None] | None = None, *, limit: int | None = MOST_EVENTS) -> None:
        self.events: list[Event] = []
        self._listener = listener
        self._limit = limit

    def add(self, kind: str, details: Mapping[str, Any] | None, after: int, *, last: bool = False) -> int:
        """Add an event that follows the event `after`, and return its id.

        `details` come without the name of the member that wraps them. Raises HistoryFull when there is only room for
        the `last` event, the one that ends the execution.
        """
        number = len(self.events) + 1
        if self._limit and number >= self._limit and not last:
            raise HistoryFull(self._limit)
        event: Event = {"timestamp": time.time(), "type": kind, "id": number, "previousEventId": after}
        if details is not None:
            event[details_member(kind)] = details
        self.events.append(event)
        if self._listener:
            self._listener(event)
        return number


@cache
def details_member(kind: str) -> str:
    """The member of HistoryEvent with the details of a type of event."""
    state_event = _STATE_EVENT.fullmatch(kind)
    name = f"state{state_event[1]}" if state_event else kind[0].lower() + kind[1:]
    return f"{name}EventDetails"


def input_details(text: str) -> dict[str, Any]:
    """The members that show an input."""
    return {"input": text, "inputDetails": _NOT_TRUNCATED}


def output_details(text: str) -> dict[str, Any]:
    """The members that show an output."""
    return {"output": text, "outputDetails": _NOT_TRUNCATED}
