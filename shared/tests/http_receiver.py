"""A receiver of webhooks on loopback that does what a test tells it, byte by byte where need be."""

import socket
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

OK = b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"


@dataclass
class Request:
    """What came: the request line, headers by lower-case name, and the body."""

    line: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """Answers each connection with the next of `script`, bytes or a function that gets the socket; then with OK."""

    script: list[bytes | Callable[[socket.socket], None]] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    host: str = "127.0.0.1"
    port: int = 0
    tls: ssl.SSLContext | None = None
    reads_bodies: bool = True

    def __enter__(self) -> "Receiver":
        self._listener = socket.create_server((self.host, self.port))
        self.port = self._listener.getsockname()[1]
        self.url = f"http://{self.host}:{self.port}/hook?a=b"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                try:
                    self._answer(connection)
                except OSError:
                    continue

    def _answer(self, connection: socket.socket) -> None:
        if self.tls:
            connection = self.tls.wrap_socket(connection, server_side=True)
        with connection:
            self.requests.append(_read(connection, whole=self.reads_bodies))
            step = self.script.pop(0) if self.script else OK
            connection.sendall(step) if isinstance(step, bytes) else step(connection)


def drip(data: bytes | list[bytes], seconds: float) -> Callable[[socket.socket], None]:
    """Sends one byte, or one part, at a time."""

    def send(connection: socket.socket) -> None:
        for each in data:
            connection.sendall(each if isinstance(each, bytes) else bytes([each]))
            time.sleep(seconds)

    return send


def endless(beginning: bytes) -> Callable[[socket.socket], None]:
    """Sends for ever, until nobody takes it."""

    def send(connection: socket.socket) -> None:
        connection.sendall(beginning)
        while True:
            connection.sendall(b"x" * 65536)

    return send


def _read(connection: socket.socket, *, whole: bool) -> Request:
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            raise ConnectionResetError("closed before it had asked")
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    line, *rest = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (each.partition(": ") for each in rest)}
    while whole and len(body) < int(headers.get("content-length", 0)):
        body += connection.recv(65536)
    return Request(line, headers, body)
