"""The embedded AWS as a process: the base emulator, extended, on one loopback port.

Started by `cloud.Cloud` as `python -m blueprints.local.server FOLDER PORT TIME_SCALE`. It prints one line of JSON: the
port at which it answers, or why it can't start. It lives as long as its standard input is open, so that a parent that
is killed leaves nothing behind: no process, no port, no folder.

What it adds to the base emulator lies in `services/`, one folder per service; see `base.extension`.
"""

import asyncio
import json
import logging
import os
import resource
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from blueprints.local.base.clock import Clock
from blueprints.local.base.deferred_imports import Deferral
from blueprints.local.base.extension import (
    EmbeddedAws,
    Installable,
    Route,
    find_extensions,
    install_all,
    internals_below,
)
from blueprints.local.base.folders import remove
from blueprints.local.base.http import ClientGone, send_response
from blueprints.local.base.internals import IncompatibleEmulator, verify
from blueprints.local.base.process import HOST, RESET_PATH
from blueprints.local.listeners import Application, listen, serve
from blueprints.quick_start import with_room, without_collecting

_LARGE_LIBRARIES = frozenset({"boto3", "docker", "duckdb", "graphql", "jsonata"})

log = logging.getLogger(__name__)


def configure(folder: Path, port: int) -> None:
    """Set what the base emulator reads from its environment when it is imported."""
    temporary = folder / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    os.environ.update(
        AUTH="true",
        BIND_HOST=HOST,  # the default binds every interface
        MINISTACK_HOST=HOST,
        GATEWAY_PORT=str(port),
        IOT_MTLS_ENABLED="0",  # else 0.0.0.0:8883 is bound
        SFTP_ENABLED="0",
        TMPDIR=str(temporary),
        STATE_DIR=str(folder / "state"),
        S3_DATA_DIR=str(folder / "s3"),
        PERSIST_STATE="0",
        LOG_LEVEL=os.environ.get("BLUEPRINTS_LOG_LEVEL", "WARNING"),
        # Never a Docker daemon: what needs one is refused, not tried.
        DOCKER_HOST=f"unix://{folder}/no-docker.sock",
    )


class Server:
    """The base emulator with every extension installed."""

    def __init__(self, folder: Path, port: int, time_scale: float) -> None:
        """Raises IncompatibleEmulator if the base emulator is not the one that the extensions were written for."""
        from blueprints.local import base, services
        from blueprints.local.base import service_models
        from blueprints.local.base.resource_types import REGISTRY

        self._clock = Clock(time_scale)
        self._resetting = asyncio.Lock()
        self._extensions: list[Installable] = find_extensions(services)
        verify((*internals_below(base), *(one for each in self._extensions for one in each.internals)))
        service_models.install()
        aws = EmbeddedAws(folder, f"http://{HOST}:{port}", self._clock)
        self._routes: list[Route] = install_all(self._extensions, aws, REGISTRY.current())

    @property
    def notes(self) -> list[str]:
        """What differs from AWS on this machine, as lines for the user."""
        return [note for each in self._extensions for note in each.extension.notes()]

    def application(self) -> Application:
        """The base emulator's ASGI application, behind the routes of the extensions."""
        from ministack.app import app

        async def application(scope: dict[str, Any], receive: Callable[..., Any], send: Callable[..., Any]) -> None:
            for route in self._routes:
                if scope["type"] == route.protocol and route.takes(scope):
                    with suppress(ClientGone):
                        await route.answer(scope, receive, send)
                    return
            if scope["type"] == "http" and scope["path"] == RESET_PATH and scope["method"] == "POST":
                await self._reset(app, scope, receive, send)
            else:
                await app(scope, receive, send)

        return application

    def close(self) -> None:
        """End everything that the extensions started, the last installed first; a failure stops no other."""
        self._each("close", lambda each: each.extension.close())

    async def _reset(
        self, app: Application, scope: dict[str, Any], receive: Callable[..., Any], send: Callable[..., Any]
    ) -> None:
        """Empty the extensions and then the base emulator, also if an extension fails. Resets wait for each other."""
        answer: list[dict[str, Any]] = []

        async def keep(message: dict[str, Any]) -> None:
            answer.append(message)

        async with self._resetting:
            self._clock.reset()
            failed = await asyncio.to_thread(self._each, "reset", lambda each: each.extension.reset())
            await app(scope, receive, keep)
            self._clock.reset()  # what other requests have begun since the first time
        if failed:
            message = f"Not emptied: {', '.join(failed)}; the log of the embedded AWS says why."
            await send_response(send, 500, message.encode(), {"Content-Type": "text/plain"})
            return
        for each in answer:
            await send(each)

    def _each(self, action: str, do: Callable[[Installable], None]) -> list[str]:
        failed = []
        for each in reversed(self._extensions):
            try:
                do(each)
            except Exception:
                log.exception("%s of %s failed", action, each.name)
                failed.append(each.name)
        return failed


def main() -> None:
    """Serve until standard input ends."""
    folder, port, time_scale = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    _allow_many_files()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole terminal; the parent decides
    try:
        listener = listen(port)
        encrypted = listen(0)
    except OSError as error:
        _refuse(
            f"port {port} on {HOST} can't be used: {error.strerror}",
            "Choose another port with --port, or leave it out to take any free one.",
        )
    port = listener.getsockname()[1]
    configure(folder, port)
    Deferral(_is_rarely_used).install()
    try:
        with without_collecting():
            server = Server(folder, port, time_scale)
            application = server.application()
    except IncompatibleEmulator as error:
        _refuse(str(error), "Install the version of ministack that pyproject.toml names.")

    ending = threading.Lock()

    def end(*_: object) -> None:
        if not ending.acquire(blocking=False):
            return  # another thread, or the code that this signal interrupts, does the following already
        try:
            server.close()
            remove(folder)
        finally:
            os._exit(0)

    authority = folder / "certificate-authority.pem"
    about = {
        "port": port,
        "tls_port": encrypted.getsockname()[1],
        "certificate_authority": str(authority),
        "notes": server.notes,
    }
    signal.signal(signal.SIGTERM, end)
    watch = threading.Thread(target=_end_with_stdin, args=(end,), name="parent-watch", daemon=True)
    watch.start()
    try:
        print(json.dumps(about), flush=True)
        asyncio.run(serve(application, listener, encrypted, authority))
    except Exception as error:
        if isinstance(error, BrokenPipeError) or ending.locked():
            watch.join()  # the parent is gone: that thread removes the folder and ends the process
        raise


def _is_rarely_used(module: str) -> bool:
    """Whether a module is imported only when it is used: large libraries, and most services of the base emulator."""
    package, _, name = module.rpartition(".")
    return module in _LARGE_LIBRARIES or (package == "ministack.services" and name != "cloudformation")


def _allow_many_files() -> None:
    """Every execution environment holds some descriptors, and the usual soft limit is 1,024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard and hard != resource.RLIM_INFINITY:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _end_with_stdin(end: Callable[[], None]) -> None:
    while sys.stdin.buffer.read(4096):
        continue
    end()


def _refuse(reason: str, advice: str) -> NoReturn:
    print(json.dumps({"error": reason, "advice": advice}), flush=True)
    os._exit(1)


if __name__ == "__main__":
    with_room(main)
