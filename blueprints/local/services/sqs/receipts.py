"""Receives messages of a standard queue without a look at all the others, so that a long queue is no slower.

The base emulator completes every message of the queue at every receipt. FIFO queues stay as they are: which groups are
held up is known only from all messages.
"""

import time
from collections.abc import Callable
from typing import Any

from blueprints.local.base.internals import Internal

COLLECT = Internal("services.sqs", "_collect_msgs", ("q", "max_n", "vis_timeout"))
COLLECT_FIFO = Internal("services.sqs", "_collect_fifo", ("q", "max_n", "vis_timeout", "now"))
COMPLETE = Internal("services.sqs", "_ensure_msg_fields", ("m",))
NEW_HANDLE = Internal("services.sqs", "new_uuid", ())

_Message = dict[str, Any]


def install() -> None:
    """Replace the receipt of messages."""
    COLLECT.replace(_collect)


def _collect(q: dict[str, Any], max_n: int, vis_timeout: int) -> list[_Message]:
    now = time.time()
    if q["is_fifo"]:
        fifo: Callable[..., list[_Message]] = COLLECT_FIFO.current()
        return fifo(q, max_n, vis_timeout, now)
    received: list[_Message] = []
    for message in q["messages"]:
        if len(received) == max_n:
            break
        if message.get("visible_at", 0.0) <= now:
            _receive(message, now, now + vis_timeout)
            received.append(message)
    return received


def _receive(message: _Message, now: float, visible_again: float) -> None:
    COMPLETE.current()(message)
    message["receipt_handle"] = NEW_HANDLE.current()()
    message["visible_at"] = visible_again
    message["receive_count"] += 1
    if message["first_receive_at"] is None:
        message["first_receive_at"] = now
