"""A resolver's call of a data source, and its outcome."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from blueprints.local.services.appsync.records import Record


@dataclass(frozen=True)
class Call:
    """One operation on a data source."""

    source: Record
    """The data source: `name`, `type`, `serviceRoleArn` and its configuration."""
    operation: Mapping[str, Any]
    """What the request handler returned: `operation` and its parameters."""
    batch: str | None = None
    """Calls with the same batch name are sent together; None for a single call."""
    batch_size: int = 1
    """The largest number of calls that are sent together."""


@dataclass(frozen=True)
class SourceError:
    """An error of a data source: `ctx.error` of the response handler."""

    message: str
    type: str


@dataclass(frozen=True)
class Outcome:
    """The response of a data source: a result, an error, or both."""

    result: Any = None
    error: SourceError | None = None


class SourceFailed(Exception):
    """A data source cannot be called, or refuses the call."""

    def __init__(self, error_type: str, message: str, result: Any = None) -> None:
        super().__init__(message)
        self.outcome = Outcome(result, SourceError(message, error_type))


TIMED_OUT = "Execution timed out."
