"""The steps of a longer piece of work, with their durations: recorded for programs, shown to people as they happen."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol


@dataclass
class Step:
    """One step. `notes` are what a person should know about it, such as an interpreter that stands in."""

    name: str
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)


class Display(Protocol):
    """Shows steps to someone."""

    def begun(self, step: Step) -> None:
        """A step begins."""

    def progressed(self, step: Step, what: str) -> None:
        """Something within a step begins that may take a while."""

    def ended(self, step: Step, *, well: bool) -> None:
        """A step is over, well or not."""


class Silent:
    """Shows nothing."""

    def begun(self, step: Step) -> None:
        """Show nothing."""

    def progressed(self, step: Step, what: str) -> None:
        """Show nothing."""

    def ended(self, step: Step, *, well: bool) -> None:
        """Show nothing."""


class Steps:
    """Records steps and tells a display about them."""

    def __init__(self, display: Display | None = None) -> None:
        self.done: list[Step] = []
        self._display = display or Silent()
        self._current: Step | None = None

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """Time what happens inside; a step that raises is shown as failed and not recorded."""
        step = self._current = Step(name)
        self._display.begun(step)
        begun = time.monotonic()
        well = False
        try:
            yield step
            well = True
        finally:
            step.seconds = time.monotonic() - begun
            self._current = None
            self._display.ended(step, well=well)
        self.done.append(step)

    def progress(self, what: str) -> None:
        """Say what the current step is busy with."""
        if self._current:
            self._display.progressed(self._current, what)

    def as_json(self) -> list[dict[str, object]]:
        """`name` and `seconds` of every step that ended well."""
        return [{"name": step.name, "seconds": round(step.seconds, 3)} for step in self.done]
