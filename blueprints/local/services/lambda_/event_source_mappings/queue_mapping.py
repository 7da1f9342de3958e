"""A running mapping of an SQS queue: the messages it gathers, its batches under way, and its next steps.

Sources: AWS Lambda Developer Guide, "Using Lambda with Amazon SQS", "Configuring scaling behavior for SQS event source
mappings", "Handling errors for an SQS event source in Lambda" and "Using event filtering with an Amazon SQS event
source".
"""

import logging
from collections.abc import Iterable, Iterator
from typing import Any

from blueprints.local.base.clock import Clock
from blueprints.local.base.properties import is_true
from blueprints.local.services.lambda_.asynchronous import FunctionAsInvoked
from blueprints.local.services.lambda_.event_source_mappings.filters import matching
from blueprints.local.services.lambda_.event_source_mappings.gathering import Gathering
from blueprints.local.services.lambda_.event_source_mappings.lane import Wait
from blueprints.local.services.lambda_.event_source_mappings.permission import denied, undecryptable
from blueprints.local.services.lambda_.event_source_mappings.policy import (
    QueuePolicy,
    queue_policy_of,
    real_retry_seconds,
)
from blueprints.local.services.lambda_.event_source_mappings.queue_work import QueueWork
from blueprints.local.services.sqs import MOST_AT_ONCE, Message, QueueSource

_RECEIVE, _DELETE = "sqs:ReceiveMessage", "sqs:DeleteMessage"

log = logging.getLogger(__name__)


class QueueMapping:
    """A mapping as the base emulator stores it (`stored`), and its batches."""

    def __init__(self, stored: dict[str, Any], queue: QueueSource, clock: Clock) -> None:
        self.stored = stored
        self.queue = queue
        self.removed = False
        self._clock = clock
        self._gathering = Gathering()
        self._throttled: list[tuple[float, QueueWork]] = []
        self._under_way = 0
        """Batches that were sent or wait after a throttle."""
        self._receive_after = 0.0

    @property
    def function_arn(self) -> str:
        """The function, version or alias it invokes."""
        return str(self.stored["FunctionArn"])

    @property
    def policy(self) -> QueuePolicy:
        """Its present settings."""
        return queue_policy_of(self.stored, self._clock)

    def report(self, result: str) -> None:
        """Record the last result, for GetEventSourceMapping."""
        self.stored["LastProcessingResult"] = result

    def report_problem(self, problem: str) -> None:
        """Record why messages cannot be received or deleted, and log it if it is new."""
        result = f"PROBLEM: {problem}"
        if self.stored.get("LastProcessingResult") != result:
            log.error("event source mapping of %s from %s: %s", self.function_arn, self.queue.arn, problem)
        self.report(result)

    def remove(self) -> None:
        """Stop: batches that were sent end, messages that no function was given become visible at once."""
        self.removed = True
        self.queue.put_back({each.receipt_handle for each in self._gathering.take_all()})

    def advance(self, now: float) -> Iterator[QueueWork | Wait]:
        """Receive messages; yield every batch that is due, and until when the others wait."""
        if not is_true(self.stored.get("Enabled", True)):
            self._put_back_unsent()
            self.stored["State"] = "Disabling" if self._under_way else "Disabled"
            return
        self.stored["State"] = "Enabled"
        if not self.queue.exists:
            self.report_problem(f"The specified queue does not exist: {self.queue.arn}")
        policy = self.policy
        yield from self._throttled_steps(now)
        while self._under_way < policy.concurrency:
            self._gather(policy, now)
            due = self._gathering.due(policy)
            if due is None or due > now:
                yield Wait(self._next_look(due, now))
                return
            batch = self._gathering.cut(policy, now)
            if batch:
                self._under_way += 1
                yield QueueWork(self, batch)

    def finish(self) -> None:
        """Count a batch as finished."""
        self._under_way -= 1

    def send_later(self, work: QueueWork, moment: float) -> None:
        """Send a throttled batch again at that moment; it counts as under way until then."""
        self._throttled.append((moment, work))

    def delete(self, messages: Iterable[Message]) -> str | None:
        """Delete messages with the permissions of the role; returns why that was not possible, if it was not."""
        handles = {each.receipt_handle for each in messages}
        if not handles:
            return None
        problem = self._denial(_DELETE)
        if problem is None:
            self.queue.delete(handles)
        return problem

    def _put_back_unsent(self) -> None:
        """Make messages visible that were received and not sent: other consumers may read the queue."""
        self.queue.put_back({each.receipt_handle for each in self._gathering.take_all()})
        self._under_way -= len(self._throttled)
        self._throttled.clear()

    def _throttled_steps(self, now: float) -> Iterator[QueueWork | Wait]:
        waiting, self._throttled = self._throttled, []
        for moment, work in waiting:
            if moment <= now:
                yield work
            else:
                self._throttled.append((moment, work))
                yield Wait(moment)

    def _gather(self, policy: QueuePolicy, now: float) -> None:
        """Receive while the next batch can hold more and there is more; delete what the filters exclude."""
        if now < self._receive_after or not self._gathering.wanted(policy) or not self.queue.has_visible(now):
            return
        problem = self._denial(_RECEIVE)
        if problem:
            self.report_problem(problem)
            self._receive_after = now + real_retry_seconds(self._clock)
            return
        while wanted := self._gathering.wanted(policy):
            received = self.queue.receive(min(wanted, MOST_AT_ONCE))
            if not received:
                return
            kept = self._matching(received)
            self.delete(each for each in received if each.identifier not in kept)
            self._gathering.add((each for each in received if each.identifier in kept), now)

    def _matching(self, received: list[Message]) -> set[str]:
        """The identifiers of the messages that the filters let through."""
        events = matching([each.event for each in received], self.stored.get("FilterCriteria"))
        return {event["messageId"] for event in events}

    def _denial(self, action: str) -> str | None:
        """Why the role may not do that to the queue, or that there is no function with a role."""
        function = FunctionAsInvoked.named(self.function_arn)
        if function is None:
            return f"Function not found: {self.function_arn}"
        config = function.record["config"]
        refusal = denied(config, ((action, self.queue.arn),))
        if refusal or action != _RECEIVE:
            return refusal
        return undecryptable(config, self.queue.arn)

    def _next_look(self, due: float | None, now: float) -> float | None:
        """When to look again: a batch is due, a message becomes visible, or the role may be allowed to receive."""
        moments = [due, self.queue.next_visible(now), self._receive_after if self._receive_after > now else None]
        return min((each for each in moments if each is not None), default=None)
