"""What the poller knows about a mapping, whatever it reads from."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from blueprints.local.base.clock import Clock
from blueprints.local.base.stream_source import StreamSource
from blueprints.local.services.lambda_.event_source_mappings.lane import Wait
from blueprints.local.services.lambda_.event_source_mappings.policy import Policy
from blueprints.local.services.lambda_.executor import Executor


@dataclass(frozen=True)
class WorkContext:
    """What a worker needs to carry out a step. The lock guards the progress of all mappings."""

    executor: Executor
    endpoint: str
    clock: Clock
    lock: threading.RLock


class Work(Protocol):
    """A step of a mapping that takes long, for a worker to carry out."""

    @property
    def mapping(self) -> "Mapping":
        """The mapping whose step it is."""

    def carry_out(self, context: WorkContext) -> None:
        """Do it, and report the result to the mapping."""


class Mapping(Protocol):
    """A running mapping. `stored` is the mapping as the base emulator stores it and the API describes it."""

    stored: dict[str, Any]

    @property
    def function_arn(self) -> str:
        """The function, version or alias it invokes."""

    def advance(self, now: float) -> Iterator[Work | Wait]:
        """Read what is new; yield every step that is due, and until when the others wait."""

    def report(self, result: str) -> None:
        """Record a result as LastProcessingResult, for GetEventSourceMapping."""

    def remove(self) -> None:
        """Stop: the batch being processed ends, and nothing follows it."""


class ReadsStream(Mapping, Protocol):
    """A running mapping of a stream."""

    source: StreamSource
    removed: bool

    @property
    def policy(self) -> Policy:
        """Its present settings."""
