"""Traffic for a rehearsal: the pattern's demo, played again and again, and its events, repeated to each alias.

A demo makes a few events a second, of which a canary sees one in ten. The repeated ones are those that the function
handled in the demo; handlers are idempotent, so they change nothing.
"""

import itertools
import json
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from blueprints.demo import play
from blueprints.pattern import Pattern
from blueprints.progress import Progress


@dataclass(frozen=True)
class Played:
    """One run of the demo: real moments by `time.time()`, and what it raised."""

    began: float
    ended: float
    failure: str | None


_SENDERS = 2
_EVENTS_A_SECOND = 40
"""From each sender to each alias, while a call takes no longer than that."""


@dataclass
class Traffic:
    """Sends traffic between `start` and `stop`."""

    pattern: Pattern
    outputs: dict[str, str]
    client: Callable[[str], Any]
    events: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    """The events to repeat, by the ARN of their alias."""
    runs: list[Played] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._ends = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Begin."""
        self._begin(self._go_on)
        for arn, events in self.events.items():
            for _ in range(_SENDERS if events else 0):
                self._begin(partial(self._repeat, arn, events))

    def stop(self) -> None:
        """Let what is under way end, and return then."""
        self._ends.set()
        for each in self._threads:
            each.join()

    def once(self) -> Played:
        """Play the demo once."""
        began = time.time()
        failure = None
        with tempfile.TemporaryDirectory() as folder:
            try:
                play(self.pattern, self.outputs, self.client, None, Path(folder) / "run", Progress())
            except Exception as error:  # noqa: BLE001 - whatever a demo raises is its verdict
                failure = f"{type(error).__name__}: {error}"
        run = Played(began, time.time(), failure)
        self.runs.append(run)
        return run

    def _go_on(self) -> None:
        while not self._ends.is_set():
            self.once()

    def _begin(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, name="traffic", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _repeat(self, arn: str, events: Sequence[Any]) -> None:
        """Invoke an alias; whether that fails, the function's metrics tell."""
        client = self.client("lambda")
        for event in itertools.cycle(events):
            if self._ends.wait(1 / _EVENTS_A_SECOND):
                return
            client.invoke(FunctionName=arn, Payload=json.dumps(event).encode())
