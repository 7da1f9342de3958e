"""Compiled patterns: whether an event matches."""

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any

from blueprints.local.base.event_patterns import searching
from blueprints.local.base.event_patterns.direct import walk
from blueprints.local.base.event_patterns.grammar import Alternative, alternatives
from blueprints.local.base.event_patterns.paths import tree_of
from blueprints.local.base.event_patterns.reading import read_event, read_event_of_unique_keys
from blueprints.local.base.event_patterns.refused import InvalidPattern


@lru_cache(maxsize=1024)
def compiled(text: str) -> "CompiledPattern":
    """Compile a pattern, once for each text. Raises InvalidPattern if AWS refuses it."""
    return CompiledPattern(_CompiledAlternative(each) for each in alternatives(text))


def refusal(text: str) -> str | None:
    """Why AWS refuses a pattern, in its words, or None."""
    try:
        compiled(text)
    except InvalidPattern as problem:
        return str(problem)
    return None


class CompiledPattern:
    """A pattern, checked and prepared; an event matches if it matches one of the alternatives."""

    def __init__(self, compiled_alternatives: Iterable["_CompiledAlternative"]) -> None:
        self.alternatives = tuple(compiled_alternatives)
        """One of them has to match."""
        keys = {key for each in self.alternatives for path in each.paths for key in _keys(path)}
        self._quoted_keys = [f'"{key}"' for key in keys]

    @classmethod
    def any_of(cls, patterns: Iterable["CompiledPattern"]) -> "CompiledPattern":
        """The pattern that an event matches if it matches one of several."""
        return cls(alternative for pattern in patterns for alternative in pattern.alternatives)

    def where(self, condition: Callable[[str], bool]) -> "CompiledPattern":
        """The pattern of those alternatives of which every path satisfies a condition."""
        return CompiledPattern(each for each in self.alternatives if all(map(condition, each.paths)))

    @property
    def paths(self) -> set[str]:
        """The paths of all alternatives, such as `detail.state`."""
        return {path for each in self.alternatives for path in each.paths}

    def matches(self, event: dict[str, Any]) -> bool:
        """Whether the event matches; one that is nested too deeply to be searched does not."""
        try:
            for alternative in self.alternatives:
                if alternative.matches(event):
                    return True
        except RecursionError:
            pass
        return False

    def read(self, text: str) -> Any:
        """Read an event's JSON text as far as this pattern needs it. Raises ValueError if it is not JSON."""
        if "\\" in text or any(text.count(key) > 1 for key in self._quoted_keys):
            return read_event(text)
        return read_event_of_unique_keys(text)


class _CompiledAlternative:
    def __init__(self, alternative: Alternative) -> None:
        self.paths = tuple(alternative)
        self._root, self._leaves = tree_of(alternative)
        self._walk = walk(self._root)

    def matches(self, event: dict[str, Any]) -> bool:
        answer = self._walk(event)
        return searching.matches(self._root, self._leaves, event) if answer is None else bool(answer)


def _keys(path: str) -> Iterator[str]:
    """The keys of events that may lead to a path: its steps, alone and joined by dots."""
    steps = path.split(".")
    for start in range(len(steps)):
        for end in range(start, len(steps)):
            yield ".".join(steps[start : end + 1])
