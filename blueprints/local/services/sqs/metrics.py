"""Records the metrics of AWS/SQS about messages that are sent, received and deleted, by queue.

The numbers of messages that a queue holds are sampled by CloudWatch's extension.
Source: Amazon SQS Developer Guide, "Available CloudWatch metrics for Amazon SQS".
"""

from collections.abc import Awaitable, Callable
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.base.metrics import Value, record, scope_of

HANDLERS = Internal("services.sqs", "_HANDLERS")
QUEUE = Internal("services.sqs", "_get_q", ("url", "action"))
RECEIVE = Internal("services.sqs", "_collect_msgs", ("q", "max_n", "vis_timeout"))

_Data = dict[str, Any]
_Handler = Callable[[_Data, str], _Data]


def install() -> None:
    """Record requests, and what event source mappings receive."""
    handlers, receive = HANDLERS.current(), RECEIVE.current()

    def received(q: dict[str, Any], max_n: int, vis_timeout: int) -> list[dict[str, Any]]:
        messages: list[dict[str, Any]] = receive(q, max_n, vis_timeout)
        if messages:
            _record(str(q["attributes"]["QueueArn"]), ("NumberOfMessagesReceived", len(messages), "Count"))
        return messages

    RECEIVE.replace(received)
    handlers["SendMessage"] = _recording(handlers["SendMessage"], lambda data, _: sent(data["MessageBody"]))
    handlers["SendMessageBatch"] = _recording(handlers["SendMessageBatch"], _of_sent_batch)
    handlers["DeleteMessage"] = _recording(handlers["DeleteMessage"], lambda *_: deleted(1))
    handlers["DeleteMessageBatch"] = _recording(
        handlers["DeleteMessageBatch"], lambda _, answer: deleted(len(answer.get("Successful") or ()))
    )
    handlers["ReceiveMessage"] = _recording_empty(handlers["ReceiveMessage"])


def record_sent(queue_arn: str, body: str) -> None:
    """Record a message that another service has put into a queue."""
    _record(queue_arn, *sent(body))


def record_deleted(queue_arn: str, number: int) -> None:
    """Record that an event source mapping has deleted messages."""
    _record(queue_arn, *deleted(number))


def sent(body: str) -> list[Value]:
    """The values of a message that was sent."""
    return [("NumberOfMessagesSent", 1.0, "Count"), ("SentMessageSize", len(body.encode()), "Bytes")]


def deleted(number: int) -> list[Value]:
    """The values of messages that were deleted; none without messages."""
    return [("NumberOfMessagesDeleted", number, "Count")] if number else []


def _of_sent_batch(data: _Data, answer: _Data) -> list[Value]:
    taken = {each["Id"] for each in answer.get("Successful") or ()}
    bodies = [each["MessageBody"] for each in data.get("Entries") or () if each["Id"] in taken]
    return [value for body in bodies for value in sent(body)]


def _recording(handle: _Handler, values: Callable[[_Data, _Data], list[Value]]) -> _Handler:
    def recorded(data: _Data, queue_url: str) -> _Data:
        arn = _arn(data, queue_url)
        answer = handle(data, queue_url)
        _record(arn, *values(data, answer))
        return answer

    return recorded


def _recording_empty(handle: Callable[[_Data, str], Awaitable[_Data]]) -> Callable[[_Data, str], Awaitable[_Data]]:
    async def recorded(data: _Data, queue_url: str) -> _Data:
        arn = _arn(data, queue_url)
        answer = await handle(data, queue_url)
        if not answer.get("Messages"):
            _record(arn, ("NumberOfEmptyReceives", 1.0, "Count"))
        return answer

    return recorded


def _arn(data: _Data, queue_url: str) -> str:
    """The ARN of the queue that a request is for, which may be deleted while the request waits for messages."""
    return str(QUEUE.current()(data.get("QueueUrl", queue_url))["attributes"]["QueueArn"])


def _record(queue_arn: str, *values: Value) -> None:
    record("AWS/SQS", [{"QueueName": queue_arn.rpartition(":")[2]}], values, scope_of(queue_arn))
