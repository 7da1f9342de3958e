"""Sends one POST request, with limits on its addresses, its time and the size of the response.

The host name is resolved once, all its addresses must be public, and the connection goes to one of them, so a later
change of the name has no effect. The certificate must be for the name. Redirects are not followed, and proxies of the
environment are not used.
"""

import contextlib
import http.client
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from blueprints_shared.public_address import is_public
from blueprints_shared.requirement import requirement

with requirement("urllib3>=2"):
    from urllib3 import __version__ as _urllib3_version  # type: ignore[attr-defined]
    from urllib3.connection import HTTPConnection, HTTPSConnection
    from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError

    if int(_urllib3_version.partition(".")[0]) < 2:  # Lambda's runtime has one, which may be 1.26
        raise ModuleNotFoundError(f"urllib3 {_urllib3_version} is too old", name="urllib3")

__all__ = ["BODY_LIMIT", "Endpoint", "NoResponse", "Response"]

SECONDS = 10.0  # for one request, from the resolution of the name to the end of the response
BODY_LIMIT = 64 * 1024
_CONNECT_SECONDS = 3.0  # for one address, its TLS handshake included
_PRINTABLE = re.compile(r"[!-~]+")
_HOST = re.compile(r"[A-Za-z0-9._:-]+")


class NoResponse(Exception):
    """There was no response: the address is not allowed, nobody answered, or not in time."""


