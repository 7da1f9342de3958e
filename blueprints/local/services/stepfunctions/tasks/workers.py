"""Threads for calls that block."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

Result = TypeVar("Result")

CALLS_AT_ONCE = 64
_WAITING_AT_ONCE = 1000


class Workers:
    """Two bounded pools of threads.

    A call that waits for an execution or a function has a pool of its own: what it waits for may need a thread too, and
    would never get one that is taken by those who wait.
    """

    def __init__(self) -> None:
        self._calls = ThreadPoolExecutor(CALLS_AT_ONCE, thread_name_prefix="task-call")
        self._waiting = ThreadPoolExecutor(_WAITING_AT_ONCE, thread_name_prefix="task-wait")

    async def run(self, call: Callable[[], Result], *, waits: bool = False) -> Result:
        """Make a call on a thread, in the context of the caller, who may be cancelled before its end."""
        pool = self._waiting if waits else self._calls
        return await asyncio.get_running_loop().run_in_executor(pool, copy_context().run, call)

    def start(self, call: Callable[[], object]) -> None:
        """Make a call on a thread without waiting for it."""
        self._calls.submit(copy_context().run, call)

    def close(self) -> None:
        """Accept no calls any more; those under way end by themselves."""
        for pool in (self._calls, self._waiting):
            pool.shutdown(wait=False, cancel_futures=True)
