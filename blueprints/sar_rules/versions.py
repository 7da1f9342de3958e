"""Semantic versions: their order, and the next one for a kind of change."""

import re
from typing import Literal

from blueprints.sar_rules.limits import SEMANTIC_VERSION

Bump = Literal["major", "minor", "patch"]

_Order = tuple[tuple[int, int, int], int, tuple[tuple[int, int, str], ...]]


def is_version(text: str) -> bool:
    """Whether a text is a semantic version."""
    return re.fullmatch(SEMANTIC_VERSION, text) is not None


def order(version: str) -> _Order:
    """A key that sorts versions by precedence: releases after their pre-releases, numbers as numbers."""
    core, _, extra = version.partition("+")[0].partition("-")
    major, minor, patch = (int(part) for part in core.split("."))
    parts = tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in extra.split(".") if part)
    return (major, minor, patch), 0 if extra else 1, parts


def bumped(version: str, bump: Bump) -> str:
    """The version to write after `version`; below 1.0.0 what breaks raises the minor version."""
    (major, minor, patch), release, _ = order(version)
    if bump == "major" and major:
        return f"{major + 1}.0.0"
    if bump == "major" or (bump == "minor" and major):
        return f"{major}.{minor + 1}.0"
    return f"{major}.{minor}.{patch + 1}" if release else f"{major}.{minor}.{patch}"
