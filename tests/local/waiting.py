"""Waits for an outcome by polling, never for a fixed time."""

import json
import time
from collections.abc import Callable
from typing import Any


def until(look: Callable[[], Any], seconds: float = 15.0) -> Any:
    """The first truthy thing `look` returns; fails with what it saw last."""
    deadline = time.monotonic() + seconds
    while True:
        seen = look()
        if seen:
            return seen
        assert time.monotonic() < deadline, f"not within {seconds} s; last seen: {seen!r}"
        time.sleep(0.02)


def messages(cloud: Any, queue_url: str, at_least: int = 1, seconds: float = 15.0) -> list[dict[str, Any]]:
    """Receive and remove messages, with bodies parsed and attributes flat, until there are that many."""
    sqs = cloud.client("sqs")
    received: list[dict[str, Any]] = []

    def enough() -> bool:
        answer = sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10, MessageAttributeNames=["All"])
        for message in answer.get("Messages", []):
            sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
            attributes = {name: value["StringValue"] for name, value in message.get("MessageAttributes", {}).items()}
            received.append({"body": json.loads(message["Body"]), "attributes": attributes})
        return len(received) >= at_least

    until(enough, seconds)
    return received


def printed(cloud: Any, function: str) -> list[str]:
    """All a function logged so far, line by line; nothing as long as it did not run."""
    logs = cloud.client("logs")
    try:
        events = logs.filter_log_events(logGroupName=f"/aws/lambda/{function}")["events"]
    except logs.exceptions.ResourceNotFoundException:
        return []
    return [event["message"] for event in events]
