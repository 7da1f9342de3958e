"""The event loop on which executions run: one thread, so that nothing of an execution needs a lock."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Loop:
    """An event loop on a thread of its own, which is started when it is first needed."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._starting = threading.Lock()

    def call(self, function: Callable[..., T], *arguments: Any) -> T:
        """Call a function on the loop, from another thread, and return its result."""

        async def called() -> T:
            return function(*arguments)

        return self.run(called())

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the loop, from another thread, and return its result."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._running()).result()

    def spawn(self, coroutine: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
        """Begin a coroutine, from the loop itself."""
        return self._running().create_task(coroutine)

    def close(self) -> None:
        """End the thread. What still runs is abandoned."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._starting:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=self._loop.run_forever, name="executions", daemon=True).start()
        return self._loop
