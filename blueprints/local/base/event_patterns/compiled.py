"""Compiled patterns: whether an event matches."""

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

from blueprints.local.base.event_patterns import searching
from blueprints.local.base.event_patterns.direct import walk
from blueprints.local.base.event_patterns.grammar import Alternative, alternatives
from blueprints.local.base.event_patterns.paths import tree_of
from blueprints.local.base.event_patterns.reading import read_payload
from blueprints.local.base.event_patterns.refused import InvalidPattern

LONGEST = 4096


@lru_cache(maxsize=1024)
def compiled(text: str) -> "CompiledPattern":
    """Compile a pattern, once for each text. Raises InvalidPattern if AWS refuses it."""
    if len(text) > LONGEST:
        raise InvalidPattern(f"Event pattern is longer than {LONGEST} characters")
    return CompiledPattern(alternatives(text))


def refusal(text: str) -> str | None:
    """Why AWS refuses a pattern, in its words, or None."""
    try:
        compiled(text)
    except InvalidPattern as problem:
        return str(problem)
    return None


class CompiledPattern:
    """A pattern, checked and prepared; an event matches if it matches one of the alternatives."""

    def __init__(self, read: Iterable["Alternative | _CompiledAlternative"]) -> None:
        self.alternatives = tuple(_CompiledAlternative(each) if isinstance(each, dict) else each for each in read)
        """One of them has to match."""
        self.paths = frozenset(path for each in self.alternatives for path in each.paths)
        """The paths of all alternatives, such as `detail.state`."""
        self._compares_numbers = any(each.compares_numbers for each in self.alternatives)

    @classmethod
    def any_of(cls, patterns: Iterable["CompiledPattern"]) -> "CompiledPattern":
        """The pattern that an event matches if it matches one of several."""
        return cls(alternative for pattern in patterns for alternative in pattern.alternatives)

    def where(self, condition: Callable[[str], bool]) -> "CompiledPattern":
        """The pattern of those alternatives of which every path satisfies a condition."""
        return CompiledPattern(each for each in self.alternatives if all(map(condition, each.paths)))

    def matches(self, event: dict[str, Any]) -> bool:
        """Whether the event matches; one that is nested too deeply to be searched does not."""
        try:
            return any(alternative.matches(event) for alternative in self.alternatives)
        except RecursionError:
            return False

    def read_payload(self, text: str) -> Any:
        """Read the JSON text of a part of an event as exactly as this pattern needs it.

        Of a key that occurs twice, the last value counts. Raises ValueError if the text is not JSON.
        """
        return read_payload(text, exact_numbers=self._compares_numbers)

    def texts_needed_in(self, name: str) -> list[frozenset[str]] | None:
        """Texts of which the JSON of the field `name` has to contain one, for each alternative.

        None if an alternative needs none.
        """
        needed = [each.texts_needed_in(name) for each in self.alternatives]
        return needed if all(needed) else None


class _CompiledAlternative:
    def __init__(self, alternative: Alternative) -> None:
        self.paths = tuple(alternative)
        self.compares_numbers = any(values.compares_numbers for values in alternative.values())
        self._exact_strings = {path: values.exact_strings() for path, values in alternative.items()}
        self._root, self._leaves = tree_of(alternative)
        self._walk = walk(self._root)

    def matches(self, event: dict[str, Any]) -> bool:
        answer = self._walk(event)
        return searching.matches(self._root, self._leaves, event) if answer is None else bool(answer)

    def texts_needed_in(self, name: str) -> frozenset[str]:
        """The shortest list of exact strings below a field; empty if there is none."""
        lists = [texts for path, texts in self._exact_strings.items() if texts and path.startswith(f"{name}.")]
        return min(lists, key=len, default=frozenset())
