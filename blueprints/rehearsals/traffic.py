"""Traffic for a rehearsal: the pattern's demo, played while traffic shifts, and its events, repeated to the aliases.

A demo makes a few events a second, of which a canary gets one in ten. The repeated events are those that the demo made;
handlers and state machines are idempotent, so they change nothing.
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
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from blueprints.demo import play
from blueprints.pattern import Pattern
from blueprints.progress import Progress

_A_SECOND_BEFORE = 0.5
_LEAST_REST = 0.5
"""Seconds between two runs of the demo; longer ones are followed by a rest as long as they are."""


@dataclass(frozen=True)
class Played:
    """One run of the demo, and what it raised."""

    seconds: float
    failure: str | None


class Sender(Protocol):
    """Sends events to one alias."""

    a_second: float
    """Events of each thread, while a call takes no longer than that, when the new version has a part of the traffic."""

    def of_thread(self) -> Sequence[Sequence[Any]]:
        """The events of each thread."""

    def send(self, event: Any) -> object:
        """Send an event and wait until it is handled. Failures are counted elsewhere."""


@dataclass
class Traffic:
    """Sends traffic between `start` and `stop`."""

    pattern: Pattern
    outputs: Mapping[str, str]
    client: Callable[[str], Any]
    runs: list[Played] = field(default_factory=list)
    """The runs of the demo since the last `start`."""
    refused: int = 0
    """Repeated events that the embedded AWS did not take, for example because a function was throttled."""

    def __post_init__(self) -> None:
        self._ends = threading.Event()
        self._shifts = threading.Event()
        self._partial: set[str] = set()
        """The aliases whose new version has a part of the traffic."""
        self._threads: list[threading.Thread] = []
        self.plays = True
        """Whether the demo is played between `start` and `stop`, too, while traffic shifts."""

    def start(self, senders: Sequence[Sender]) -> None:
        """Begin."""
        self._ends.clear()
        self._shifts.clear()
        self._partial.clear()
        self.runs, self.refused = [], 0
        if self.plays:
            self._begin(self._play_on)
        for each in senders:
            for events in each.of_thread():
                self._begin(partial(self._repeat, each, events))

    @property
    def is_fast(self) -> bool:
        """Whether as many events are sent as the senders say, and not a few."""
        return self._shifts.is_set()

    def follow(self, target: str, share: float | None) -> None:
        """Send many events and play the demo while the new version of an alias has a part of the traffic.

        Before and afterwards there are a few events and no demo, so that hooks have the machine. When a version gets
        all traffic at once, the traffic goes on until the end.
        """
        if share is None:
            return
        had_a_part = target in self._partial
        if 0 < share < 1:
            self._partial.add(target)
        else:
            self._partial.discard(target)
        if self._partial or (share and not had_a_part):
            self._shifts.set()
        else:
            self._shifts.clear()

    def stop(self) -> None:
        """Let what is under way end, and return then."""
        self._ends.set()
        while self._threads:
            self._threads.pop().join()

    def play(self) -> Played:
        """Play the demo once."""
        began = time.monotonic()
        failure = None
        with tempfile.TemporaryDirectory() as folder:
            try:
                play(self.pattern, dict(self.outputs), self.client, None, Path(folder) / "run", Progress())
            except Exception as error:  # noqa: BLE001 - whatever a demo raises is its verdict
                failure = f"{type(error).__name__}: {error}"
        return Played(time.monotonic() - began, failure)

    def _play_on(self) -> None:
        while not self._ends.is_set():
            if self._shifts.wait(_LEAST_REST):
                self.runs.append(self.play())
                self._ends.wait(max(self.runs[-1].seconds, _LEAST_REST))

    def _begin(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, name="traffic", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _repeat(self, sender: Sender, events: Sequence[Any]) -> None:
        for event in itertools.cycle(events):
            if self._ends.wait(1 / (sender.a_second if self.is_fast else _A_SECOND_BEFORE)):
                return
            try:
                sender.send(event)
            except (ClientError, BotoCoreError):
                self.refused += 1


def as_payload(event: object) -> bytes:
    """An event as the payload of a request."""
    return json.dumps(event).encode()
