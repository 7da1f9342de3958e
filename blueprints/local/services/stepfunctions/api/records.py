"""What an account has in Step Functions besides its executions."""

import time
from dataclasses import dataclass, field
from typing import Any

from blueprints.local.services.stepfunctions.execution.execution import Revision

INITIAL_REVISION = "INITIAL"
"""The revision id of a state machine that has not been updated; answers leave it out."""


@dataclass(frozen=True)
class Version:
    """A published version of a state machine: a revision that does not change."""

    arn: str
    number: int
    revision: Revision
    description: str | None
    created: float = field(default_factory=time.time)
    """Seconds since 1970, as every date here."""


@dataclass
class Alias:
    """A name for one or two versions."""

    arn: str
    name: str
    routing: dict[int, int]
    """Weights that sum up to 100, by version number."""
    description: str | None
    created: float = field(default_factory=time.time)
    updated: float = field(default_factory=time.time)


@dataclass
class StateMachine:
    """A state machine: its present revision, its versions and its aliases."""

    revision: Revision
    encryption: dict[str, Any]
    tags: dict[str, str]
    created: float = field(default_factory=time.time)
    updated: float = field(default_factory=time.time)
    versions: dict[int, Version] = field(default_factory=dict)
    last_version: int = 0
    """The highest number that a version ever had; numbers are not used again."""
    published_at_creation: str | None = None
    """The description of the version that its creation published, or None if it published none."""
    aliases: dict[str, Alias] = field(default_factory=dict)
    deleting: bool = False

    @property
    def arn(self) -> str:
        """The ARN without a qualifier."""
        return self.revision.machine_arn

    @property
    def name(self) -> str:
        """Its name."""
        return self.revision.name


@dataclass
class Activity:
    """An activity, whose tasks a worker polls for."""

    arn: str
    name: str
    tags: dict[str, str]
    encryption: dict[str, Any]
    created: float = field(default_factory=time.time)
