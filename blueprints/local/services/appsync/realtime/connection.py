"""One WebSocket connection of a client, from its first message to its end."""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from blueprints.local.base.extension import Receive, Send
from blueprints.local.services.appsync.execution import InvalidRequest, SubscriptionRefused, UnreadableDocument
from blueprints.local.services.appsync.metrics import Metrics
from blueprints.local.services.appsync.realtime import messages
from blueprints.local.services.appsync.realtime.filters import InvalidFilter
from blueprints.local.services.appsync.realtime.messages import MalformedMessage, Start
from blueprints.local.services.appsync.realtime.outbox import Outbox
from blueprints.local.services.appsync.realtime.subscriptions import ActiveSubscription, ActiveSubscriptions
from blueprints.local.services.appsync.records import GraphqlApi
from blueprints.local.services.appsync.requests import Unauthorized
from blueprints.local.services.appsync.schemas import InvalidSchema

KEEP_ALIVE_SECONDS = 60.0
INIT_SECONDS = 15.0
"""How long a connection may stay without `connection_init` or a subscription."""
MOST_SUBSCRIPTIONS = 100
"""The quota of AppSync for subscriptions of a connection."""
LONGEST_MESSAGE = 1_000_000
"""Characters of a message; AppSync does not document its bound."""
_CLOSE_SECONDS = 2.0

API_DELETED = "The API was deleted."
NORMAL, GOING_AWAY, POLICY, TOO_BIG = 1000, 1001, 1008, 1009

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Opened:
    """What is known of a connection when it opens."""

    api: GraphqlApi | None
    path: str
    """The path of the API's GraphQL endpoint, as the client sees it."""
    source_ip: str
    refusal: tuple[str, str] | None
    """Message and type of the error, if the connection is refused."""


@dataclass(frozen=True)
class Surroundings:
    """What connections share."""

    active: ActiveSubscriptions
    metrics: Metrics
    workers: ThreadPoolExecutor
    prepare: Callable[[Start, "Connection"], ActiveSubscription]
    """Authenticates and prepares a subscription; blocks. Raises what `_refuse_subscription` reports."""
    api_exists: Callable[[str], bool]


@dataclass
class _Slot:
    """The place of a subscription, from its `start` message on."""

    start: Start
    active: ActiveSubscription | None = None
    expiry: asyncio.TimerHandle | None = None


@dataclass(frozen=True)
class Closing:
    """Why this side ends the connection."""

    code: int
    reason: str


