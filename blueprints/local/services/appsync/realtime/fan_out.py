"""Delivers the events of mutations to their subscribers, on a thread of its own, in the order of the mutations."""

import logging
import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from blueprints.local.services.appsync.execution import Executor, Mutation
from blueprints.local.services.appsync.metrics import Metrics
from blueprints.local.services.appsync.realtime import messages
from blueprints.local.services.appsync.realtime.subscriptions import ActiveSubscription, ActiveSubscriptions
from blueprints.local.services.appsync.records import GraphqlApi

_MOST_WAITING = 1_000
"""Mutations whose events are not delivered yet; further ones wait here before they answer."""
_LARGEST_PAYLOAD_BYTES = 240 * 1024
"""The quota of AppSync for the payload of a subscription."""

log = logging.getLogger(__name__)

OnLoop = Callable[[Callable[[], None]], None]
"""Runs a function on the event loop, from any thread."""


@dataclass(frozen=True)
class _Event:
    """The value that a mutation selected, and who was subscribed when the mutation ended."""

    api: GraphqlApi
    value: Any
    subscribers: Sequence[ActiveSubscription]


class FanOut:
    """Executes each document once per event, and hands the results over to the connections."""

    def __init__(self, executor: Executor, active: ActiveSubscriptions, metrics: Metrics, on_loop: OnLoop) -> None:
        self._executor, self._active, self._metrics, self._on_loop = executor, active, metrics, on_loop
        self._events: queue.Queue[_Event | None] = queue.Queue(_MOST_WAITING)
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    def publish(self, mutation: Mutation) -> None:
        """Take what a successful mutation selected. Subscribers get it soon afterwards."""
        api = mutation.request.api
        subscribers = self._active.of_mutation(api.api_id, mutation.field_name)
        if subscribers:
            self._start()
            self._events.put(_Event(api, mutation.value, subscribers))

    def invalidate(self, api: GraphqlApi, invalidation: Mapping[str, Any]) -> None:
        """End the subscriptions whose invalidation filter accepts a payload (`extensions.invalidateSubscriptions`)."""
        payload = invalidation.get("payload") or {}
        self._metrics.count(api, "InvalidationRequestSuccess")
        found = [
            each
            for each in self._active.of_field(api.api_id, str(invalidation.get("subscriptionField")))
            if each.invalidation_filter and each.invalidation_filter.accepts(payload)
        ]

        def end() -> None:
            for each in found:
                each.end(each)

        if found:
            self._on_loop(end)
            self._metrics.count(api, "InvalidationSuccess", len(found))

    def close(self) -> None:
        """End the thread after the events that wait."""
        if self._thread:
            self._events.put(None)
            self._thread.join(timeout=5)

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._deliver_on, name="appsync-fan-out", daemon=True)
                self._thread.start()

    def _deliver_on(self) -> None:
        while (event := self._events.get()) is not None:
            try:
                self._deliver(event)
            except Exception:
                log.exception("the event of a mutation was not delivered")

    def _deliver(self, event: _Event) -> None:
        payloads: dict[tuple[Any, ...], str | None] = {}
        deliveries: list[tuple[ActiveSubscription, str]] = []
        compared = event.value if isinstance(event.value, Mapping) else {}
        for each in event.subscribers:
            if not each.filter.accepts(compared):
                continue
            if each.prepared.selection_key not in payloads:
                payloads[each.prepared.selection_key] = self._payload(event, each)
            payload = payloads[each.prepared.selection_key]
            if payload is not None:
                deliveries.append((each, payload))
        if not deliveries:
            return

        def hand_over() -> None:
            for subscription, payload in deliveries:
                subscription.deliver(subscription, payload)

        self._on_loop(hand_over)
        self._metrics.count(event.api, "PublishDataMessageSuccess", len(deliveries))
        self._metrics.record(
            event.api, "PublishDataMessageSize", float(sum(len(payload) for _, payload in deliveries)), "Bytes"
        )

    def _payload(self, event: _Event, subscription: ActiveSubscription) -> str | None:
        """The payload for a document, or None if it cannot be delivered."""
        try:
            payload = messages.payload_of(self._executor.select(subscription.prepared, event.value))
        except Exception:
            log.exception("the subscription %s failed", subscription.prepared.field_name)
            self._metrics.count(event.api, "PublishDataMessageServerError")
            return None
        if len(payload.encode()) > _LARGEST_PAYLOAD_BYTES:
            log.error(
                "an event of the subscription %s is not delivered: it has more than 240 KB",
                subscription.prepared.field_name,
            )
            self._metrics.count(event.api, "PublishDataMessageClientError")
            return None
        return payload
