"""Whether a version answers as the released one does: by the shape of the answers, because their values may change."""

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

Shape = object
"""Types of a JSON value, and the keys of its objects; equal for answers of the same form."""


def shape(value: object) -> Shape:
    """The shape of a JSON value. Lists have that of their first item."""
    if isinstance(value, Mapping):
        return tuple(sorted((str(key), shape(each)) for key, each in value.items()))
    if isinstance(value, list):
        return ("list", shape(value[0])) if value else ("list",)
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__


@dataclass
class Answers:
    """The shapes of the answers of each version. May be used by several threads."""

    _given: dict[str, Counter[Shape]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, version: str, answer: object) -> None:
        """Count an answer, a JSON value, of a version."""
        with self._lock:
            self._given.setdefault(version, Counter())[shape(answer)] += 1

    def wrong(self, version: str, released: str) -> int:
        """How many answers of a version have a shape that no answer of the released version has."""
        with self._lock:
            right = self._given.get(released, Counter())
            return sum(number for each, number in self._given.get(version, Counter()).items() if each not in right)
