"""Wildcards: `*` and `?` in resources, in values of ARN operators, and in values of `StringLike`.

Source: IAM User Guide, "IAM JSON policy elements: Resource" and "IAM JSON policy elements: Condition operators".
"""

import re
from functools import lru_cache

LITERALS = {"*": "\ue000", "?": "\ue001", ":": "\ue002"}
"""What stands in a pattern for a character of a variable's value, which is no wildcard and separates no segments."""

_FROM_LITERAL = {literal: character for character, literal in LITERALS.items()}
_SEGMENTS = 6


def literal(text: str) -> str:
    """The pattern that matches a text and nothing else."""
    for character, stand_in in LITERALS.items():
        text = text.replace(character, stand_in)
    return text


def plain(pattern: str) -> str:
    """The text of a pattern in which every character is literal."""
    for character, stand_in in LITERALS.items():
        pattern = pattern.replace(stand_in, character)
    return pattern


@lru_cache(maxsize=4096)
def resource_pattern(pattern: str) -> re.Pattern[str]:
    """Matches the resources that a pattern of the element Resource names.

    `?`, and `*` before the end of a segment, match no colon; `*` at the end of a segment does. In the sixth segment
    both match everything. An ARN with fewer segments names whatever begins with it.
    """
    return _compiled(pattern, crosses_at_end=True)


@lru_cache(maxsize=4096)
def arn_pattern(pattern: str) -> re.Pattern[str]:
    """Matches as ArnEquals and ArnLike do, segment by segment."""
    return _compiled(pattern, crosses_at_end=False)


@lru_cache(maxsize=4096)
def string_pattern(pattern: str) -> re.Pattern[str]:
    """Matches as StringLike does: a wildcard matches every character."""
    return re.compile("".join(_regex(each, ".") for each in pattern), re.DOTALL)


def _compiled(pattern: str, crosses_at_end: bool) -> re.Pattern[str]:
    if not pattern.strip("*"):
        return re.compile(".*" if pattern else "", re.DOTALL)
    segments = pattern.split(":", _SEGMENTS - 1)
    whole = len(segments) == _SEGMENTS
    regex = ":".join(
        _segment(each, is_resource=whole and place == _SEGMENTS - 1, crosses_at_end=crosses_at_end)
        for place, each in enumerate(segments)
    )
    if not whole and (crosses_at_end or pattern.endswith("*")):
        regex += "(?::.*)?"
    return re.compile(regex, re.DOTALL)


def _segment(segment: str, is_resource: bool, crosses_at_end: bool) -> str:
    any_character = "." if is_resource else "[^:]"
    if crosses_at_end and segment.endswith("*"):
        return "".join(_regex(each, any_character) for each in segment.rstrip("*")) + ".*"
    return "".join(_regex(each, any_character) for each in segment)


def _regex(character: str, any_character: str) -> str:
    if character == "*":
        return f"{any_character}*"
    if character == "?":
        return any_character
    return re.escape(_FROM_LITERAL.get(character, character))
