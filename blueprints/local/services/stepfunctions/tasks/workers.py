"""Threads for calls that block."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

Result = TypeVar("Result")

# A parent waits in none of them while its children run: more calls than this only queue.
_AT_ONCE = 64


class Workers:
    """A bounded pool of threads."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="task-call")

    async def run(self, call: Callable[[], Result]) -> Result:
        """Make a call on a thread, in the context of the caller. Who is cancelled does not wait for its end."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, copy_context().run, call)

    def start(self, call: Callable[[], object]) -> None:
        """Make a call on a thread without waiting for it."""
        self._pool.submit(copy_context().run, call)

    def close(self) -> None:
        """Accept no calls any more; those under way end by themselves."""
        self._pool.shutdown(wait=False, cancel_futures=True)
