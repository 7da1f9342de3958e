"""Sends one POST, with limits on its addresses, its time and the size of the response.

The receiver's name is resolved once, all its addresses must be public, and the connection goes to one of them, so a
later change of the name has no effect. Redirects are not followed, and the environment's proxies are not used. Any
number of interim responses (1xx) before the final one is skipped.

http.client, and so urllib3, takes every 1xx except 100 for the final response.
"""

import contextlib
import http.client
import ipaddress
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLate
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

__all__ = ["Answer", "NoAnswer", "Poster"]

SECONDS = 10.0  # for one attempt, the resolution of the name included
BODY_LIMIT = 64 * 1024
_CONNECT_SECONDS = 3.0
# IPv4 addresses within IPv6 ones (NAT64): what counts is the address inside.
_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")
_UNICAST = ipaddress.ip_network("2000::/3")  # beyond it nothing is routed on the internet
_DOCUMENTATION = ipaddress.ip_network("3fff::/20")  # which ipaddress learnt of late
_PRINTABLE = re.compile(r"[!-~]+")
_HOST = re.compile(r"[A-Za-z0-9._:-]+")

_Address = tuple[socket.AddressFamily, str]


class NoAnswer(Exception):
    """There was no answer: refused, unreachable, too late, or a place where requests must not go."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the receiver said: `headers` by names in lower case, of the body 64 KB at most."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class Poster:
    """Posts to one URL; `allow_private` lets it be a private address, and plain HTTP."""

    url: str
    allow_private: bool
    seconds: float = SECONDS
    resolve: Callable[..., list[Any]] = socket.getaddrinfo
    _host: str = field(init=False)
    _port: int = field(init=False)
    _target: str = field(init=False)
    _context: ssl.SSLContext | None = field(init=False)

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        allowed = ("https", "http") if self.allow_private else ("https",)
        plain = _PRINTABLE.fullmatch(self.url) and "@" not in parts.netloc and "#" not in self.url
        if not plain or parts.scheme not in allowed or not _HOST.fullmatch(parts.hostname or ""):
            raise ValueError(
                f"the webhook's URL must be {' or '.join(allowed)}://host/… in ASCII, without user or fragment"
            )
        assert parts.hostname
        self._host = parts.hostname
        self._port = parts.port or (443 if parts.scheme == "https" else 80)
        self._target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._context = ssl.create_default_context() if parts.scheme == "https" else None

    def post(self, headers: dict[str, str], body: bytes, deadline: float) -> Answer:
        """Post, and be done by `deadline` (of time.monotonic) or within `seconds`. Raises NoAnswer."""
        until = min(deadline, time.monotonic() + self.seconds)
        connection = _Connection(self._host, self._port, self._resolved(until), self._context)
        # Bounds the whole exchange: a time-out of the socket alone starts anew with every byte that drips in.
        watch = threading.Timer(max(0.0, until - time.monotonic()), connection.break_off)
        watch.daemon = True
        watch.start()
        try:
            connection.connect()
            # A receiver may answer, 413 for example, and close before it has read the whole body.
            with contextlib.suppress(OSError):
                connection.request("POST", self._target, body, headers)
            response = connection.getresponse()
            headers_said = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, headers_said, _beginning(response))
        except (OSError, http.client.HTTPException) as error:
            late = f"nothing came within {self.seconds:g} seconds: " if time.monotonic() >= until else ""
            raise NoAnswer(f"{late}{type(error).__name__}: {error}") from error
        finally:
            watch.cancel()
            connection.close()

    def _resolved(self, until: float) -> list[_Address]:
        """The addresses to connect to, the first that answers; all that the name has must be allowed."""
        pool = ThreadPoolExecutor(1)  # the resolver knows no time-out
        try:
            found = pool.submit(self.resolve, self._host, self._port, 0, socket.SOCK_STREAM).result(
                max(0.0, until - time.monotonic())
            )
        except (OSError, UnicodeError, TooLate) as error:
            raise NoAnswer(f"{self._host} can't be resolved: {error or 'too late'}") from error
        finally:
            pool.shutdown(wait=False)
        if not found:
            raise NoAnswer(f"{self._host} has no address")
        if not self.allow_private:
            for _, _, _, _, (address, *_) in found:
                if not is_public(address):
                    raise NoAnswer(f"{self._host} is the address {address}, which is not public: refused")
        return [(family, address) for family, _, _, _, (address, *_) in found]


def _beginning(response: http.client.HTTPResponse) -> bytes:
    """The body's first bytes. The status has said it all: a body that is cut off or too slow takes nothing back."""
    if response.length == 0:
        return b""  # a 204 has no body, whatever its headers say
    try:
        return response.read(BODY_LIMIT)
    except (OSError, http.client.HTTPException, ValueError):
        return b""


def is_public(text: str) -> bool:
    """Whether an address is one of the public internet, IPv4 addresses within IPv6 ones included."""
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if address in _TRANSLATED:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
        if address not in _UNICAST or address in _DOCUMENTATION:
            return False
    return address.is_global and not address.is_multicast


class _FinalResponse(http.client.HTTPResponse):
    """Skips interim responses (RFC 9110, section 15.2), such as 102 Processing and 103 Early Hints."""

    def begin(self, *positional: Any, **named: Any) -> None:
        super().begin(*positional, **named)
        while 100 <= self.status < 200:
            if self.status == http.HTTPStatus.SWITCHING_PROTOCOLS:
                raise http.client.HTTPException("101: the receiver switched to another protocol without being asked")
            self.headers = None  # type: ignore[assignment]  # begin() returns at once if headers were read already
            super().begin(*positional, **named)


class _Connection(http.client.HTTPConnection):
    """A connection to the first of some addresses that answers, under the name that its certificate has to be for."""

    response_class = _FinalResponse

    def __init__(self, host: str, port: int, addresses: list[_Address], context: ssl.SSLContext | None) -> None:
        super().__init__(host, port)
        self._addresses, self._context = addresses, context
        self._raw: socket.socket | None = None
        self._broken = False
        if context:
            self.default_port = 443

    def connect(self) -> None:
        self._raw = self._connected()
        self._raw.settimeout(SECONDS)
        self.sock = self._raw
        if self._context:
            # The handshake comes after, so that the watch can end that too.
            wrapped = self._context.wrap_socket(self._raw, server_hostname=self.host, do_handshake_on_connect=False)
            self.sock = wrapped
        # Asked once the watch can see the socket: from here on it can end whatever this waits for.
        if self._broken:
            raise TimeoutError("too late")
        if self._context:
            self.sock.do_handshake()

    def _connected(self) -> socket.socket:
        failure = OSError("no address")
        for family, address in self._addresses:
            try:
                self._raw = raw = socket.socket(family, socket.SOCK_STREAM)
                raw.settimeout(_CONNECT_SECONDS)
                raw.connect((address, self.port))
            except OSError as error:
                failure = error
                if self._raw:
                    self._raw.close()
            else:
                return raw
            if self._broken:
                break
        raise failure

    def break_off(self) -> None:
        """End the exchange from another thread: whatever waits for the receiver fails at once."""
        self._broken = True
        for each in (self.sock, self._raw):
            if each is not None:
                try:
                    each.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue  # not connected, or over already
