"""Events that wait in a dead-letter queue."""

import json
from collections.abc import Callable, Generator
from contextlib import suppress
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from blueprints_shared.replay.invocation import NotReplayed
from blueprints_shared.stack_command import CommandFailed

__all__ = ["DeadLetter", "DeadLetters"]

HIDDEN = 120  # seconds for which a received message is hidden from other readers
PER_CALL = 10  # messages that one call to SQS takes at most


class DeadLetters:
    """The events in a queue; `handle` hands one to its function, and raises NotReplayed if that fails.

    `describe` says what an event is, for people; without it, its kind and time are shown.
    EventBridge puts an event into the queue as it is, Lambda puts it into a record of the failed invocation.
    """

    holds = "event"
    total = None

    def __init__(
        self,
        sqs: Any,
        url: str,
        handle: Callable[[dict[str, Any]], object],
        describe: Callable[[dict[str, Any]], str] | None = None,
    ) -> None:
        self.sqs, self.url, self.handle = sqs, url, handle
        self.kind_of = describe or _kind_of

    def __iter__(self) -> Generator["DeadLetter", None, None]:
        """Read each message once. At the end, those that are left can be received again at once.

        Raises CommandFailed if there are messages, but all are hidden because someone else is reading them.
        """
        found: dict[str, DeadLetter] = {}
        # Messages that are left reappear while others take long. After a whole round of known ones, none is new.
        since_new = 0
        try:
            while since_new <= len(found):
                messages = self._receive()
                if not messages:
                    if not found:
                        self._check_hidden()
                    return
                letters = {each["MessageId"]: DeadLetter(self, each) for each in messages}
                new = {each: letter for each, letter in letters.items() if each not in found}
                for each in letters.keys() - new.keys():
                    found[each].receipt = letters[each].receipt
                found |= new
                since_new = 0 if new else since_new + len(letters)
                yield from new.values()
        finally:
            self._give_back([each.receipt for each in found.values() if not each.gone])

    def _receive(self) -> list[dict[str, Any]]:
        answer = self.sqs.receive_message(
            QueueUrl=self.url,
            MaxNumberOfMessages=PER_CALL,
            VisibilityTimeout=HIDDEN,
            WaitTimeSeconds=1,
            MessageAttributeNames=["ERROR_CODE", "ERROR_MESSAGE"],
        )
        return answer.get("Messages") or []

    def _check_hidden(self) -> None:
        """Raise CommandFailed if a queue that gives no message has hidden ones, as far as one may count them."""
        counter = "ApproximateNumberOfMessagesNotVisible"
        try:
            answer = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=[counter])
        except ClientError:
            return
        hidden = int(answer.get("Attributes", {}).get(counter, 0))
        if hidden:
            raise CommandFailed(
                f"about {hidden} message{'' if hidden == 1 else 's'} of the queue cannot be received now, because "
                f"someone else is reading them, or was until a moment ago; start again in {HIDDEN // 60} minutes"
            )

    def _give_back(self, receipts: list[str]) -> None:
        """Make messages visible to the next reader. They reappear after HIDDEN seconds if this fails."""
        for at in range(0, len(receipts), PER_CALL):
            entries = [
                {"Id": str(number), "ReceiptHandle": receipt, "VisibilityTimeout": 0}
                for number, receipt in enumerate(receipts[at : at + PER_CALL])
            ]
            with suppress(BotoCoreError, ClientError):
                self.sqs.change_message_visibility_batch(QueueUrl=self.url, Entries=entries)


class DeadLetter:
    """One message of the queue. `gone` is whether it was removed."""

    def __init__(self, queue: DeadLetters, message: dict[str, Any]) -> None:
        self._queue, self._body = queue, message["Body"]
        self._attributes = message.get("MessageAttributes") or {}
        self.name: str = message["MessageId"]
        self.receipt: str = message["ReceiptHandle"]
        self.gone = False

    def describe(self) -> str:
        """The kind of event, and why it is here."""
        return f"{self._queue.kind_of(self.event())} ({self._reason()})"

    def count(self) -> int:
        """One event, if the message can be read."""
        self.event()
        return 1

    def replay(self) -> None:
        """Hand the event to its function, then delete the message."""
        self._queue.handle(self.event())
        try:
            self._queue.sqs.delete_message(QueueUrl=self._queue.url, ReceiptHandle=self.receipt)
        except (BotoCoreError, ClientError) as error:
            raise NotReplayed(f"handled, but not removed: {error}") from error
        self.gone = True

    def _record(self) -> dict[str, Any]:
        """The content of the message: the event or the record of a failed invocation."""
        try:
            content = json.loads(self._body)
        except (ValueError, RecursionError):
            content = None
        if not isinstance(content, dict):
            raise NotReplayed("it is no event, so neither EventBridge nor Lambda wrote it; look at it yourself")
        return content

    def event(self) -> dict[str, Any]:
        """The event. Raises NotReplayed if the message holds none."""
        record = self._record()
        event = record.get("requestPayload", record)
        if not isinstance(event, dict):
            raise NotReplayed("it holds no event, so neither EventBridge nor Lambda wrote it; look at it yourself")
        return event

    def _reason(self) -> str:
        """Lambda writes the reason into the record, EventBridge into attributes, Step Functions into the event."""
        record = self._record()
        context, answer, detail = (record.get(name) for name in ("requestContext", "responsePayload", "detail"))
        stopped = detail if record.get("source") == "aws.states" and isinstance(detail, dict) else {}
        reasons = [
            context.get("condition") if isinstance(context, dict) else None,
            answer.get("errorMessage") if isinstance(answer, dict) else None,
            *(self._attributes.get(name, {}).get("StringValue") for name in ("ERROR_CODE", "ERROR_MESSAGE")),
            *(stopped.get(name) for name in ("error", "cause")),
        ]
        return ": ".join(str(reason) for reason in reasons if reason) or "no reason given"


def _kind_of(event: dict[str, Any]) -> str:
    kind = f"{event.get('detail-type', 'event')} of {event.get('source', 'an unknown source')}"
    return f"{kind} at {event['time']}" if "time" in event else kind
