"""Carries out a lane's step: sends a batch to the function, or to the on-failure destination."""

import logging
import time
from dataclasses import dataclass

from blueprints.local.base.stream_records import Batch, InvocationResult
from blueprints.local.services.lambda_.event_source_mappings.answers import (
    NotInvoked,
    Outcome,
    last_processing_result,
)
from blueprints.local.services.lambda_.event_source_mappings.destinations import discard
from blueprints.local.services.lambda_.event_source_mappings.lane import EXHAUSTED, GiveUp, Lane, Send
from blueprints.local.services.lambda_.event_source_mappings.mapping import ReadsStream, WorkContext
from blueprints.local.services.lambda_.event_source_mappings.stream_invocations import invoke

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LaneWork:
    """A lane's next step, for a worker to carry out."""

    mapping: ReadsStream
    shard_id: str
    lane: Lane
    step: Send | GiveUp

    def carry_out(self, context: WorkContext) -> None:
        """Carry out the step, and what follows from it; nothing if the mapping was removed."""
        if self.mapping.removed:
            return
        step = self.step if isinstance(self.step, GiveUp) else self._send(self.step.batch, context)
        if step and not self.mapping.removed:
            self._discard(step, context)

    def _send(self, batch: Batch, context: WorkContext) -> GiveUp | None:
        """Invoke the function; returns the batch to discard, if any."""
        outcome: Outcome
        answer: InvocationResult | None
        try:
            outcome, answer = invoke(context.executor, self.mapping, batch, context.clock.scale)
        except Exception:
            log.exception("a batch for %s failed inside the embedded AWS", self.mapping.function_arn)
            outcome, answer = NotInvoked(), None
        with context.lock:
            self.mapping.report(last_processing_result(outcome))
            given_up = self.lane.settle(batch, outcome, answer, time.time(), self.mapping.policy).given_up
        return GiveUp(given_up, EXHAUSTED) if given_up else None

    def _discard(self, step: GiveUp, context: WorkContext) -> None:
        """Send a batch to the destination; the lane continues after it, even if that fails."""
        try:
            discard(self.mapping, context.endpoint, self.shard_id, step.batch, step.condition)
        finally:
            with context.lock:
                self.lane.discarded()
