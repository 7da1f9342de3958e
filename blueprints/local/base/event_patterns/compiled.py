"""A compiled pattern: whether an event matches."""

from collections.abc import Iterator
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
    """Compile a pattern, once for each text. Raises InvalidPattern."""
    return CompiledPattern(text)


def refusal(text: str) -> str | None:
    """Why AWS refuses a pattern, in its words, or None."""
    try:
        compiled(text)
    except InvalidPattern as problem:
        return str(problem)
    return None


class CompiledPattern:
    """A pattern, checked and prepared. Raises InvalidPattern if AWS refuses the text."""

    def __init__(self, text: str) -> None:
        read = alternatives(text)
        self.paths = [list(each) for each in read]
        """The paths of each alternative."""
        self._alternatives = [_CompiledAlternative(each) for each in read]
        self._quoted_keys = [f'"{key}"' for key in {key for each in read for path in each for key in _keys(path)}]

    def matches(self, event: dict[str, Any]) -> bool:
        """Whether the event matches; one that is nested too deeply to be searched does not."""
        try:
            for alternative in self._alternatives:
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


def _keys(path: str) -> Iterator[str]:
    """The keys of events that may lead to a path: its steps, alone and joined by dots."""
    steps = path.split(".")
    for start in range(len(steps)):
        for end in range(start, len(steps)):
            yield ".".join(steps[start : end + 1])


class _CompiledAlternative:
    def __init__(self, alternative: Alternative) -> None:
        self._root, self._leaves = tree_of(alternative)
        self._walk = walk(self._root)

    def matches(self, event: dict[str, Any]) -> bool:
        answer = self._walk(event)
        return searching.matches(self._root, self._leaves, event) if answer is None else bool(answer)
