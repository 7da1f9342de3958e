"""One mutation of the embedded AppSync to 200 subscribers, each on a WebSocket of its own.

The time is that from sending the mutation until the last subscriber has its event, so that it contains the mutation
itself and the client's own work, in one process. With one document for all, the selection is executed once; with 200
documents, it is executed for each. The base emulator has no subscriptions to compare with.
"""

import base64
import json
import selectors
import socket
import time
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from typing import Any

from benchmarks import emulators
from benchmarks.claims import Claim, Missing, Target
from benchmarks.harness import Bench, Sample, Variant

TITLE = "Subscriptions"

_SUBSCRIBERS = 200
_PATIENCE = 30.0
_SCHEMA = """
type Query { ready: Boolean }
type Mutation { createNote(id: ID!, title: String, body: String): Note }
type Subscription { onCreateNote: Note @aws_subscribe(mutations: ["createNote"]) }
type Note { id: ID! title: String body: String }
"""
_CODE = """
export function request(ctx) { return { payload: ctx.args }; }
export function response(ctx) { return ctx.result; }
"""
_CREATE = 'mutation ($id: ID!) { createNote(id: $id, title: "A note", body: "of some words") { id title body } }'


def compare(bench: Bench) -> Iterable[Claim | Missing]:
    """Yield the times until the last subscriber has an event."""
    from blueprints.local.cloud import Cloud

    with Cloud() as cloud:
        api = Api.deploy(cloud.endpoint)
        with api.subscribers(1) as alike:
            same = Variant("one document", lambda: alike.time_event(api))
            named = f"one mutation to {_SUBSCRIBERS} connections with the same document"
            timed = bench.measure(named, {"ours": same})
            yield Claim(named, timed, measure="wall", target=Target("at_most", 0.1))
        with api.subscribers(_SUBSCRIBERS) as different:
            named = f"one mutation to {_SUBSCRIBERS} connections with {_SUBSCRIBERS} documents"
            timed = bench.measure(named, {"ours": Variant("as many documents", lambda: different.time_event(api))})
            yield Claim(named, timed, measure="wall", target=Target("at_most", 0.2))
    yield Missing("against the base emulator", "it refuses GraphQL over WebSockets")


@dataclass(frozen=True)
class Api:
    """A deployed API whose only mutation returns its arguments."""

    endpoint: str
    id: str
    key: str

    @classmethod
    def deploy(cls, endpoint: str) -> "Api":
        """Make the API with the operations of AppSync."""
        client = emulators.client("appsync", endpoint)
        made = client.create_graphql_api(name="notes", authenticationType="API_KEY")["graphqlApi"]["apiId"]
        client.start_schema_creation(apiId=made, definition=_SCHEMA.encode())
        client.create_data_source(apiId=made, name="Nothing", type="NONE")
        client.create_resolver(
            apiId=made,
            typeName="Mutation",
            fieldName="createNote",
            dataSourceName="Nothing",
            code=_CODE,
            runtime={"name": "APPSYNC_JS", "runtimeVersion": "1.0.0"},
        )
        return cls(endpoint, made, client.create_api_key(apiId=made)["apiKey"]["id"])

    def create_note(self, number: str) -> None:
        """Run the mutation."""
        body = json.dumps({"query": _CREATE, "variables": {"id": number}}).encode()
        headers = {"x-api-key": self.key, "Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.endpoint}/v1/apis/{self.id}/graphql", body, headers)  # noqa: S310
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=_PATIENCE) as response:
            answer = json.load(response)
        if "errors" in answer:
            raise RuntimeError(f"the mutation failed: {answer['errors']}")

    @contextmanager
    def subscribers(self, documents: int) -> Iterator["Subscribers"]:
        """Connections with one subscription each, of so many different documents."""
        queries = [
            f"subscription S{number % documents} {{ onCreateNote {{ id title }} }}" for number in range(_SUBSCRIBERS)
        ]
        with ExitStack() as stack:
            yield Subscribers([stack.enter_context(closing(_WebSocket(self, query))) for query in queries])


class Subscribers:
    """Subscribed connections."""

    def __init__(self, sockets: "list[_WebSocket]") -> None:
        self._sockets = sockets
        self._events = 0

    def time_event(self, api: Api) -> Sample:
        """Run one mutation; the time until every connection has its event. Raises RuntimeError after 30 seconds."""
        self._events += 1
        number = f"note-{self._events}"
        started = time.perf_counter()
        api.create_note(number)
        with selectors.DefaultSelector() as selector:
            for each in self._sockets:
                selector.register(each.connection, selectors.EVENT_READ, each)
            while selector.get_map():
                ready = selector.select(_PATIENCE)
                if not ready:
                    raise RuntimeError(f"{len(selector.get_map())} subscribers have not got the event")
                for key, _ in ready:
                    if any(number in text for text in key.data.received()):
                        selector.unregister(key.fileobj)
        return Sample(time.perf_counter() - started)


class _WebSocket:
    """A connection with one subscription, acknowledged."""

    def __init__(self, api: Api, query: str) -> None:
        from wsproto import ConnectionType, WSConnection
        from wsproto.events import AcceptConnection, Request

        host, _, port = api.endpoint.removeprefix("http://").partition(":")
        self.connection = socket.create_connection((host, int(port)), timeout=_PATIENCE)
        self._protocol = WSConnection(ConnectionType.CLIENT)
        headers = {"host": host, "x-api-key": api.key}
        encoded = base64.urlsafe_b64encode(json.dumps(headers).encode()).decode().rstrip("=")
        target = f"/v1/apis/{api.id}/graphql/realtime"
        subprotocols = ["graphql-ws", f"header-{encoded}"]
        self.connection.sendall(self._protocol.send(Request(host=host, target=target, subprotocols=subprotocols)))
        while not any(isinstance(each, AcceptConnection) for each in self._events()):
            continue
        payload = {"data": json.dumps({"query": query}), "extensions": {"authorization": headers}}
        self._send({"type": "connection_init"})
        self._send({"type": "start", "id": "1", "payload": payload})
        while not any("start_ack" in text for text in self.received()):
            continue

    def received(self) -> list[str]:
        """The texts that have come; waits for some."""
        from wsproto.events import TextMessage

        return [each.data for each in self._events() if isinstance(each, TextMessage)]

    def close(self) -> None:
        """End the connection without a farewell."""
        self.connection.close()

    def _events(self) -> list[Any]:
        data = self.connection.recv(65536)
        if not data:
            raise RuntimeError("the embedded AWS has ended a connection")
        self._protocol.receive_data(data)
        return list(self._protocol.events())

    def _send(self, message: dict[str, Any]) -> None:
        from wsproto.events import TextMessage

        self.connection.sendall(self._protocol.send(TextMessage(data=json.dumps(message))))
