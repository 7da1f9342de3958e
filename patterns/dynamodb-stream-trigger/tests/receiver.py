"""A receiver of webhooks on this machine that answers what a test tells it."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import socket

OK = b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"


@dataclass
class Request:
    """A request that came: headers by lower-case name, and the body."""

    headers: dict[str, str]
    body: bytes


class Receiver(ThreadingHTTPServer):
    """Answers each request with the next of `script`, bytes or a function of the socket; then with OK."""

    daemon_threads = True

    def __init__(self, script: list[bytes | Callable[[socket], None]] | None = None) -> None:
        self.script, self.requests = list(script or []), list[Request]()
        super().__init__(("127.0.0.1", 0), _Handler)
        self.port = self.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/hook?a=b"

    def __enter__(self) -> "Receiver":
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()

    def handle_error(self, *_: object) -> None:
        """Be silent when a client closes its connection."""


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.requests.append(Request({name.lower(): value for name, value in self.headers.items()}, body))
        step = self.server.script.pop(0) if self.server.script else OK
        self.connection.sendall(step) if isinstance(step, bytes) else step(self.connection)
