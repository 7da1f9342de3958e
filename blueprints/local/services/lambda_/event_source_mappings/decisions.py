"""Decides what happens to a batch after its invocation: finished, sent again, or discarded.

Sources: AWS Lambda Developer Guide, "Retain discarded batch records for a Kinesis Data Streams event source in Lambda"
and "Configuring partial batch response with Kinesis Data Streams and Lambda".
"""

from dataclasses import dataclass, replace

from blueprints.local.base.stream_records import Batch, InvocationResult, Record
from blueprints.local.services.lambda_.event_source_mappings.answers import Failed, NotInvoked, Outcome, Succeeded
from blueprints.local.services.lambda_.event_source_mappings.policy import Policy


@dataclass(frozen=True)
class Decision:
    """The finished records, the batch to discard, and the batches to send next, in order, after a wait."""

    done: tuple[Record, ...] = ()
    given_up: Batch | None = None
    again: tuple[Batch, ...] = ()
    wait: float = 0.0


def after(batch: Batch, outcome: Outcome, answer: InvocationResult | None, policy: Policy) -> Decision:
    """Decide what happens to a batch after an invocation."""
    match outcome:
        case Succeeded():
            return Decision(done=batch.records)
        case NotInvoked():
            waiting = replace(batch, throttles=batch.throttles + 1, last=answer or batch.last)
            return Decision(again=(waiting,), wait=policy.wait_after(waiting.throttles))
        case Failed(first):
            tried = replace(batch, invocations=batch.invocations + 1, throttles=0, last=answer)
            return _after_failure(tried, first, policy)


def _after_failure(tried: Batch, first: int, policy: Policy) -> Decision:
    done, rest = tried.records[:first], tried.only(tried.records[first:])
    if policy.bisect and done:
        return Decision(done, again=(rest,))  # split where the response says, which does not count as a retry
    if policy.bisect and len(rest.records) > 1:
        half = (len(rest.records) + 1) // 2
        return Decision(again=(rest.only(rest.records[:half]), rest.only(rest.records[half:])))
    failed = replace(rest, failures=rest.failures + 1)
    if policy.max_retries is not None and failed.failures > policy.max_retries:
        return Decision(done, given_up=failed)
    return Decision(done, again=(failed,), wait=policy.wait_after(failed.failures))
