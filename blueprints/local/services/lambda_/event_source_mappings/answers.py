"""Interprets a function's response to a batch.

Sources: AWS Lambda Developer Guide, "Configuring partial batch response with Kinesis Data Streams and Lambda" and
"Implementing partial batch responses" with Amazon SQS.
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
    """The function was throttled or could not be invoked: this does not count as a retry."""


Outcome = Succeeded | Failed | NotInvoked

_EMPTY_RESPONSES: tuple[object, ...] = (None, "", [])


def outcome_of(result: dict[str, Any], identifiers: Sequence[str], *, partial_responses: bool) -> Outcome:
    """Read an invocation's result: the executor's `body`, `error` and `throttle`."""
    if result.get("throttle"):
        return NotInvoked()
    if result.get("error"):
        return Failed()
    return _reported(result.get("body"), identifiers) if partial_responses else Succeeded()


def last_processing_result(outcome: Outcome) -> str:
    """The LastProcessingResult of GetEventSourceMapping."""
    match outcome:
        case Succeeded():
            return "OK"
        case Failed():
            return "PROBLEM: Function call failed"
        case NotInvoked():
            return "PROBLEM: Function could not be invoked"


def failed_messages(result: dict[str, Any], identifiers: Sequence[str], *, partial_responses: bool) -> set[str]:
    """The messages of a batch that stay in the queue: those that the response names, or all.

    All stay if the function failed, and if its response is neither empty nor an object: that is no JSON response as
    the guide describes it.
    """
    if result.get("error") or result.get("throttle"):
        return set(identifiers)
    if not partial_responses:
        return set()
    body = result.get("body")
    if not isinstance(body, dict) and body not in _EMPTY_RESPONSES:
        return set(identifiers)
    return set(_failed(body, identifiers))


def _reported(body: object, identifiers: Sequence[str]) -> Outcome:
    failed = set(_failed(body, identifiers))
    first = next((number for number, identifier in enumerate(identifiers) if identifier in failed), None)
    return Succeeded() if first is None else Failed(first)


def _failed(body: object, identifiers: Sequence[str]) -> Sequence[str]:
    """The identifiers that a response names; all identifiers if it names one that is not in the batch."""
    failures = body.get("batchItemFailures") if isinstance(body, dict) else None
    if failures is None or failures == []:
        return ()
    if not isinstance(failures, list):
        return identifiers
    named = {_named(failure) for failure in failures}
    # Empty, null, misspelt or not of this batch: Lambda treats the whole batch as failed.
    return tuple(named) if named <= set(identifiers) else identifiers


def _named(failure: object) -> str:
    identifier = failure.get("itemIdentifier") if isinstance(failure, dict) else None
    return identifier if isinstance(identifier, str) else ""
