"""Awaits invocations of functions from threads that block, such as those of requests."""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any

from blueprints.local.services.lambda_ import LambdaResponse


class FunctionCalls:
    """A thread that awaits invocations, started with the first one."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._starting = threading.Lock()

    def run(self, invocation: Coroutine[Any, Any, LambdaResponse], seconds: float) -> LambdaResponse:
        """The response of a function, in time. Raises TimeoutError of `concurrent.futures`.

        A function that is too slow runs on to its own timeout, as on AWS.
        """
        with self._starting:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=self._loop.run_forever, name="appsync functions", daemon=True).start()
        return asyncio.run_coroutine_threadsafe(invocation, self._loop).result(seconds)

    def close(self) -> None:
        """End the thread. Invocations under way are abandoned."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
