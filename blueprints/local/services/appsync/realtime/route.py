"""Which WebSocket requests are AppSync's, how a connection opens, and how a subscription starts."""

import asyncio
import logging
import time
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Protocol

from blueprints.local.base.extension import Receive, Route, Scope, Send
from blueprints.local.services.appsync import records
from blueprints.local.services.appsync.endpoints import target_of
from blueprints.local.services.appsync.execution import Executor, Subscription, SubscriptionRefused
from blueprints.local.services.appsync.http import AnsweredRequest
from blueprints.local.services.appsync.metrics import Metrics
from blueprints.local.services.appsync.realtime import credentials, filters, messages
from blueprints.local.services.appsync.realtime.connection import (
    API_DELETED,
    GOING_AWAY,
    Connection,
    Opened,
    Surroundings,
)
from blueprints.local.services.appsync.realtime.fan_out import FanOut
from blueprints.local.services.appsync.realtime.messages import Start
from blueprints.local.services.appsync.realtime.subscriptions import ActiveSubscription, ActiveSubscriptions
from blueprints.local.services.appsync.records import GraphqlApi
from blueprints.local.services.appsync.requests import Identity, Request, Response, Unauthorized

log = logging.getLogger(__name__)

_CREDENTIALS = frozenset(("authorization", "x-api-key", "x-amz-security-token", "x-amz-date", "x-amz-content-sha256"))
FindApi = Callable[[str], GraphqlApi | None]
"""Finds an API by its id."""


class Authenticate(Protocol):
    """Finds out who makes a request by its headers. Raises Unauthorized."""

    def __call__(
        self,
        api: GraphqlApi,
        headers: Mapping[str, str],
        *,
        path: str,
        body: bytes,
        operation: Any,
        source_ip: str,
    ) -> Identity:
        """The identity; a POST to `path` with `body` is what a signature of AWS_IAM covers."""


_AT_ONCE = 256
"""Connections that are authenticated and subscriptions that are prepared at the same time."""


class Realtime:
    """The WebSocket side of AppSync: its route, its connections, and the delivery of events."""

    def __init__(
        self,
        executor: Executor,
        authenticate: Authenticate,
        metrics: Metrics,
        log_request: Callable[[AnsweredRequest], None],
        find_api: FindApi = records.find,
    ) -> None:
        """`log_request` gets every subscription that an authenticated caller starts."""
        self._executor, self._authenticate, self._metrics, self._find_api = executor, authenticate, metrics, find_api
        self._log_request = log_request
        self._loop: asyncio.AbstractEventLoop | None = None
        self._connections: set[Connection] = set()
        self._active = ActiveSubscriptions()
        self._fan_out = FanOut(executor, self._active, metrics, self._on_loop)
        executor.on_mutation(self._fan_out.publish)
        executor.on_invalidation(self._fan_out.invalidate)
        workers = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="appsync-subscription")
        self._shared = Surroundings(
            self._active, metrics, workers, self._prepare, lambda api_id: find_api(api_id) is not None
        )

    def route(self) -> Route:
        """Takes `…/graphql` and `…/graphql/realtime` of an API, by path or by host name."""
        return Route(lambda scope: target_of(scope) is not None, self._serve, "websocket")

    def reset(self) -> None:
        """End every connection."""
        self._on_loop(self._end_connections)

    def close(self) -> None:
        """End every connection, and the thread that delivers."""
        self.reset()
        self._fan_out.close()
        self._shared.workers.shutdown(wait=False, cancel_futures=True)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._loop = asyncio.get_running_loop()
        await receive()  # websocket.connect
        offered = scope.get("subprotocols") or []
        chosen = messages.SUBPROTOCOL if messages.SUBPROTOCOL in offered else None
        # An HTTP error here never reaches the app: Amplify retries for ever. So it is accepted, and refused in band.
        await send({"type": "websocket.accept", "subprotocol": chosen})
        opened = await self._loop.run_in_executor(self._shared.workers, self._open, scope, chosen is not None)
        connection = Connection(opened, receive, send, self._shared)
        self._connections.add(connection)
        self._measure(opened)
        try:
            await connection.run()
        finally:
            self._connections.discard(connection)
            self._measure(opened)

    def _open(self, scope: Scope, speaks_protocol: bool) -> Opened:
        target = target_of(scope)
        assert target
        api_id, path, source_ip = target.api_id, target.endpoint, _source_ip(scope)
        api = self._find_api(api_id)
        if api is None:
            return Opened(None, path, source_ip, (f"There is no API {api_id} here.", messages.BAD_REQUEST))
        if not speaks_protocol:
            return Opened(api, path, source_ip, ("NoProtocolError", messages.BAD_REQUEST))
        try:
            headers = credentials.connection_headers(scope["query_string"].decode("latin-1"), scope["subprotocols"])
            self._authenticate(api, headers, path=f"{path}/connect", body=b"{}", operation=None, source_ip=source_ip)
        except credentials.NoCredentials as error:
            return Opened(api, path, source_ip, (str(error), messages.BAD_REQUEST))
        except Unauthorized as error:
            return Opened(api, path, source_ip, (str(error), error.error_type))
        except Exception:
            log.exception("a WebSocket connection could not be authenticated")
            return Opened(api, path, source_ip, ("Internal failure", "InternalFailure"))
        return Opened(api, path, source_ip, None)

    def _prepare(self, start: Start, connection: Connection) -> ActiveSubscription:
        opened = connection.opened
        api = self._find_api(opened.api.api_id) if opened.api else None
        if api is None:
            raise Unauthorized(API_DELETED)
        identity = self._authenticate(
            api,
            start.authorization,
            path=opened.path,
            body=start.data.encode(),
            operation=start,
            source_ip=opened.source_ip,
        )
        request = Request(
            api=api,
            identity=identity,
            query=start.query,
            variables=start.variables,
            operation_name=start.operation_name,
            headers=_without_credentials(start.authorization),
            source_ip=opened.source_ip,
            request_id=str(uuid.uuid4()),
        )
        prepared = self._prepared(request)
        return ActiveSubscription(
            number=start.id,
            request=request,
            prepared=prepared,
            filter=filters.parse(prepared.filter) if prepared.filter else filters.by_arguments(prepared.arguments),
            invalidation_filter=filters.parse(prepared.invalidation) if prepared.invalidation else None,
            deliver=connection.deliver,
            end=connection.invalidate,
        )

    def _prepared(self, request: Request) -> Subscription:
        started = time.monotonic()
        status, response = 400, None
        try:
            prepared = self._executor.prepare_subscription(request)
            status, response = 200, Response(None, (), prepared.fields)
        except SubscriptionRefused as refused:
            status, response = 200, Response(None, refused.errors, refused.fields)
            raise
        finally:
            self._log_request(AnsweredRequest(request.api, status, time.monotonic() - started, request, response))
        return prepared

    def _end_connections(self) -> None:
        for each in list(self._connections):
            each.close(GOING_AWAY, "The account was emptied.")

    def _on_loop(self, call: Callable[[], None]) -> None:
        if self._loop:
            with suppress(RuntimeError):  # the loop is closed: the process ends
                self._loop.call_soon_threadsafe(call)

    def _measure(self, opened: Opened) -> None:
        if opened.api:
            number = sum(
                each.opened.api is not None and each.opened.api.api_id == opened.api.api_id
                for each in self._connections
            )
            self._metrics.record(opened.api, "ActiveConnections", float(number))


def _source_ip(scope: Scope) -> str:
    return str((scope.get("client") or ("127.0.0.1",))[0])


def _without_credentials(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name not in _CREDENTIALS}
