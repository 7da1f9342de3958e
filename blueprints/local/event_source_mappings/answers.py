"""What a function's answer says about the batch it was given.

Source: AWS Lambda Developer Guide, "Configuring partial batch response with Kinesis Data Streams and Lambda".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Succeeded:
    """Every record was processed."""


@dataclass(frozen=True)
class Failed:
    """Records from index `first` on were not processed; 0 is the whole batch."""

    first: int = 0


@dataclass(frozen=True)
class NotInvoked:
    """The function was throttled or could not be called: the try does not count."""


Outcome = Succeeded | Failed | NotInvoked


def outcome_of(result: dict[str, Any], identifiers: Sequence[str], *, partial_responses: bool) -> Outcome:
    """Read an invocation's result: the executor's `body`, `error` and `throttle`."""
    if result.get("throttle"):
        return NotInvoked()
    if result.get("error"):
        return Failed()
    return _reported(result.get("body"), identifiers) if partial_responses else Succeeded()


def _reported(body: object, identifiers: Sequence[str]) -> Outcome:
    failures = body.get("batchItemFailures") if isinstance(body, dict) else None
    if failures is None or failures == []:
        return Succeeded()
    if not isinstance(failures, list):
        return Failed()
    index = {identifier: number for number, identifier in enumerate(identifiers)}
    named = [_named(failure) for failure in failures]
    if any(identifier not in index for identifier in named):
        return Failed()  # empty, null, misspelt or foreign: Lambda trusts nothing of such an answer
    return Failed(min(index[identifier] for identifier in named))


def _named(failure: object) -> str:
    identifier = failure.get("itemIdentifier") if isinstance(failure, dict) else None
    return identifier if isinstance(identifier, str) else ""
