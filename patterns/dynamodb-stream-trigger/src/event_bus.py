"""Announces changes on the default event bus of the account."""

import random
import time
from collections.abc import Sequence
from typing import Any

from announcement import Announcement
from rejected_records import Rejection

__all__ = ["EventBus", "NotAnnounced"]

SOURCE = "serverless-blueprints.dynamodb-stream-trigger"
SIZE_LIMIT = 240 * 1024  # bytes; EventBridge accepts 256 KB in a request, names and times included

_ATTEMPTS = 4
_TRANSIENT = {"ThrottlingException", "InternalFailure", "InternalException"}


class NotAnnounced(Exception):
    """EventBridge did not accept some events yet; try again later."""


class EventBus:
    """The default bus, by an EventBridge client. It keeps no order."""

    group_size = 10  # entries that PutEvents accepts

    def __init__(self, events: Any) -> None:
        self._events = events

    def announce(self, announcements: Sequence[Announcement], deadline: float) -> dict[int, Rejection]:  # noqa: ARG002
        """Put up to ten events; return the rejections by position. Raises NotAnnounced.

        PutEvents answers for each entry: those that failed for now are put again, without the others.
        """
        rejections: dict[int, Rejection] = {}
        waiting = {position: _entry(each) for position, each in enumerate(announcements)}
        for attempt in range(_ATTEMPTS):
            results: list[dict[str, str]] = []
            for request in _requests(list(waiting.values())):
                results += self._events.put_events(Entries=request)["Entries"]
            for position, result in zip(list(waiting), results, strict=True):
                code = result.get("ErrorCode")
                if code in _TRANSIENT:
                    continue
                del waiting[position]
                if code:
                    message = f"{code}: {result.get('ErrorMessage', '')}"
                    rejections[position] = Rejection("refused-by-event-bus", message)
            if not waiting:
                return rejections
            time.sleep(random.uniform(0, 0.1 * 2**attempt))  # noqa: S311
        raise NotAnnounced(f"EventBridge refused {len(waiting)} events {_ATTEMPTS} times")


def _entry(announcement: Announcement) -> dict[str, Any]:
    if len(announcement.body) > SIZE_LIMIT:
        announcement = announcement.without_images()
    # The detail has the id of the change, because EventBridge gives an event a new id at every attempt.
    detail = announcement.body.decode()
    return {
        "Source": SOURCE,
        "DetailType": announcement.type,
        "Detail": f'{{"id":"{announcement.id}",{detail[1:]}',
        "Resources": [announcement.table_arn],
    }


def _requests(entries: Sequence[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Split entries, in order, into as few requests as their sizes allow."""
    requests: list[list[dict[str, Any]]] = []
    room = 0
    for entry in entries:
        size = len(entry["Detail"].encode()) + 1024
        if not requests or size > room:
            requests.append([])
            room = SIZE_LIMIT + 1024
        requests[-1].append(entry)
        room -= size
    return requests
