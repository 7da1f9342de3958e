"""Reads and deletes messages of a queue for an event source mapping.

Source: AWS Lambda Developer Guide, "Using Lambda with Amazon SQS" (the event); Amazon SQS Developer Guide, "Amazon SQS
visibility timeout" and "Amazon SQS FIFO queue delivery logic".
"""

import json
import time
from collections.abc import Collection, Iterator
from itertools import islice
from typing import Any, NamedTuple

from blueprints.local.base.internals import Internal
from blueprints.local.services.sqs.metrics import record_deleted

QUEUE = Internal("services.sqs", "_queue_by_arn", ("arn",))
LOCK = Internal("services.sqs", "_queues_lock")
EXPIRE = Internal("services.sqs", "_expire_retained", ("q",))
REDRIVE = Internal("services.sqs", "_dlq_sweep", ("q",))
RECEIVE = Internal("services.sqs", "_collect_msgs", ("q", "max_n", "vis_timeout"))
ATTRIBUTES = Internal("services.sqs", "_build_sys_attrs", ("msg", "names"))

MOST_AT_ONCE = 10
"""ReceiveMessage returns no more messages."""

_ACTIONS = ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")
_DEFAULT_VISIBILITY_SECONDS = 30


class Message(NamedTuple):
    """A message as it was received once."""

    identifier: str
    receipt_handle: str
    visible_again: float
    """When other consumers can receive it, in seconds since the epoch."""
    event: dict[str, Any]
    """The record that the function gets."""
    text: str
    """The record as JSON, in ASCII."""


class QueueSource:
    """A queue, by its ARN. Every call looks it up again, because queues come and go."""

    def __init__(self, arn: str) -> None:
        self.arn = arn
        self._region = arn.split(":")[3]

    @property
    def permissions(self) -> tuple[tuple[str, str], ...]:
        """The IAM actions that the execution role needs, each with its resource."""
        return tuple((f"sqs:{action}", self.arn) for action in _ACTIONS)

    @property
    def exists(self) -> bool:
        """Whether the queue exists."""
        return self._queue() is not None

    @property
    def is_fifo(self) -> bool:
        """Whether messages are received in the order of their group."""
        return self.arn.endswith(".fifo")

    @property
    def visibility_timeout(self) -> int:
        """Seconds in which a received message is hidden from other consumers."""
        queue = self._queue() or {"attributes": {}}
        return int(queue["attributes"].get("VisibilityTimeout", _DEFAULT_VISIBILITY_SECONDS))

    def has_visible(self, now: float) -> bool:
        """Whether there is a message that no consumer has received, or whose visibility timeout is over."""
        return any(each["visible_at"] <= now for each in self._messages())

    def next_visible(self, now: float) -> float | None:
        """When the next hidden or delayed message becomes visible, in seconds since the epoch; None without any."""
        return min((each["visible_at"] for each in self._messages() if each["visible_at"] > now), default=None)

    def receive(self, limit: int) -> list[Message]:
        """Receive up to `limit` visible messages; those received too often go to the dead-letter queue instead."""
        queue = self._queue()
        if queue is None:
            return []
        with LOCK.current():
            EXPIRE.current()(queue)
            REDRIVE.current()(queue)
            received = RECEIVE.current()(queue, min(limit, MOST_AT_ONCE), self.visibility_timeout)
            return [self._message(each) for each in received]

    def delete(self, handles: Collection[str]) -> int:
        """Delete messages by their receipt handles; returns how many were deleted.

        A handle is void once the message was received again, and in FIFO queues once the visibility timeout is over.
        """
        queue = self._queue()
        if queue is None or not handles:
            return 0
        with LOCK.current():
            gone = list(islice(self._with_handles(queue["messages"], handles), len(handles)))
            for each in gone:
                queue["messages"].remove(each)  # in place: other threads append to this list
        record_deleted(self.arn, len(gone))
        return len(gone)

    def put_back(self, handles: Collection[str]) -> None:
        """Undo the receipt of messages that no function was given, as if they had never been received."""
        with LOCK.current():
            for each in self._messages():
                if each.get("receipt_handle") in handles:
                    each["visible_at"] = time.time()
                    each["receive_count"] -= 1

    def _with_handles(self, messages: list[dict[str, Any]], handles: Collection[str]) -> Iterator[dict[str, Any]]:
        now = time.time()
        for each in messages:
            if each.get("receipt_handle") in handles and (not self.is_fifo or each["visible_at"] > now):
                yield each

    def _queue(self) -> dict[str, Any] | None:
        queue: dict[str, Any] | None = QUEUE.current()(self.arn)
        return queue

    def _messages(self) -> list[dict[str, Any]]:
        return list((self._queue() or {"messages": ()})["messages"])

    def _message(self, stored: dict[str, Any]) -> Message:
        event = self._event(stored)
        return Message(stored["id"], stored["receipt_handle"], stored["visible_at"], event, json.dumps(event))

    def _event(self, stored: dict[str, Any]) -> dict[str, Any]:
        attributes = stored.get("message_attributes") or {}
        event = {
            "messageId": stored["id"],
            "receiptHandle": stored["receipt_handle"],
            "body": stored["body"],
            "attributes": ATTRIBUTES.current()(stored, ["All"]),
            "messageAttributes": {name: _attribute(each) for name, each in attributes.items()},
            "md5OfBody": stored["md5_body"],
            "eventSource": "aws:sqs",
            "eventSourceARN": self.arn,
            "awsRegion": self._region,
        }
        return {**event, "md5OfMessageAttributes": stored["md5_attrs"]} if stored.get("md5_attrs") else event


def _attribute(stored: dict[str, Any]) -> dict[str, Any]:
    """A message attribute with the names that events have, such as `stringValue`."""
    named = {name[:1].lower() + name[1:]: value for name, value in stored.items()}
    return {"stringListValues": [], "binaryListValues": [], **named}
