"""A small WebSocket client of AppSync: blocking, over a plain or an encrypted connection."""

import base64
import json
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, CloseConnection, Request, TextMessage

from blueprints.local.cloud import Cloud


class WebSocket:
    """An open connection that has been acknowledged; `hear` leaves keep-alives out."""

    def __init__(self, connection: socket.socket, target: str, headers: Mapping[str, str]) -> None:
        self._connection, self._protocol = connection, WSConnection(ConnectionType.CLIENT)
        self._headers = headers
        self._unsent: list[str] = []
        self._heard: Iterator[dict[str, Any]] = self._messages()
        encoded = base64.urlsafe_b64encode(json.dumps(headers).encode()).decode().rstrip("=")
        subprotocols = ["graphql-ws", f"header-{encoded}"]
        connection.sendall(self._protocol.send(Request(host="localhost", target=target, subprotocols=subprotocols)))
        self.say(type="connection_init")

    def say(self, **message: Any) -> None:
        """Send a message."""
        self._unsent.append(json.dumps(message))
        self._flush()

    def start(self, number: str, query: str, **variables: Any) -> None:
        """Start a subscription, without waiting for its acknowledgement."""
        data = json.dumps({"query": query, "variables": variables})
        payload = {"data": data, "extensions": {"authorization": self._headers}}
        self.say(type="start", id=number, payload=payload)

    def hear(self) -> dict[str, Any]:
        """The next message but keep-alives; `{"type": "closed"}` at the end."""
        return next(each for each in self._heard if each["type"] != "ka")

    def _flush(self) -> None:
        if self._protocol.state.name == "OPEN":
            for text in self._unsent:
                self._connection.sendall(self._protocol.send(TextMessage(data=text)))
            self._unsent = []

    def _messages(self) -> Iterator[dict[str, Any]]:
        text = ""
        while True:
            data = self._connection.recv(65536)
            self._protocol.receive_data(data or None)
            for event in self._protocol.events():
                if isinstance(event, AcceptConnection):
                    self._flush()
                elif isinstance(event, TextMessage):
                    text += event.data
                    if event.message_finished:
                        yield json.loads(text)
                        text = ""
                elif isinstance(event, CloseConnection):
                    yield {"type": "closed", "code": event.code, "reason": event.reason}


@contextmanager
def web_socket(
    cloud: Cloud, api_id: str, headers: Mapping[str, str], *, encrypted: bool = False, path: str = "/realtime"
) -> Iterator[WebSocket]:
    """A WebSocket to the realtime endpoint of an API."""
    port = int((cloud.tls_endpoint if encrypted else cloud.endpoint).rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
        connection = plain
        if encrypted:
            trusting = ssl.create_default_context(cafile=str(cloud.certificate_authority))
            connection = trusting.wrap_socket(plain, server_hostname="localhost")
        yield WebSocket(connection, f"/v1/apis/{api_id}/graphql{path}", headers)
