"""Writes lines of other services into log groups that exist."""

import time
from collections.abc import Sequence
from typing import Any

from blueprints.local.base.internals import Internal

GROUPS = Internal("services.cloudwatch_logs", "_log_groups")
APPEND = Internal("services.cloudwatch_logs", "_append_log_events", ("stream", "events"))
SUBSCRIPTIONS = Internal(
    "services.cloudwatch_logs", "_fanout_to_subscription_filters", ("group_name", "stream_name", "events")
)

Line = tuple[int, str]
"""The moment of an event in milliseconds since 1970, and its message."""


def append(group_name: str, stream_name: str, lines: Sequence[Line]) -> bool:
    """Add lines to a stream of the caller's account and Region, and create the stream; False if there is no group."""
    group = GROUPS.current().get(group_name)
    if group is None:
        return False
    now = int(time.time() * 1000)
    stream = group["streams"].setdefault(stream_name, _new_stream(now))
    events: list[dict[str, Any]] = [{"timestamp": moment, "message": message} for moment, message in lines]
    APPEND.current()(stream, [{**each, "ingestionTime": now} for each in events])
    SUBSCRIPTIONS.current()(group_name, stream_name, events)
    return True


def _new_stream(now: int) -> dict[str, Any]:
    return {
        "events": [],
        "uploadSequenceToken": "1",
        "creationTime": now,
        "firstEventTimestamp": None,
        "lastEventTimestamp": None,
        "lastIngestionTime": None,
    }
