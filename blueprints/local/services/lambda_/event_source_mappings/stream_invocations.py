"""Invokes the function of a stream's mapping with a batch."""

import time

from blueprints.local.base.delivery import Delivery
from blueprints.local.base.stream_records import Batch, InvocationResult
from blueprints.local.services.lambda_ import metrics
from blueprints.local.services.lambda_.asynchronous import FunctionAsInvoked
from blueprints.local.services.lambda_.event_source_mappings.answers import NotInvoked, Outcome, outcome_of
from blueprints.local.services.lambda_.event_source_mappings.mapping import ReadsStream
from blueprints.local.services.lambda_.executor import Executor


def invoke(
    executor: Executor, mapping: ReadsStream, batch: Batch, scale: float
) -> tuple[Outcome, InvocationResult | None]:
    """Invoke the function once; returns the outcome for the batch, and facts about the invocation.

    The age of the records is recorded in scaled time; `scale` is the clock's.
    """
    function = FunctionAsInvoked.named(mapping.function_arn)
    if function is None:
        return NotInvoked(), None
    age = (time.time() - batch.records[-1].arrived) * scale * 1000
    metrics.record_value(function.record["config"], "IteratorAge", max(age, 0.0), "Milliseconds")
    delivery = Delivery.of(mapping.function_arn, batch.event(), mapping.source.arn)
    result = executor.deliver(function.record, delivery)
    answer = InvocationResult(
        request_id=delivery.request_id,
        version=function.version,
        error=str(result.get("function_error") or "Unhandled") if result.get("error") else None,
        throttled=bool(result.get("throttle")),
    )
    identifiers = [record.identifier for record in batch.records]
    return outcome_of(result, identifiers, partial_responses=mapping.policy.partial_responses), answer
