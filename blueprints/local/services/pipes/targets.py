"""Delivers events of a pipe to its target, with the permissions of the pipe's role."""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from blueprints.local.base.clients import Caller, send
from blueprints.local.base.internals import Internal
from blueprints.local.base.stream_source import service_of
from blueprints.local.services.lambda_ import failed_messages

START_MACHINE = Internal("services.pipes", "_start_state_machine_from_records", ("sm_arn", "pipe", "records"))

_AS_EVENT = "FIRE_AND_FORGET"
_LONGEST_INVOCATION_SECONDS = 910


def deliver(pipe: dict[str, Any], role: Caller, events: Sequence[dict[str, Any]]) -> Iterable[int]:
    """Deliver events; yields the number of each one that the target has taken.

    Raises botocore's ClientError when the target refuses. A state machine and a function get a batch as a list, a queue
    and a topic get each event as a message.
    """
    target = str(pipe["Target"])
    match service_of(target):
        case "states":
            return range(len(events)) if START_MACHINE.current()(target, pipe, list(events)) else ()
        case "lambda":
            return _invoke(pipe, role, events)
        case _:
            return _send(target, role, events)


def _send(target: str, role: Caller, events: Iterable[dict[str, Any]]) -> Iterator[int]:
    for number, event in enumerate(events):
        send(role, target, json.dumps(event), {})
        yield number


def _invoke(pipe: dict[str, Any], role: Caller, events: Sequence[dict[str, Any]]) -> Iterable[int]:
    """Invoke a function, and wait for its response unless the pipe says otherwise; it may report failed events."""
    parameters = pipe["TargetParameters"].get("LambdaFunctionParameters") or {}
    waits = parameters.get("InvocationType") != _AS_EVENT
    answer = role.client("lambda", attempts=1, seconds=_LONGEST_INVOCATION_SECONDS).invoke(
        FunctionName=pipe["Target"],
        InvocationType="RequestResponse" if waits else "Event",
        Payload=json.dumps(list(events)).encode(),
    )
    if not waits:
        return range(len(events))
    identifiers = [_identifier(event) for event in events]
    result = {"error": "FunctionError" in answer, "body": _parsed(answer["Payload"].read())}
    failed = failed_messages(result, identifiers, partial_responses=True)
    return [number for number, identifier in enumerate(identifiers) if identifier not in failed]


def _identifier(event: dict[str, Any]) -> str:
    """What a response names an event by: the message's id, or the sequence number of a stream's record."""
    return str(event.get("messageId") or (event.get("dynamodb") or {}).get("SequenceNumber"))


def _parsed(payload: bytes) -> Any:
    try:
        return json.loads(payload)
    except ValueError:
        return payload.decode(errors="replace")
