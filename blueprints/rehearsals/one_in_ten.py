"""Which events a version with the break `raises-sometimes` cannot handle: one in ten, always the same ones."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any

SOURCE = """\
import hashlib
import json

text = json.dumps(event, sort_keys=True, default=str)
if int(hashlib.sha256(text.encode()).hexdigest(), 16) % 10 == 0:
    raise RuntimeError("broken for the rehearsal")
"""
"""Python in a handler with a parameter `event`; it decides as `is_broken` does."""

KEY = "rehearsal"
"""The key that makes copies of an event differ from each other."""


def is_broken(event: object) -> bool:
    """Whether the event is one of those: by a digest of its JSON, so a retry of it fails too."""
    text = json.dumps(event, sort_keys=True, default=str)
    return int(hashlib.sha256(text.encode()).hexdigest(), 16) % 10 == 0


def varied(events: Sequence[dict[str, Any]], number: int) -> list[dict[str, Any]]:
    """Copies of events that differ in a key of their own, every tenth of them one that `is_broken`."""
    copies: list[dict[str, Any]] = []
    for n in range(number):
        wanted, event = n % 10 == 0, events[n % len(events)]
        copies.append(next(each for each in _copies(event, n) if is_broken(each) == wanted))
    return copies


def _copies(event: dict[str, Any], number: int) -> Iterator[dict[str, Any]]:
    for attempt in count():
        yield {**event, KEY: f"{number}.{attempt}"}
