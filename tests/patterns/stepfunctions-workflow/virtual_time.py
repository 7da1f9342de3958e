"""An event loop whose time passes at once: when nothing can run, it is as late as the next appointment."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any


class NothingWillHappen(AssertionError):
    """Everything waits, and no appointment will wake it."""


class _Selector(selectors.SelectSelector):
    """Waits for no file; passes the time that the loop would wait."""

    passed = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise NothingWillHappen("everything waits for something that will not happen")
        self.passed += max(timeout, 0)
        return []


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self.selector = _Selector()
        super().__init__(self.selector)

    def time(self) -> float:
        return self.selector.passed

    def call_soon_threadsafe(self, *arguments: Any, **options: Any) -> Any:
        return self.call_soon(*arguments, **options)  # there is one thread


def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine to its end on a loop of its own."""
    loop = VirtualTimeLoop()
    try:
        return loop.run_until_complete(coroutine)
    finally:
        loop.close()
