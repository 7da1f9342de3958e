"""Reads requests and sends responses of routes, which are ASGI applications."""

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from blueprints.local.base.extension import Receive, Route, Scope, Send


class ClientGone(Exception):
    """The client closed the connection before it had sent the whole request."""


async def read_body(receive: Receive) -> bytes:
    """The whole body of a request. Raises ClientGone if only a part of it came."""
    parts = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


async def send_response(send: Send, status: int, body: bytes, headers: Mapping[str, str]) -> None:
    """Send a whole response."""
    everything = {**headers, "Content-Length": str(len(body))}
    raw = [(name.lower().encode(), value.encode()) for name, value in everything.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body})


def json_route(path: str, answer: Callable[[dict[str, str], bytes], Any]) -> Route:
    """A route at one path. `answer` gets the query and the body on a worker thread; its result is sent as JSON."""

    async def respond(scope: Scope, receive: Receive, send: Send) -> None:
        query = dict(parse_qsl(scope["query_string"].decode()))
        result = await asyncio.to_thread(answer, query, await read_body(receive))
        await send_response(send, 200, json.dumps(result).encode(), {"Content-Type": "application/json"})

    return Route(lambda scope: bool(scope["path"] == path), respond)
