"""Semantic versions: their order, and the next one for a kind of change."""

from typing import Literal

from semver import Version

Bump = Literal["major", "minor", "patch"]


def is_version(text: str) -> bool:
    """Whether a text is a semantic version."""
    return Version.is_valid(text)


def order(version: str) -> Version:
    """A key that sorts versions by precedence; build metadata does not count. Raises ValueError for other texts."""
    return Version.parse(version).replace(build=None)


def bumped(version: str, bump: Bump) -> str:
    """The version to write after `version`: below 1.0.0, a breaking change raises the minor version.

    After a pre-release this is the release itself, if that is enough.
    """
    before = order(version)
    if not before.major:
        bump = "minor" if bump == "major" else "patch"
    return str(before.next_version(bump))
