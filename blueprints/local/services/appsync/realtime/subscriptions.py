"""The active subscriptions of all connections, by the mutation whose events they get."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from blueprints.local.services.appsync.execution import Subscription
from blueprints.local.services.appsync.realtime.filters import Filter
from blueprints.local.services.appsync.requests import Request


@dataclass(eq=False)
class ActiveSubscription:
    """A subscription that a connection has started and not ended."""

    number: str
    """The id that the client gave it."""
    request: Request
    prepared: Subscription
    filter: Filter
    invalidation_filter: Filter | None
    deliver: Callable[["ActiveSubscription", str], None]
    """Sends the payload of an event; called on the event loop."""
    end: Callable[["ActiveSubscription"], None]
    """Ends the subscription because of an invalidation; called on the event loop."""


class ActiveSubscriptions:
    """Keeps subscriptions while they are active. Any thread may call it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_mutation: dict[tuple[str, str], dict[ActiveSubscription, None]] = {}
        self._by_field: dict[tuple[str, str], dict[ActiveSubscription, None]] = {}

    def add(self, subscription: ActiveSubscription) -> None:
        """Let a subscription get the events of its mutations."""
        api = subscription.request.api.api_id
        with self._lock:
            for mutation in subscription.prepared.mutations:
                self._by_mutation.setdefault((api, mutation), {})[subscription] = None
            self._by_field.setdefault((api, subscription.prepared.field_name), {})[subscription] = None

    def remove(self, subscription: ActiveSubscription) -> None:
        """Let a subscription get no more events; without effect if it was removed before."""
        with self._lock:
            for index in (self._by_mutation, self._by_field):
                for key in [each for each, found in index.items() if subscription in found]:
                    del index[key][subscription]
                    if not index[key]:
                        del index[key]

    def of_mutation(self, api_id: str, mutation: str) -> tuple[ActiveSubscription, ...]:
        """The subscriptions to a mutation, the oldest first."""
        with self._lock:
            return tuple(self._by_mutation.get((api_id, mutation), ()))

    def of_field(self, api_id: str, field_name: str) -> tuple[ActiveSubscription, ...]:
        """The subscriptions of a field of the type Subscription."""
        with self._lock:
            return tuple(self._by_field.get((api_id, field_name), ()))

    def count(self, api_id: str) -> int:
        """How many subscriptions of an API are active."""
        with self._lock:
            return sum(len(found) for (api, _), found in self._by_field.items() if api == api_id)
