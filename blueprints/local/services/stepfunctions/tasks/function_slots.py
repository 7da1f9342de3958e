"""How many functions Task states run at the same time: on this machine each is a process.

A Map over thousands of items would start as many processes as it has items. Tasks wait here before they begin, so that
the wait counts in none of their time limits; in those of the execution it counts in real seconds.
"""

import asyncio
import os
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from blueprints.local.services.stepfunctions.execution.elapsed_time import in_real_time

AT_ONCE = max(8, 4 * (os.cpu_count() or 2))
_PATIENCE = 5.0
"""The real seconds without the end of a function after which one more runs: the others may wait for it."""


class FunctionSlots:
    """Slots that functions take; used from the loop on which executions run."""

    def __init__(self, slots: int = AT_ONCE, patience: float = _PATIENCE) -> None:
        self._free = slots
        self._patience = patience
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._watch: asyncio.TimerHandle | None = None

    @asynccontextmanager
    async def take(self) -> AsyncIterator[None]:
        """Wait for a slot, and give it back in the end."""
        if self._free > 0:
            self._free -= 1
        else:
            await self._wait()
        try:
            yield
        finally:
            self._free += 1
            self._go_on()

    async def _wait(self) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        if self._watch is None:
            self._watch_for_a_standstill()
        try:
            with in_real_time():
                await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # it got a slot and will not use it
                self._free += 1
                self._go_on()
            raise

    def _go_on(self) -> None:
        """Hand free slots to those that wait longest."""
        while self._free > 0 and self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                self._free -= 1
                turn.set_result(None)
        self._watch_for_a_standstill()

    def _watch_for_a_standstill(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        if self._waiting:
            self._watch = asyncio.get_running_loop().call_later(self._patience, self._let_one_more_run)

    def _let_one_more_run(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                self._free -= 1  # below zero: the next function to end gives its slot to nobody
                turn.set_result(None)
                break
        self._watch_for_a_standstill()
