"""Threads for calls that block."""

import asyncio
import threading

from blueprints.local.services.stepfunctions.tasks.sdk_calls import sdk_operation
from blueprints.local.services.stepfunctions.tasks.workers import CALLS_AT_ONCE, Workers


def test_calls_that_wait_keep_no_thread_from_what_they_wait_for():
    """A child execution needs a thread for its calls while its parents wait for it."""
    workers, may_end = Workers(), threading.Event()

    async def play():
        waiting = [asyncio.ensure_future(workers.run(may_end.wait, waits=True)) for _ in range(2 * CALLS_AT_ONCE)]
        await asyncio.wait_for(workers.run(may_end.set), 20)
        return await asyncio.gather(*waiting)

    assert all(asyncio.run(play()))
    workers.close()


def test_who_is_cancelled_does_not_wait_for_the_calls_end():
    workers, may_end = Workers(), threading.Event()

    async def play():
        running = asyncio.ensure_future(workers.run(may_end.wait))
        await asyncio.sleep(0)
        running.cancel()
        await asyncio.wait_for(asyncio.gather(running, return_exceptions=True), 5)

    asyncio.run(play())
    may_end.set()
    workers.close()


def test_which_calls_wait():
    for service, action in (("sfn", "startSyncExecution"), ("lambda", "invoke")):
        assert sdk_operation(service, action).waits
    for service, action in (("sfn", "startExecution"), ("sqs", "sendMessage")):
        assert not sdk_operation(service, action).waits
