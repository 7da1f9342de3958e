"""Realtime without a network: clients talk to its route as an ASGI server does, and a fake executes documents."""

import asyncio
import base64
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from blueprints.local.services.appsync.execution import Mutation, SubscriptionRefused
from blueprints.local.services.appsync.metrics import Metrics
from blueprints.local.services.appsync.realtime import Realtime
from blueprints.local.services.appsync.records import GraphqlApi
from blueprints.local.services.appsync.requests import (
    API_KEY,
    COGNITO,
    GraphqlError,
    Identity,
    Request,
    Response,
    Unauthorized,
)

API = GraphqlApi("abc", "000000000000", "us-east-1", {}, "schema", {}, {}, {}, ())
KEY = {"host": "localhost", "x-api-key": "da2-right"}
SUBSCRIBE = "subscription { onCreateNote { id title } }"


def subscription(request: Request) -> Any:
    """A subscription to createNote, as the executor prepares one."""
    variables = request.variables
    return SimpleNamespace(
        field_name="onCreateNote",
        arguments=variables.get("arguments", {}),
        mutations=("createNote",),
        filter=variables.get("filter"),
        invalidation=variables.get("invalidation"),
        selection_key=request.query,
        fields=(),
    )


@dataclass
class FakeExecutor:
    """Subscribes to createNote. Variables choose what a resolver would do: `arguments`, `filter`, `refuse`, `wait`."""

    selections: int = 0
    fails: bool = False

    def on_mutation(self, listener: Callable[[Mutation], None]) -> None:
        self.publish = listener

    def on_invalidation(self, listener: Callable[..., None]) -> None:
        self.invalidate = listener

    def prepare_subscription(self, request: Request) -> Any:
        variables = request.variables
        time.sleep(variables.get("wait", 0))
        if "refuse" in variables:
            raise SubscriptionRefused((GraphqlError("You may not read this.", variables["refuse"]),))
        return subscription(request)

    def select(self, subscription: Any, value: Any) -> Response:
        self.selections += 1
        if self.fails:
            raise RuntimeError("the selection fails")
        return Response({subscription.field_name: value})


class RecordedMetrics(Metrics):
    """Keeps what was recorded."""

    def __init__(self) -> None:
        self.values: list[tuple[str, float]] = []

    def record(self, api: GraphqlApi, name: str, value: float, unit: str = "Count") -> None:
        self.values.append((name, value))

    def total(self, name: str) -> float:
        return sum(value for each, value in self.values if each == name)


def authenticate(
    api: GraphqlApi, headers: Mapping[str, str], *, path: str, body: bytes, operation: object, source_ip: str
) -> Identity:
    """Accepts one API key, and tokens of the form `expires-SECONDS`, as a user pool would."""
    token = headers.get("authorization", "")
    if token == "breaks":
        raise RuntimeError("the authentication breaks")
    if token.startswith("expires-"):
        return Identity(COGNITO, {"sub": "ana", "claims": {"exp": float(token.removeprefix("expires-"))}})
    if headers.get("x-api-key") != "da2-right":
        raise Unauthorized("You are not authorized to make this call.")
    return Identity(API_KEY, None)


@dataclass
class Service:
    """Realtime with its fakes."""

    executor: FakeExecutor = field(default_factory=FakeExecutor)
    metrics: RecordedMetrics = field(default_factory=RecordedMetrics)

    def __post_init__(self) -> None:
        self.apis = {"abc": API}
        self.realtime = Realtime(self.executor, authenticate, self.metrics, lambda _: None, self.apis.get)

    async def mutate(self, value: Any, mutation: str = "createNote") -> None:
        """Publish what a mutation selected, as a thread of the executor does."""
        request = Request(API, Identity(API_KEY, None), "mutation { … }")
        await asyncio.to_thread(self.executor.publish, Mutation(request, mutation, value))

    async def client(self, **how: Any) -> "Client":
        """A client whose WebSocket is open."""
        client = Client(self.realtime, **how)
        await client.open()
        return client

    async def ready(self, **how: Any) -> "Client":
        """A client that has got its acknowledgement."""
        client = await self.client(**how)
        await client.say(type="connection_init")
        assert (await client.hear())["type"] == "connection_ack"
        assert (await client.hear())["type"] == "ka"
        return client


class Client:
    """One client: what it says goes to the route, what it hears comes from there."""

    def __init__(
        self,
        realtime: Realtime,
        *,
        headers: Mapping[str, str] | None = KEY,
        by_query: bool = False,
        path: str = "/v1/apis/abc/graphql/realtime",
        host: str = "localhost:4566",
        protocol: bool = True,
        reads: bool = True,
    ) -> None:
        encoded = base64.b64encode(json.dumps(headers).encode()).decode()
        query = f"header={encoded}&payload=e30=" if headers is not None and by_query else ""
        subprotocols = ["graphql-ws"] if protocol else []
        if headers is not None and not by_query:
            subprotocols.append("header-" + encoded.rstrip("=").translate(str.maketrans("+/", "-_")))
        self.scope = {
            "type": "websocket",
            "path": path,
            "query_string": query.encode(),
            "headers": [(b"host", host.encode())],
            "subprotocols": subprotocols,
        }
        self.route = realtime.route()
        self.to_server: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.from_server: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.reads = asyncio.Event()
        if reads:
            self.reads.set()

    async def open(self) -> None:
        await self.to_server.put({"type": "websocket.connect"})
        assert self.route.takes(self.scope)
        self.served = asyncio.create_task(self.route.answer(self.scope, self.to_server.get, self._send))
        self.accepted = await self.from_server.get()

    async def _send(self, message: dict[str, Any]) -> None:
        if message["type"] != "websocket.accept":
            await self.reads.wait()
        await self.from_server.put(message)

    async def say(self, text: str | None = None, **message: Any) -> None:
        await self.to_server.put({"type": "websocket.receive", "text": text or json.dumps(message)})

    async def start(self, number: str, query: str = SUBSCRIBE, headers: Any = KEY, **variables: Any) -> None:
        data = json.dumps({"query": query, "variables": variables})
        payload = {"data": data, "extensions": {"authorization": headers}}
        await self.say(type="start", id=number, payload=payload)

    async def subscribe(self, number: str, **variables: Any) -> None:
        await self.start(number, **variables)
        assert await self.hear() == {"type": "start_ack", "id": number}

    async def hear(self, seconds: float = 5.0) -> dict[str, Any]:
        """The next message of the server; its end comes as `type` `websocket.close`."""
        message = await asyncio.wait_for(self.from_server.get(), seconds)
        return json.loads(message["text"]) if message["type"] == "websocket.send" else message

    async def leave(self) -> None:
        await self.to_server.put({"type": "websocket.disconnect", "code": 1000})
        await asyncio.wait_for(self.served, 5)
