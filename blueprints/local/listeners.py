"""Where the embedded AWS answers: on a plain port, and on one with TLS for clients that insist on it."""

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from blueprints.local.base.process import HOST

Application = Callable[[dict[str, Any], Callable[..., Any], Callable[..., Awaitable[None]]], Awaitable[None]]

_NAMES = ("localhost", HOST)

log = logging.getLogger(__name__)


def listen(port: int) -> socket.socket:
    """A listening socket on loopback; port 0 takes a free one. Raises OSError when the port is taken."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((HOST, port))
    listener.listen(1024)
    return listener


async def serve(application: Application, plain: socket.socket, encrypted: socket.socket, authority: Path) -> None:
    """Serve HTTP and WebSockets on both sockets, forever.

    The certificate authority is made at the first connection to the socket with TLS, and its certificate written to
    `authority`; connections wait until then. Its key is never written, so nobody can issue further certificates.
    If that fails, only the socket with TLS is closed.
    """
    await asyncio.gather(_serve(application, plain), _serve_encrypted(application, encrypted, authority))


async def _serve_encrypted(application: Application, listener: socket.socket, authority: Path) -> None:
    await _until_readable(listener)
    try:
        certificate = await asyncio.to_thread(_issue_certificate, authority)
    except Exception:
        log.exception("the port with TLS is closed: its certificate cannot be made")
        listener.close()
        return
    await _serve(application, listener, certificate)


async def _until_readable(listener: socket.socket) -> None:
    """Wait for a connection, without accepting it."""
    loop, connected = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(listener, connected.set)
    try:
        await connected.wait()
    finally:
        loop.remove_reader(listener)


def _issue_certificate(authority: Path) -> Path:
    """Make an authority and a certificate for loopback; returns the file with the certificate and its key."""
    import trustme

    made = trustme.CA()
    issued = authority.with_name("certificate.pem")
    issued.touch(mode=0o600)
    made.issue_cert(*_NAMES).private_key_and_cert_chain_pem.write_to_path(str(issued))
    unfinished = authority.with_suffix(".unfinished")
    made.cert_pem.write_to_path(str(unfinished))
    unfinished.rename(authority)
    return issued


async def _serve(application: Application, listener: socket.socket, certificate: Path | None = None) -> None:
    from hypercorn.asyncio import serve as serve_with_hypercorn
    from hypercorn.config import Config

    config = Config()
    config.bind = [f"fd://{listener.fileno()}"]
    config.keep_alive_timeout = 75
    config.accesslog = None
    if certificate:
        config.certfile = config.keyfile = str(certificate)
        config.alpn_protocols = ["http/1.1"]
    never = asyncio.Event()  # else Hypercorn replaces the process's signal handlers
    await serve_with_hypercorn(application, config, shutdown_trigger=never.wait)  # type: ignore[arg-type]
