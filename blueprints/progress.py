"""The steps of a command with their durations, shown as they happen and recorded for its JSON output."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

Report = Callable[[str], None]
"""Is called with what goes on within a step, such as `uploading notes.zip`."""


@dataclass
class Step:
    """One step. `notes` are lines for the user, such as which Python is used in place of another."""

    name: str
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)


class Display(Protocol):
    """Shows steps to someone."""

    def started(self, step: Step) -> None:
        """A step begins."""

    def updated(self, step: Step, what: str) -> None:
        """Something within a step begins that may take long."""

    def finished(self, step: Step, *, well: bool) -> None:
        """A step has ended; `well` if it raised nothing."""


class Silent:
    """Shows nothing."""

    def started(self, step: Step) -> None:
        """Show nothing."""

    def updated(self, step: Step, what: str) -> None:
        """Show nothing."""

    def finished(self, step: Step, *, well: bool) -> None:
        """Show nothing."""


class Progress:
    """Records the steps of a command and shows them on a display."""

    def __init__(self, display: Display | None = None) -> None:
        self.done: list[Step] = []
        self._display = display or Silent()
        self._current: Step | None = None

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """Measure the time of what runs inside. A step that raises is shown as failed, and not recorded."""
        step = self._current = Step(name)
        self._display.started(step)
        started = time.monotonic()
        well = False
        try:
            yield step
            well = True
        finally:
            step.seconds = time.monotonic() - started
            self._current = None
            self._display.finished(step, well=well)
        self.done.append(step)

    def report(self, what: str) -> None:
        """Show what the current step does."""
        if self._current:
            self._display.updated(self._current, what)

    def as_json(self) -> list[dict[str, object]]:
        """`name` and `seconds` of every step that has succeeded."""
        return [{"name": step.name, "seconds": round(step.seconds, 3)} for step in self.done]
