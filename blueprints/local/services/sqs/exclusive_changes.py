"""Lets one thread at a time take messages from queues, so that no message is lost, doubled or received twice.

The base emulator removes messages by storing a new list. Requests do this in one thread and event source mappings in
others: without a lock, a message that one of them has deleted comes back in the list that the other one stores.
"""

import threading
from collections.abc import Callable
from typing import Any

from blueprints.local.base.internals import Internal

LOCK = Internal("services.sqs", "_queues_lock")
HANDLERS = Internal("services.sqs", "_HANDLERS")
CHANGES = (
    Internal("services.sqs", "_expire_retained", ("q",)),
    Internal("services.sqs", "_dlq_sweep", ("q",)),
    Internal("services.sqs", "_collect_msgs", ("q", "max_n", "vis_timeout")),
)

_REMOVING = ("DeleteMessage", "DeleteMessageBatch", "PurgeQueue", "ChangeMessageVisibility")


def install() -> None:
    """Guard every function that removes or receives messages with one lock, which a thread may take again."""
    lock = threading.RLock()
    LOCK.replace(lock)
    for each in CHANGES:
        each.replace(_guarded(each.current(), lock))
    handlers = HANDLERS.current()
    for name in _REMOVING:
        handlers[name] = _guarded(handlers[name], lock)


def _guarded(change: Callable[..., Any], lock: threading.RLock) -> Callable[..., Any]:
    def guarded(*arguments: Any) -> Any:
        with lock:
            return change(*arguments)

    return guarded