@dataclass(eq=False)
class Connection:
    """Answers the messages of one client. All methods run on the event loop."""

    opened: Opened
    receive: Receive
    send: Send
    shared: Surroundings
    _slots: dict[str, _Slot] = field(default_factory=dict)
    _outbox: Outbox = field(default_factory=Outbox)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _initialised: bool = False
    _closing: asyncio.Future[Closing] | None = None
    _keep_alive: asyncio.TimerHandle | None = None

    async def run(self) -> None:
        """Talk to the client until one side ends the connection. The WebSocket is accepted already."""
        loop = asyncio.get_running_loop()
        begun = loop.time()
        self._closing = loop.create_future()
        timeout = loop.call_later(INIT_SECONDS, self._end_if_unused)
        sender, reader = loop.create_task(self._send_all()), loop.create_task(self._read_all())
        try:
            ends: set[asyncio.Future[Any]] = {sender, reader, self._closing}
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            timeout.cancel()
            self._release()
            await self._finish(sender, reader)
            self._count_end(loop.time() - begun)

    def close(self, code: int, reason: str) -> None:
        """End the connection from this side; the first reason counts."""
        if self._closing and not self._closing.done():
            self._closing.set_result(Closing(code, reason))

    def deliver(self, subscription: ActiveSubscription, payload: str) -> None:
        """Send an event, if the subscription is still active."""
        slot = self._slots.get(subscription.number)
        if slot and slot.active is subscription:
            self._put(messages.data(subscription.number, payload))

    def invalidate(self, subscription: ActiveSubscription) -> None:
        """End a subscription because a mutation has invalidated it, and the connection, as AWS does.

        Amplify does not look at `complete`. After it has connected again, the resolvers decide about all it starts.
        """
        if self._forget(subscription.number, subscription):
            self._put(messages.complete(subscription.number))
            self.close(NORMAL, "A mutation has invalidated a subscription.")

    async def _finish(self, sender: "asyncio.Task[None]", reader: "asyncio.Task[None]") -> None:
        """Send what waits, unless the client is gone or too slow, and then the reason for the end."""
        closing = self._closing.result() if self._closing and self._closing.done() else None
        reader.cancel()
        if closing and closing.code not in {POLICY, GOING_AWAY} and not sender.done():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._until_sent(), _CLOSE_SECONDS)
        sender.cancel()
        for each in await asyncio.gather(sender, reader, return_exceptions=True):
            if isinstance(each, Exception):
                log.error("a WebSocket connection failed", exc_info=each)
        if closing:
            with suppress(TimeoutError):  # a client that does not read takes no reason either
                end = {"type": "websocket.close", "code": closing.code, "reason": closing.reason}
                await asyncio.wait_for(self.send(end), _CLOSE_SECONDS)

    async def _until_sent(self) -> None:
        while len(self._outbox):
            await asyncio.sleep(0.005)

    async def _send_all(self) -> None:
        while True:
            await self.send({"type": "websocket.send", "text": await self._outbox.get()})

    async def _read_all(self) -> None:
        while True:
            message = await self.receive()
            if message["type"] == "websocket.disconnect":
                return
            text = message.get("text")
            if text is None:
                self._put(messages.error("", "The message is not text.", messages.BAD_REQUEST))
            elif len(text) > LONGEST_MESSAGE:
                self.close(TOO_BIG, f"A message has more than {LONGEST_MESSAGE} characters.")
            else:
                self._answer(text)

    def _answer(self, text: str) -> None:
        try:
            message = messages.parse(text)
        except MalformedMessage as error:
            self._put(messages.error("", str(error), messages.BAD_REQUEST))
            return
        kind, number = message.get("type"), message.get("id")
        number = number if isinstance(number, str) else ""
        if kind == "connection_init":
            self._initialise()
        elif kind == "start":
            self._start(message, number)
        elif kind == "stop":
            self._stop(number)
        else:
            reason = "unknown not supported through the realtime channel"
            self._put(messages.error(number, reason, "UnsupportedOperation"))

    def _initialise(self) -> None:
        if self.opened.refusal:
            self._refuse_connection()
            return
        self._put(messages.connection_ack())
        # Amplify ends a new socket that says nothing within five seconds, after a time-out of an earlier one.
        self._send_keep_alive()
        if not self._initialised:
            self._initialised = True
            self._count("ConnectSuccess")

    def _refuse_connection(self) -> None:
        message, error_type = self.opened.refusal or ("", "")
        self._put(messages.connection_error(message, error_type))
        self._count("ConnectClientError")
        self.close(NORMAL, message[:100])

    def _send_keep_alive(self) -> None:
        if self._keep_alive:
            self._keep_alive.cancel()
        if self.opened.api and not self.shared.api_exists(self.opened.api.api_id):
            self.close(GOING_AWAY, API_DELETED)
        self._put(messages.keep_alive())
        self._keep_alive = asyncio.get_running_loop().call_later(KEEP_ALIVE_SECONDS, self._send_keep_alive)

    def _start(self, message: dict[str, Any], number: str) -> None:
        if self.opened.refusal:
            self._refuse_connection()
            return
        try:
            start = messages.parse_start(message)
        except MalformedMessage as error:
            self._refuse(number, str(error), messages.BAD_REQUEST)
            return
        known = self._slots.get(start.id)
        if known:
            self._start_again(known, start)
        elif max(len(self._slots), len(self._tasks)) >= MOST_SUBSCRIPTIONS:  # one that stopped may still be prepared
            reason = f"A connection has at most {MOST_SUBSCRIPTIONS} subscriptions."
            self._refuse(start.id, reason, "MaxSubscriptionsReachedError")
        else:
            slot = self._slots[start.id] = _Slot(start)
            self._do(self._prepare(slot))

    def _start_again(self, known: _Slot, start: Start) -> None:
        """A client that missed the acknowledgement sends the same message again."""
        if start.data != known.start.data:
            self._refuse(start.id, "Another subscription has this id.", "DuplicatedOperationError")
        elif known.active:
            self._put(messages.start_ack(start.id))

    async def _prepare(self, slot: _Slot) -> None:
        start, loop = slot.start, asyncio.get_running_loop()
        try:
            active = await loop.run_in_executor(self.shared.workers, self.shared.prepare, start, self)
        except Exception as error:  # noqa: BLE001 - the client gets the reason, or the log does
            if self._slots.get(start.id) is slot:
                del self._slots[start.id]
                self._refuse_subscription(start.id, error)
            return
        if self._slots.get(start.id) is not slot:
            return  # stopped meanwhile
        slot.active = active
        slot.expiry = self._expiry(active)
        self.shared.active.add(active)
        self._put(messages.start_ack(start.id))
        self._count("SubscribeSuccess")
        self._measure()

    def _refuse_subscription(self, number: str, error: Exception) -> None:
        if isinstance(error, Unauthorized):
            self._refuse(number, str(error), error.error_type)
        elif isinstance(error, SubscriptionRefused):
            self._put(messages.refusal(number, error.errors))
            self._count("SubscribeClientError")
        elif isinstance(error, InvalidFilter | InvalidRequest | InvalidSchema | UnreadableDocument):
            self._refuse(number, str(error), messages.BAD_REQUEST)
        else:
            log.error("a subscription failed", exc_info=error)
            self._put(messages.error(number, "Internal failure", "InternalFailure"))
            self._count("SubscribeServerError")

    def _expiry(self, active: ActiveSubscription) -> asyncio.TimerHandle | None:
        """The timer that ends the subscription when the token that started it expires."""
        claims = (active.request.identity.context or {}).get("claims")
        expires = claims.get("exp") if isinstance(claims, dict) else None
        if not isinstance(expires, int | float):
            return None
        wait = max(0.0, expires - time.time())
        return asyncio.get_running_loop().call_later(wait, self._expire, active)

    def _expire(self, active: ActiveSubscription) -> None:
        if self._forget(active.number, active):
            self._put(messages.error(active.number, "Token expired", messages.UNAUTHORIZED))

    def _stop(self, number: str) -> None:
        if number not in self._slots:
            self._put(messages.error(number, "There is no subscription with this id.", messages.BAD_REQUEST))
            self._count("UnsubscribeClientError")
            return
        self._forget(number)
        self._put(messages.complete(number))
        self._count("UnsubscribeSuccess")

    def _forget(self, number: str, only: ActiveSubscription | None = None) -> bool:
        """End a subscription; False if it is not active, or if another one has its id meanwhile."""
        slot = self._slots.get(number)
        if slot is None or (only and slot.active is not only):
            return False
        del self._slots[number]
        if slot.expiry:
            slot.expiry.cancel()
        if slot.active:
            self.shared.active.remove(slot.active)
            self._measure()
        return True

    def _release(self) -> None:
        if self._keep_alive:
            self._keep_alive.cancel()
        for number in list(self._slots):
            self._forget(number)
        for task in self._tasks:
            task.cancel()

    def _end_if_unused(self) -> None:
        if not self._initialised and not self._slots:
            self.close(POLICY, f"No connection_init within {INIT_SECONDS:.0f} seconds.")

    def _put(self, text: str) -> None:
        if not self._outbox.put(text):
            self.close(POLICY, "The client is too slow: too many messages wait for it.")

    def _refuse(self, number: str, message: str, error_type: str) -> None:
        self._put(messages.error(number, message, error_type))
        self._count("SubscribeClientError")

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _count(self, metric: str) -> None:
        if self.opened.api:
            self.shared.metrics.count(self.opened.api, metric)

    def _measure(self) -> None:
        if self.opened.api:
            active = self.shared.active.count(self.opened.api.api_id)
            self.shared.metrics.record(self.opened.api, "ActiveSubscriptions", float(active))

    def _count_end(self, seconds: float) -> None:
        if self._initialised and self.opened.api:
            self._count("DisconnectSuccess")
            self.shared.metrics.record(self.opened.api, "ConnectionDuration", seconds * 1000, "Milliseconds")