@dataclass(frozen=True, slots=True)
class Response:
    """The response: header names are in lower case, and `body` has its first 64 KB."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class Endpoint:
    """One URL to post to. `allow_private` permits private addresses and plain HTTP. Raises ValueError."""

    url: str
    allow_private: bool
    seconds: float = SECONDS
    resolve: Callable[..., list[Any]] = socket.getaddrinfo
    host: str = field(init=False)
    port: int = field(init=False)
    name: str = field(init=False)  # for the Host header
    target: str = field(init=False)
    tls: ssl.SSLContext | None = field(init=False)

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        allowed = ("https", "http") if self.allow_private else ("https",)
        plain = _PRINTABLE.fullmatch(self.url) and "@" not in parts.netloc and "#" not in self.url
        if not plain or parts.scheme not in allowed or not _HOST.fullmatch(parts.hostname or ""):
            raise ValueError(
                f"the webhook's URL must be {' or '.join(allowed)}://host/… in ASCII, without user or fragment"
            )
        assert parts.hostname
        self.host = parts.hostname
        self.port = parts.port or (443 if parts.scheme == "https" else 80)
        self.name = (f"[{self.host}]" if ":" in self.host else self.host) + (f":{parts.port}" if parts.port else "")
        self.target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self.tls = ssl.create_default_context() if parts.scheme == "https" else None

    def post(self, headers: dict[str, str], body: bytes, deadline: float) -> Response:
        """Post, and end by `deadline` (of time.monotonic) or within `seconds`. Raises NoResponse."""
        now = time.monotonic()
        seconds = min(self.seconds, deadline - now)
        if seconds <= 0:
            raise NoResponse("no time was left for a request, so none was sent")
        until = now + seconds
        exchange = _Exchange(self, until)
        # A thread, because nothing else bounds the resolver, or a response of which a byte comes now and then.
        thread = threading.Thread(target=exchange.run, args=(headers, body), daemon=True)
        thread.start()
        thread.join(max(0.0, until - time.monotonic()))
        ended = not thread.is_alive()
        exchange.stop()
        if exchange.response:
            return exchange.response
        error = exchange.error if ended else None  # stop() itself may cause one, of any class
        if error and not isinstance(error, (NoResponse, OSError, http.client.HTTPException, HTTPError)):
            raise error
        reason = str(error) if isinstance(error, NoResponse) else f"{type(error).__name__}: {error}"
        if not ended or time.monotonic() >= until:
            happened = "nothing came" if exchange.addresses else f"{self.host} can't be resolved"
            reason = f"{happened} within {round(seconds, 2):g} seconds"
        raise NoResponse(reason) from error


class _Exchange:
    """One request and its response; afterwards `response` or `error` is set, or neither when time was up."""

    def __init__(self, endpoint: Endpoint, until: float) -> None:
        self._endpoint, self._until = endpoint, until
        self._connection: HTTPConnection | None = None
        self._socket: socket.socket | None = None
        self._stopped = False
        self.addresses: list[str] = []
        self.response: Response | None = None
        self.error: Exception | None = None

    def run(self, headers: dict[str, str], body: bytes) -> None:
        """Resolve, connect, send and receive."""
        try:
            self.addresses = self._resolved()
            connection = self._connected()
            self._socket = connection.sock
            connection.timeout = self._left()
            self._send(connection, headers, body)
            self._receive(connection)
        except Exception as error:  # noqa: BLE001 - the waiting thread raises it
            self.error = error
        finally:
            if self._connection:
                self._connection.close()

    def stop(self) -> None:
        """End the exchange from another thread: whatever waits for the receiver fails at once."""
        self._stopped = True
        # A connection forgets its socket when the response has no length or says "Connection: close".
        sock = self._socket or (self._connection and self._connection.sock)
        if sock:
            with contextlib.suppress(OSError):  # not connected, or closed already
                sock.shutdown(socket.SHUT_RDWR)

    def _resolved(self) -> list[str]:
        """The addresses of the name. Raises NoResponse if there is none, or if one of them is not allowed."""
        host = self._endpoint.host
        try:
            found = [place[0] for *_, place in self._endpoint.resolve(host, self._endpoint.port, 0, socket.SOCK_STREAM)]
        except (OSError, UnicodeError) as error:
            raise NoResponse(f"{host} can't be resolved: {error}") from error
        if not found:
            raise NoResponse(f"{host} has no address")
        for address in found:
            if not self._endpoint.allow_private and not is_public(address):
                raise NoResponse(f"{host} is the address {address}, which is not public: refused")
        return found

    def _connected(self) -> HTTPConnection:
        """A connection to the first address that accepts one, over TLS if the URL is https."""
        endpoint = self._endpoint
        for address in self.addresses:
            place, seconds = (address, endpoint.port), min(_CONNECT_SECONDS, self._left())
            connection = self._connection = (
                HTTPSConnection(*place, timeout=seconds, ssl_context=endpoint.tls, server_hostname=endpoint.host)
                if endpoint.tls
                else HTTPConnection(*place, timeout=seconds)
            )
            try:
                connection.connect()
                return connection  # noqa: TRY300
            except ssl.SSLCertVerificationError:
                raise  # somebody else answers at this address, which must not go unnoticed
            except (ConnectTimeoutError, NewConnectionError, OSError) as error:
                connection.close()
                failure = error
        raise failure

    def _send(self, connection: HTTPConnection, headers: dict[str, str], body: bytes) -> None:
        connection.response_class = _FinalResponse
        options = {"preload_content": False, "decode_content": False, "enforce_content_length": False}
        # A receiver may answer, 413 for example, and close before it has read the whole body.
        with contextlib.suppress(OSError):
            connection.request("POST", self._endpoint.target, body, {"host": self._endpoint.name, **headers}, **options)

    def _receive(self, connection: HTTPConnection) -> None:
        with contextlib.closing(connection.getresponse()) as received:
            self._read(received)

    def _read(self, received: Any) -> None:
        headers = {name.lower(): value for name, value in received.headers.items()}
        # The status alone is enough: a body that is cut off or too slow does not invalidate it.
        self.response = Response(received.status, headers, b"")
        if received.status not in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED):
            self.response = Response(received.status, headers, received.read(BODY_LIMIT))

    def _left(self) -> float:
        """Seconds that are left. Raises TimeoutError when there are none."""
        left = self._until - time.monotonic()
        if self._stopped or left <= 0:
            raise TimeoutError
        return left


class _FinalResponse(http.client.HTTPResponse):
    """Skips interim responses (RFC 9110, section 15.2), such as 102 Processing and 103 Early Hints.

    http.client, and so urllib3, takes every 1xx except 100 for the final response.
    """

    def begin(self, *positional: Any, **named: Any) -> None:
        super().begin(*positional, **named)
        while 100 <= self.status < 200:
            if self.status == HTTPStatus.SWITCHING_PROTOCOLS:
                raise http.client.HTTPException("101: the receiver switched to another protocol without being asked")
            self.headers = None  # type: ignore[assignment]  # begin() returns at once if headers were read already
            super().begin(*positional, **named)
