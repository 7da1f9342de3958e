"""Runs synchronous invocations on threads that are used again.

The base emulator starts a thread for each, and its event loop waits until the thread runs, which takes a third of the
time of a short invocation.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import Any

from blueprints.local.base.internals import Internal

RUN = Internal("services.lambda_svc", "run_reentrant", ("fn", "args", "thread_name"))

# Functions call others, and must not wait for the threads of each other: an account runs 1,000 at once at most.
_AT_ONCE = 2000

_threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="invocation")


def install() -> None:
    """Replace the base emulator's way of running what may call the embedded AWS."""
    RUN.replace(run)


async def run(fn: Callable[..., Any], *args: Any, thread_name: str = "") -> Any:  # noqa: ARG001 - the internal's
    """Call a function on a thread, in the caller's context. Who is cancelled goes on when the call has ended."""
    running = asyncio.get_running_loop().run_in_executor(_threads, partial(copy_context().run, fn, *args))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await _until_done(running)
        raise


async def _until_done(running: "asyncio.Future[Any]") -> None:
    while not running.done():
        try:
            await asyncio.wait([running])
        except asyncio.CancelledError:
            continue
