"""Synchronous invocations run on threads that are used again."""

import asyncio
import threading
import time
from contextvars import ContextVar

import pytest

from blueprints.local.services.lambda_ import invocation_threads

account = ContextVar("account", default="none")


def test_a_call_has_the_callers_context_and_its_result_or_failure():
    async def play():
        account.set("mine")
        assert await invocation_threads.run(account.get) == "mine"
        with pytest.raises(ZeroDivisionError):
            await invocation_threads.run(lambda: 1 / 0)

    asyncio.run(play())


def test_more_calls_than_processors_wait_for_each_other():
    """A function calls another, which calls the next, each on a thread of its own."""
    together = threading.Barrier(40, timeout=20)

    async def play():
        await asyncio.gather(*(invocation_threads.run(together.wait) for _ in range(40)))

    asyncio.run(play())


def test_who_is_cancelled_goes_on_when_the_call_has_ended():
    """What the call still changes must not be seen as unchanged."""
    ended = []

    def call():
        time.sleep(0.1)
        ended.append(True)

    async def play():
        running = asyncio.ensure_future(invocation_threads.run(call))
        await asyncio.sleep(0.01)
        running.cancel()
        await asyncio.sleep(0)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert ended == [True]

    asyncio.run(play())
