"""Announces changes on the account's event bus."""

import random
import time
from collections.abc import Mapping, Sequence
from typing import Any

from announcement import Announcement

__all__ = ["ENTRIES_LIMIT", "EventBus", "NotAnnounced"]

SOURCE = "serverless-blueprints.dynamodb-stream-trigger"
ENTRIES_LIMIT = 10
SIZE_LIMIT = 240 * 1024  # of 256 KB for all entries of a request; the rest is for names and times

_ATTEMPTS = 4
# Codes of single entries that EventBridge asks to send again.
_TRANSIENT = {"ThrottlingException", "InternalFailure", "InternalException"}


class NotAnnounced(Exception):
    """Changes could not be announced for now; they are to be tried again."""


class EventBus:
    """The default bus, by way of an EventBridge client."""

    def __init__(self, events: Any) -> None:
        self._events = events

    def announce(self, announcements: Sequence[Announcement]) -> list[tuple[Announcement, str, str]]:
        """Put up to ten announcements; returns those that EventBridge refuses for good, each with code and message.

        Entries are answered one by one: those that failed for now are put again alone. Raises NotAnnounced.
        """
        refused: list[tuple[Announcement, str, str]] = []
        waiting = [(each, _entry(each)) for each in announcements]
        for attempt in range(_ATTEMPTS):
            answers: list[Mapping[str, str]] = []
            for request in _requests([entry for _, entry in waiting]):
                answers += self._events.put_events(Entries=request)["Entries"]
            failed = [(each, answer) for each, answer in zip(waiting, answers, strict=True) if "ErrorCode" in answer]
            for (announcement, _), answer in failed:
                if answer["ErrorCode"] not in _TRANSIENT:
                    refused.append((announcement, answer["ErrorCode"], answer.get("ErrorMessage", "")))
            waiting = [each for each, answer in failed if answer["ErrorCode"] in _TRANSIENT]
            if not waiting:
                return refused
            time.sleep(random.uniform(0, 0.1 * 2**attempt))  # noqa: S311
        raise NotAnnounced(f"EventBridge refused {len(waiting)} events {_ATTEMPTS} times")


def _entry(announcement: Announcement) -> dict[str, Any]:
    if len(announcement.body) > SIZE_LIMIT:
        announcement = announcement.without_images()
    # The id stands in the event, for EventBridge gives each one of its own, another at every attempt.
    detail = announcement.body.decode()
    return {
        "Source": SOURCE,
        "DetailType": announcement.type,
        "Detail": f'{{"id":"{announcement.id}",{detail[1:]}',
        "Resources": [announcement.table_arn],
    }


def _requests(entries: Sequence[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """In as few requests as their sizes allow, in order."""
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
