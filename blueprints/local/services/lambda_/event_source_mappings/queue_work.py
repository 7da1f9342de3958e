"""Sends a batch of messages to the function, and deletes those that it processed.

Sources: AWS Lambda Developer Guide, "Handling errors for an SQS event source in Lambda" and "Implementing partial batch
responses".
"""

import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Protocol

from blueprints.local.base.delivery import Delivery
from blueprints.local.services.lambda_.asynchronous import FunctionAsInvoked
from blueprints.local.services.lambda_.event_source_mappings.answers import (
    Failed,
    NotInvoked,
    Succeeded,
    failed_messages,
    last_processing_result,
)
from blueprints.local.services.lambda_.event_source_mappings.gathering import payload
from blueprints.local.services.lambda_.event_source_mappings.mapping import Mapping, WorkContext
from blueprints.local.services.lambda_.event_source_mappings.policy import QueuePolicy
from blueprints.local.services.lambda_.executor import Executor
from blueprints.local.services.sqs import Message, QueueSource

log = logging.getLogger(__name__)


class ReadsQueue(Mapping, Protocol):
    """A running mapping of a queue."""

    queue: QueueSource
    removed: bool

    @property
    def policy(self) -> QueuePolicy:
        """Its present settings."""

    def delete(self, messages: Iterable[Message]) -> str | None:
        """Delete messages; returns why that was not possible, if it was not."""

    def report_problem(self, problem: str) -> None:
        """Record why messages cannot be received or deleted."""

    def send_later(self, work: "QueueWork", moment: float) -> None:
        """Send a throttled batch again at that moment."""

    def finish(self) -> None:
        """Count a batch as finished."""


@dataclass(frozen=True)
class QueueWork:
    """A batch of messages, for a worker to send."""

    mapping: ReadsQueue
    messages: tuple[Message, ...]
    throttles: int = 0

    def carry_out(self, context: WorkContext) -> None:
        """Invoke the function, and delete what it processed; other messages become visible by themselves."""
        if self.mapping.removed:
            self.mapping.queue.put_back({each.receipt_handle for each in self.messages})
            return
        result: dict[str, Any] = {"throttle": True}
        try:
            result = self._invoke(context.executor)
        except Exception:
            log.exception("a batch for %s failed inside the embedded AWS", self.mapping.function_arn)
        if result.get("throttle"):
            self._try_again(context)
        else:
            self._settle(result, context)

    def _invoke(self, executor: Executor) -> dict[str, Any]:
        function = FunctionAsInvoked.named(self.mapping.function_arn)
        if function is None:
            return {"throttle": True}
        delivery = Delivery(self.mapping.function_arn, self.mapping.queue.arn, payload(self.messages))
        return executor.deliver(function.record, delivery)

    def _try_again(self, context: WorkContext) -> None:
        """Send the batch again later, unless its messages become visible before: then they are received again."""
        throttled = replace(self, throttles=self.throttles + 1)
        with context.lock:
            self.mapping.report(last_processing_result(NotInvoked()))
            moment = time.time() + self.mapping.policy.wait_after(throttled.throttles)
            if self.mapping.removed or moment >= min(each.visible_again for each in self.messages):
                self.mapping.finish()
            else:
                self.mapping.send_later(throttled, moment)

    def _settle(self, result: dict[str, Any], context: WorkContext) -> None:
        identifiers = [each.identifier for each in self.messages]
        failed = failed_messages(result, identifiers, partial_responses=self.mapping.policy.partial_responses)
        problem = self.mapping.delete(each for each in self.messages if each.identifier not in failed)
        outcome = Failed() if result.get("error") else Succeeded()
        with context.lock:
            if problem:
                self.mapping.report_problem(problem)
            else:
                self.mapping.report(last_processing_result(outcome))
            self.mapping.finish()
