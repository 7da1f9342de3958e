"""Gathers messages of a queue until a batch is full or its window is over.

Source: AWS Lambda Developer Guide, "Batching behavior". The caller passes the time.
"""

from collections.abc import Iterable

from blueprints.local.services.lambda_.event_source_mappings.policy import QueuePolicy
from blueprints.local.services.sqs import Message

_ENVELOPE = '{"Records": [%s]}'
_SEPARATOR = ", "


class Gathering:
    """Messages that were received and not sent yet, each once, in the order of their receipt."""

    def __init__(self) -> None:
        self._messages: dict[str, tuple[float, Message]] = {}
        """With the time of their first receipt, by identifier."""
        self._bytes = 0

    def wanted(self, policy: QueuePolicy) -> int:
        """How many more messages the next batch can hold."""
        return 0 if self._bytes >= policy.max_payload else max(0, policy.batch_size - len(self._messages))

    def add(self, messages: Iterable[Message], now: float) -> None:
        """Add received messages. A message that was received again replaces its earlier receipt, which is void."""
        for message in messages:
            first, earlier = self._messages.get(message.identifier, (now, None))
            self._messages[message.identifier] = (first, message)
            self._bytes += _size(message) - (_size(earlier) if earlier else 0)

    def due(self, policy: QueuePolicy) -> float | None:
        """When the next batch is to be sent, in seconds since the epoch; None without messages."""
        if not self._messages:
            return None
        oldest, _ = next(iter(self._messages.values()))
        return oldest + policy.window if self.wanted(policy) else oldest

    def cut(self, policy: QueuePolicy, now: float) -> tuple[Message, ...]:
        """The next batch: as many messages as the batch size and the payload limit allow, and at least one.

        Messages that are visible again by now are left out: they will be received again.
        """
        for _, message in list(self._messages.values()):
            if message.visible_again < now:
                self._drop(message.identifier)
        batch: list[Message] = []
        size = len(_ENVELOPE % "")
        for _, message in self._messages.values():
            size += _size(message)
            if batch and (size > policy.max_payload or len(batch) == policy.batch_size):
                break
            batch.append(message)
        for message in batch:
            self._drop(message.identifier)
        return tuple(batch)

    def take_all(self) -> tuple[Message, ...]:
        """Remove and return every message."""
        messages = tuple(message for _, message in self._messages.values())
        self._messages.clear()
        self._bytes = 0
        return messages

    def _drop(self, identifier: str) -> None:
        if identifier in self._messages:
            self._bytes -= _size(self._messages.pop(identifier)[1])


def payload(messages: Iterable[Message]) -> bytes:
    """The event for a batch, as JSON."""
    return (_ENVELOPE % _SEPARATOR.join(each.text for each in messages)).encode()


def _size(message: Message) -> int:
    return len(message.text) + len(_SEPARATOR)
