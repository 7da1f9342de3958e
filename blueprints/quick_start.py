"""Starts a program in less time: with room for the frames of its calls, and without collecting garbage meanwhile.

CPython (3.11 to 3.13 at least) keeps frames in chunks of 16 KB, which it maps and unmaps as calls cross an edge. An
import that happens to run at an edge crosses it thousands of times, such as when it compiles a regular expression.
"""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")

_SLOTS = 9000  # of 8 bytes, which CPython rounds up to a chunk of 128 KB


def with_room(work: Callable[[], T]) -> T:
    """Call `work` on a chunk of frames that is large enough for most programs."""
    return work()


# A frame this large gets a chunk of its own, and what it leaves of it is for the calls below it.
with_room.__code__ = with_room.__code__.replace(co_stacksize=_SLOTS)


@contextmanager
def without_collecting() -> Iterator[None]:
    """Collect no garbage while modules are imported, and leave out what they made from later collections."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
