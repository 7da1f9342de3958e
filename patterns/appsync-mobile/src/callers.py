"""Who calls, and which records they may read and write: from the verified token alone, never from arguments.

A record belongs to one audience: its owner alone, or a group of the user pool. The audience is the partition key of the
table, so a caller's requests cannot even name a record of somebody else's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from refusals import Refused

BACK_END = "back end"


@dataclass(frozen=True, slots=True)
class Caller:
    """A user of the user pool, or a back end that signs its requests with AWS credentials."""

    id: str
    """The user's `sub`, or `back end` and the ARN of its role."""
    audiences: tuple[str, ...]
    """The audiences whose records the user may read and write, sorted, the user's own first; none for a back end."""


def caller_of(identity: Mapping[str, Any] | None) -> Caller:
    """The caller by `identity` of an AppSync event. Raises Refused if nobody is authenticated."""
    identity = identity or {}
    if sub := identity.get("sub"):
        groups = identity.get("groups") or ()
        return Caller(sub, (own(sub), *sorted(shared(group) for group in groups)))
    if arn := identity.get("userArn"):
        return Caller(f"{BACK_END} {arn}", ())
    raise Refused("NotAllowed", "Sign in first.")


def own(sub: str) -> str:
    """The audience that is one user."""
    return f"user:{sub}"


def shared(group: str) -> str:
    """The audience that is a group."""
    return f"group:{group}"
