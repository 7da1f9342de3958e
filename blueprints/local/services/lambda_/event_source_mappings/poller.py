"""Runs all mappings: one thread finds what is due, workers invoke functions.

The thread sleeps until something is put into a source, a batch ends, a mapping changes or a wait is over.
"""

import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from contextvars import copy_context
from typing import Any

from blueprints.local.base.clock import Clock
from blueprints.local.base.internals import Internal
from blueprints.local.base.stream_source import StreamSource, service_of
from blueprints.local.services.dynamodb import DynamoDBSource
from blueprints.local.services.kinesis import KinesisSource
from blueprints.local.services.lambda_.event_source_mappings.lane import Wait
from blueprints.local.services.lambda_.event_source_mappings.mapping import Mapping, Work, WorkContext
from blueprints.local.services.lambda_.event_source_mappings.queue_mapping import QueueMapping
from blueprints.local.services.lambda_.event_source_mappings.stream_mapping import StreamMapping
from blueprints.local.services.lambda_.executor import Executor
from blueprints.local.services.sqs import QueueSource

ALL_MAPPINGS = Internal("services.lambda_svc", "_iter_all_esms", ())
SCOPE = Internal("core.responses", "request_scope", ("account_id", "region"))

# Seconds after which changes are seen that woke nobody.
_LOOK_SECONDS = 1.0
# So many that batches of slow functions do not hold up others.
_MOST_WORKERS = 512

log = logging.getLogger(__name__)


def source_of(arn: str) -> StreamSource | None:
    """The stream behind an event source ARN; None for other services."""
    service = service_of(arn)
    if service == "kinesis":
        return KinesisSource(arn)
    return DynamoDBSource(arn) if service == "dynamodb" else None


class Poller:
    """Runs the mappings; windows, waits and ages pass by the clock."""

    def __init__(self, executor: Executor, endpoint: str, clock: Clock) -> None:
        self._lock = threading.RLock()
        self._context = WorkContext(executor, endpoint, clock, self._lock)
        self._changed = threading.Event()
        self._anchors: dict[str, dict[str, int]] = {}
        self._mappings: dict[str, Mapping] = {}
        self._cleared: set[str] = set()
        """Mappings of an account that is being emptied; the base emulator still has them until it is empty."""
        self._workers = ThreadPoolExecutor(_MOST_WORKERS, thread_name_prefix="event-source-mapping")
        threading.Thread(target=self._serve, name="event-source-mappings", daemon=True).start()

    def look(self) -> None:
        """Wake the thread: something may be due."""
        self._changed.set()

    def paused(self) -> AbstractContextManager[object]:
        """Read and start nothing meanwhile, so that a mapping is never seen half created."""
        return self._lock

    def anchor(self, mapping_id: str, source_arn: str, starting_position: str) -> None:
        """Record where a mapping that is being created begins to read."""
        source = source_of(source_arn)
        shards = (source.shards() or []) if source and starting_position == "LATEST" else []
        with self._lock:
            self._anchors[mapping_id] = {each.shard_id: source.end(each.shard_id) for each in shards if source}

    def anchor_at(self, mapping_id: str, source_arn: str, moment: float) -> None:
        """Let a mapping that is being created begin with the records since a time (seconds since the epoch).

        Only Kinesis has this; the stream of a table is read from one of its ends.
        """
        source = KinesisSource(source_arn)
        shards = source.shards() or []
        with self._lock:
            self._anchors[mapping_id] = {each.shard_id: source.before(each.shard_id, moment) for each in shards}

    def remove(self, mapping_id: str) -> None:
        """Stop a mapping; the batch being processed ends, and nothing follows it."""
        with self._lock:
            self._anchors.pop(mapping_id, None)
            mapping = self._mappings.pop(mapping_id, None)
            if mapping:
                mapping.remove()

    def clear(self) -> None:
        """Stop all mappings for good."""
        with self._lock:
            self._cleared.update(stored["UUID"] for _, _, stored in ALL_MAPPINGS.current()())
            for mapping_id in list(self._mappings):
                self.remove(mapping_id)

    def _serve(self) -> None:
        wait: float | None = None
        while True:
            self._changed.wait(wait)
            self._changed.clear()
            try:
                wait = self._advance()
            except Exception:
                log.exception("event source mappings failed inside the embedded AWS")
                wait = _LOOK_SECONDS

    def _advance(self) -> float | None:
        """Start what is due; returns the seconds until the next step, None without mappings."""
        now = time.time()
        due = now + _LOOK_SECONDS
        with self._lock:
            for account, region, mapping in self._known():
                with SCOPE.current()(account, region):
                    due = min(due, self._start(mapping, now))
            return max(0.0, due - time.time()) if self._mappings else None

    def _known(self) -> list[tuple[str, str, Mapping]]:
        """All mappings in the base emulator's store, also new ones."""
        known = []
        for account, region, stored in ALL_MAPPINGS.current()():
            mapping = self._mappings.get(stored["UUID"]) or self._taken_in(stored)
            if mapping:
                known.append((account, region, mapping))
        return known

    def _taken_in(self, stored: dict[str, Any]) -> Mapping | None:
        if stored["UUID"] in self._cleared:
            return None
        mapping = self._running(stored, stored.get("EventSourceArn", ""))
        if mapping:
            self._mappings[stored["UUID"]] = mapping
        return mapping

    def _running(self, stored: dict[str, Any], arn: str) -> Mapping | None:
        after = self._anchors.pop(stored["UUID"], {})
        if service_of(arn) == "sqs":
            return QueueMapping(stored, QueueSource(arn), self._context.clock)
        source = source_of(arn)
        return StreamMapping(stored, source, after, self._context.clock) if source else None

    def _start(self, mapping: Mapping, now: float) -> float:
        """Start what is due of one mapping; returns the time of its next step. A failure stops no other mapping."""
        due = now + _LOOK_SECONDS
        try:
            for step in mapping.advance(now):
                if not isinstance(step, Wait):
                    self._workers.submit(copy_context().run, self._carry_out, step)
                elif step.until is not None:
                    due = min(due, step.until)
        except Exception:
            log.exception("event source mapping of %s failed inside the embedded AWS", mapping.function_arn)
            mapping.report("PROBLEM: the embedded AWS failed; its log says why")
        return due

    def _carry_out(self, work: Work) -> None:
        try:
            work.carry_out(self._context)
        except Exception:
            log.exception("event source mapping of %s failed inside the embedded AWS", work.mapping.function_arn)
        self.look()
