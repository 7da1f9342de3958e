"""How many functions Task states run at the same time."""

import asyncio
from collections.abc import Awaitable, Callable

from blueprints.local.services.stepfunctions.tasks.function_slots import FunctionSlots


class Runs:
    """Work that takes a slot and waits until it is let go."""

    def __init__(self, slots: FunctionSlots) -> None:
        self._slots = slots
        self.running: list[int] = []
        self.most = 0
        self.go_on = asyncio.Event()

    async def work(self, number: int) -> None:
        async with self._slots.take():
            self.running.append(number)
            self.most = max(self.most, len(self.running))
            try:
                await self.go_on.wait()
            finally:
                self.running.remove(number)


def run(test: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(test(), 20))


def test_tasks_without_a_slot_wait():
    async def test() -> None:
        runs = Runs(FunctionSlots(2))
        tasks = [asyncio.ensure_future(runs.work(number)) for number in range(20)]
        await asyncio.sleep(0)
        assert runs.running == [0, 1]
        runs.go_on.set()
        await asyncio.gather(*tasks)
        assert runs.most == 2

    run(test)


def test_a_cancelled_task_gives_its_slot_back():
    async def test() -> None:
        runs = Runs(FunctionSlots(1))
        tasks = [asyncio.ensure_future(runs.work(number)) for number in range(4)]
        await asyncio.sleep(0)
        tasks[1].cancel()  # it waits
        tasks[0].cancel()  # it runs
        tasks[2].cancel()  # it gets the slot, perhaps, and is cancelled before it takes it
        await asyncio.sleep(0.01)
        assert runs.running == [3]
        runs.go_on.set()
        await asyncio.gather(*tasks, return_exceptions=True)
        async with asyncio.timeout(1), runs._slots.take():
            pass

    run(test)


def test_when_nothing_ends_one_more_runs():
    """A function may wait for an execution that has to run a function."""

    async def test() -> None:
        runs = Runs(FunctionSlots(1, patience=0.02))
        tasks = [asyncio.ensure_future(runs.work(number)) for number in range(3)]
        while len(runs.running) < 3:
            await asyncio.sleep(0.005)
        runs.go_on.set()
        await asyncio.gather(*tasks)
        # Afterwards there are as many slots as before.
        runs.go_on.clear()
        more = [asyncio.ensure_future(runs.work(number)) for number in range(2)]
        await asyncio.sleep(0)
        assert len(runs.running) == 1
        runs.go_on.set()
        await asyncio.gather(*more)

    run(test)
