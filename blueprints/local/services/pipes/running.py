"""Moves what is in a pipe's source to its target, in the pipe's role.

Sources: Amazon EventBridge User Guide, "Amazon EventBridge Pipes batching and concurrency", "Event filtering in Amazon
EventBridge Pipes" and "Permissions for EventBridge Pipes".
"""

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from blueprints.local.base.clients import Caller
from blueprints.local.base.internals import Internal
from blueprints.local.base.stream_source import service_of
from blueprints.local.services import kms
from blueprints.local.services.dynamodb import DynamoDBSource
from blueprints.local.services.iam import RoleNotAssumed, assume_role, may, principal_of
from blueprints.local.services.lambda_ import matching
from blueprints.local.services.pipes.settings import is_complete
from blueprints.local.services.pipes.targets import deliver
from blueprints.local.services.sqs import MOST_AT_ONCE, Message, QueueSource

POLL = Internal("services.pipes", "_poll_pipe", ("_ddb", "pipe", "pipe_account_id"))
DELIVER = Internal("services.pipes", "_deliver_batch", ("pipe", "batch"))

_PIPES = "pipes.amazonaws.com"
# Of one pipe, before the others are looked at.
_MOST_BATCHES = 10

log = logging.getLogger(__name__)

_Pipe = dict[str, Any]
_Event = dict[str, Any]


def install(endpoint: str) -> None:
    """Replace how the base emulator looks at a pipe, and how it delivers records of a stream."""
    poll: Callable[[Any, _Pipe, str], None] = POLL.current()

    def look(dynamodb: Any, pipe: _Pipe, account: str) -> None:
        if not is_complete(pipe):
            return
        if service_of(pipe["Source"]) == "sqs":
            _move_messages(pipe, endpoint)
        else:
            poll(dynamodb, pipe, account)

    POLL.replace(look)
    DELIVER.replace(lambda pipe, batch: _move_records(pipe, batch, endpoint))


def _move_records(pipe: _Pipe, records: list[_Event], endpoint: str) -> bool:
    """Deliver records of a stream; False if they have to stay in it."""
    role = _role(pipe, endpoint)
    if role is None or not _may_read(pipe, role, DynamoDBSource(pipe["Source"]).permissions):
        return False
    events = matching(records, _criteria(pipe))
    return not events or len(_delivered(pipe, role, events)) == len(events)


def _move_messages(pipe: _Pipe, endpoint: str) -> None:
    """Deliver messages of a queue; what is not delivered becomes visible again after the visibility timeout."""
    queue = QueueSource(pipe["Source"])
    for _ in range(_MOST_BATCHES):
        if pipe.get("CurrentState") != "RUNNING" or not queue.has_visible(time.time()):
            return
        role = _role(pipe, endpoint)
        if role is None or not _may_read(pipe, role, [("sqs:ReceiveMessage", queue.arn)]):
            return
        messages = _receive(queue, _batch_size(pipe))
        if not messages:
            return
        _move_batch(pipe, role, queue, messages)


def _move_batch(pipe: _Pipe, role: Caller, queue: QueueSource, messages: list[Message]) -> None:
    """Deliver the messages that the filters let through; delete those that were delivered or excluded."""
    matched = {event["messageId"] for event in matching([each.event for each in messages], _criteria(pipe))}
    batch = [each for each in messages if each.identifier in matched]
    delivered = _delivered(pipe, role, [each.event for each in batch]) if batch else set()
    done = {batch[number].receipt_handle for number in delivered}
    excluded = {each.receipt_handle for each in messages if each.identifier not in matched}
    if _may(pipe, role, "sqs:DeleteMessage", queue.arn):
        queue.delete(done | excluded)


def _receive(queue: QueueSource, limit: int) -> list[Message]:
    received: list[Message] = []
    while len(received) < limit:
        more = queue.receive(min(limit - len(received), MOST_AT_ONCE))
        if not more:
            break
        received += more
    return received


def _delivered(pipe: _Pipe, role: Caller, events: Sequence[_Event]) -> set[int]:
    """The numbers of the events that reached the target."""
    delivered: set[int] = set()
    try:
        for number in deliver(pipe, role, events):
            delivered.add(number)
    except (BotoCoreError, ClientError) as error:
        _report(pipe, f"cannot deliver to {pipe['Target']}: {error}")
    else:
        _report(pipe, "")
    return delivered


def _role(pipe: _Pipe, endpoint: str) -> Caller | None:
    region = str(pipe["Arn"]).split(":")[3]
    try:
        return assume_role(str(pipe.get("RoleArn", "")), _PIPES, str(pipe["Name"]), region, endpoint)
    except RoleNotAssumed as error:
        _report(pipe, str(error))
        return None


def _may_read(pipe: _Pipe, role: Caller, permissions: Iterable[tuple[str, str]]) -> bool:
    """Whether the role may do every action on its resource, and decrypt what is in the source."""
    return all(_may(pipe, role, action, arn) for action, arn in permissions) and _may_decrypt(pipe, role)


def _may(pipe: _Pipe, role: Caller, action: str, arn: str) -> bool:
    allowed = may(role, action, arn)
    if not allowed:
        _report(pipe, f"{pipe['RoleArn']} is not authorized to perform {action} on {arn}")
    return allowed


def _may_decrypt(pipe: _Pipe, role: Caller) -> bool:
    source = str(pipe["Source"])
    encryption = kms.encryption_of(source)
    if encryption is None:
        return True
    try:
        kms.require(principal_of(role.access_key, source.split(":")[4]), encryption, "Decrypt")
    except kms.KeyRefused as refused:
        _report(pipe, f"cannot decrypt {source}: {refused}")
        return False
    return True


def _report(pipe: _Pipe, reason: str) -> None:
    """Describe the pipe with the reason why it moves nothing, and log a new one; an empty reason ends that."""
    if reason and pipe.get("StateReason") != reason:
        log.error("the pipe %s moves nothing: %s", pipe["Name"], reason)
    pipe["StateReason"] = reason


def _criteria(pipe: _Pipe) -> dict[str, Any] | None:
    criteria: dict[str, Any] | None = pipe["SourceParameters"].get("FilterCriteria")
    return criteria


def _batch_size(pipe: _Pipe) -> int:
    return int((pipe["SourceParameters"].get("SqsQueueParameters") or {}).get("BatchSize") or MOST_AT_ONCE)
