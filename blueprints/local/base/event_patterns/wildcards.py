"""Wildcards: `*` stands for any characters, also for none; `\\*` and `\\\\` stand for an asterisk and a backslash.

Source: software.amazon.event.ruler 2.1.0, WildcardParser and MachineComplexityEvaluator.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import chain

from blueprints.local.base.event_patterns.refused import InvalidPattern

# AWS documents that wildcards are limited, but not the limit. Its library's documentation gives ten for a single rule.
_MOST_PLACES = 10
# Bounds the time of the check; a pattern that needs more steps is accepted.
_MOST_STEPS = 50_000

_ANY = None
_Token = str | None


def matching(wildcard: str) -> Callable[[str], bool]:
    """Whether a text matches. Raises InvalidPattern for two adjacent asterisks or an unknown escape."""
    first, *others = _literal_parts(parse(wildcard))
    if not others:
        return first.__eq__
    *middle, last = others

    def matches(text: str) -> bool:
        if not text.startswith(first) or not text.endswith(last):
            return False
        place, end = len(first), len(text) - len(last)
        for part in middle:
            found = text.find(part, place, end) if place <= end else -1
            if found < 0:
                return False
            place = found + len(part)
        return place <= end

    return matches


def parse(wildcard: str) -> list[_Token]:
    """The characters of a wildcard, with None for an asterisk that stands for any characters."""
    tokens: list[_Token] = []
    place = 0
    while place < len(wildcard):
        character, following = wildcard[place], wildcard[place + 1 : place + 2]
        if character == "*" and following == "*":
            raise InvalidPattern(f"Consecutive wildcard characters at pos {_position(wildcard, place)}")
        if character == "\\":
            if following not in ("*", "\\"):
                raise InvalidPattern(f"Invalid escape character at pos {_position(wildcard, place)}")
            tokens.append(following)
            place += 1
        else:
            tokens.append(_ANY if character == "*" else character)
        place += 1
    return tokens


def refuse_complex(wildcards: Iterable[str]) -> None:
    """Raise InvalidPattern if a text can be at more than ten places of the wildcards of a field at the same time."""
    patterns = [['"', *parse(each), '"'] for each in dict.fromkeys(wildcards)]
    for places in _reachable_places(patterns):
        if len(places) > _MOST_PLACES:
            raise InvalidPattern(
                "Rule is too complex - try using fewer wildcard characters or fewer repeating character sequences "
                "after a wildcard character"
            )


def _literal_parts(tokens: list[_Token]) -> list[str]:
    parts = [""]
    for token in tokens:
        if token is _ANY:
            parts.append("")
        else:
            parts[-1] += token
    return parts


def _position(wildcard: str, place: int) -> int:
    """AWS counts bytes of UTF-8, from the quotation mark before the text."""
    return len(wildcard[:place].encode("utf-8", errors="replace")) + 1


# A place is the pattern's number and how many of its tokens a text has passed.
_Place = tuple[int, int]
_Places = frozenset[_Place]


def _reachable_places(patterns: list[list[_Token]]) -> Iterator[_Places]:
    """Each set of places at which one text can be at the same time; a place before an asterisk is also after it."""
    start = frozenset((number, 0) for number in range(len(patterns)))
    seen, waiting = {start}, deque([start])
    steps = 0
    while waiting and steps < _MOST_STEPS:
        places = waiting.popleft()
        following = {patterns[number][passed] for number, passed in places if passed < len(patterns[number])}
        for character in chain(following - {_ANY}, [""]):
            reached = frozenset(chain.from_iterable(_next(patterns, place, character) for place in places))
            steps += len(places)
            if reached and reached not in seen:
                seen.add(reached)
                waiting.append(reached)
                yield reached


def _next(patterns: list[list[_Token]], place: _Place, character: str | None) -> Iterator[_Place]:
    """Where a text is after one more character; the empty text stands for a character that no pattern has."""
    number, passed = place
    tokens = patterns[number]
    if passed and tokens[passed - 1] is _ANY:
        yield place
    if passed < len(tokens) and tokens[passed] == character:
        yield (number, passed + 1)
        if passed + 1 < len(tokens) and tokens[passed + 1] is _ANY:
            yield (number, passed + 2)
