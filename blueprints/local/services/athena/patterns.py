"""Trino's functions of regular expressions, for patterns that mean the same in Python."""

import re
from functools import lru_cache

from blueprints.local.services.athena.failures import QueryFailed

_TOKEN = re.compile(
    r"""
    \\[dDwWs] | \\[^\w\s]                            # classes, and characters that are escaped
    | \(\?: | \((?!\?) | [)|^$.]                      # groups, alternatives, the ends of the text
    | (?:[*+?]|\{\d+(?:,\d*)?\})\??(?![*+?{])         # quantifiers
    | \[\^?(?:\\[dws]|\\[^\w\s]|[^\\\[\]&~|-]-[^\\\[\]&~|-]|[^\\\[\]&~|])+\]
    | [^\\()|^$.*+?{}\[\]]
    """,
    re.VERBOSE,
)
"""What is read alike: characters, classes, groups, alternatives, quantifiers, the ends of the text."""
_ASCII_ALONE = re.compile(r"\\[dDwWs]")
_LINES = re.compile(r"(?<!\\)[.^$]|\[\^")


def pattern_fault(pattern: str) -> str | None:
    """Why a pattern is not emulated, or None."""
    place = 0
    while place < len(pattern):
        token = _TOKEN.match(pattern, place)
        if token is None:
            return f"The regular expression {pattern} is not emulated from {pattern[place:][:20]} on."
        place = token.end()
    try:
        re.compile(pattern, re.ASCII)
    except re.error as error:
        return f"INVALID_FUNCTION_ARGUMENT: The regular expression {pattern} is not valid: {error}"
    return None


def replacement_fault(text: str) -> str | None:
    """Why a replacement is not emulated, or None."""
    plain = re.sub(r"\$\d(?!\d)", "", text)
    return f"The replacement {text} is not emulated: write groups as $1." if set(plain) & set("$\\") else None


def matches(text: str, pattern: str) -> bool:
    """Whether a pattern occurs in a text."""
    return _compiled(text, pattern).search(text) is not None


def extracted(text: str, pattern: str, group: int = 0) -> str | None:
    """The first part of a text that matches, or a group of it."""
    compiled = _compiled(text, pattern)
    _check_group(compiled, group)
    found = compiled.search(text)
    return found[group] if found else None


def all_extracted(text: str, pattern: str, group: int = 0) -> list[str | None]:
    """All parts of a text that match, or a group of each."""
    compiled = _compiled(text, pattern)
    _check_group(compiled, group)
    return [each[group] for each in compiled.finditer(text)]


def replaced(text: str, pattern: str, replacement: str = "") -> str:
    """A text whose parts that match are replaced; $1 is a group."""
    compiled = _compiled(text, pattern)
    parts = re.split(r"(\$\d)", replacement)
    for each in parts[1::2]:
        _check_group(compiled, int(each[1:]))
    return compiled.sub(lambda found: "".join(_inserted(found, each) for each in parts), text)


def parts(text: str, pattern: str) -> list[str]:
    """The parts of a text between those that match."""
    compiled, found, begin = _compiled(text, pattern), [], 0
    for each in compiled.finditer(text):
        found.append(text[begin : each.start()])
        begin = each.end()
    return [*found, text[begin:]]


def _inserted(found: "re.Match[str]", part: str) -> str:
    return (found[int(part[1:])] or "") if re.fullmatch(r"\$\d", part) else part


def _compiled(text: str, pattern: str) -> "re.Pattern[str]":
    if not text.isascii() and _ASCII_ALONE.search(pattern):
        raise QueryFailed(f"The regular expression {pattern} is emulated only for ASCII text.")
    if "\n" in text and _LINES.search(pattern):
        raise QueryFailed(f"The regular expression {pattern} is emulated only for text of one line.")
    return _of(pattern)


@lru_cache
def _of(pattern: str) -> "re.Pattern[str]":
    return re.compile(pattern, re.ASCII)


def _check_group(compiled: "re.Pattern[str]", group: int) -> None:
    if not 0 <= group <= compiled.groups:
        raise QueryFailed(
            f"INVALID_FUNCTION_ARGUMENT: Pattern has {compiled.groups} groups. Cannot access group {group}"
        )
