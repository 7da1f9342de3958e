"""Samples what is stored at intervals: messages in queues, objects in buckets.

Sources: Amazon SQS Developer Guide, "Available CloudWatch metrics for Amazon SQS"; Amazon S3 User Guide, "Metrics and
dimensions".
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from blueprints.local.base.clock import Clock
from blueprints.local.base.internals import Internal
from blueprints.local.base.metrics import Value, record

QUEUES = Internal("services.sqs", "_queues")
BUCKETS = Internal("services.s3", "_buckets")

_MINUTE, _DAY = 60, 86_400
_AT_LEAST = 0.25
"""Real seconds between two samples."""
_REGION = "us-east-1"
"""The Region of buckets here."""


class StoredAmounts:
    """Records the messages of queues every minute and the objects of buckets every day, in scaled time."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._held: set[tuple[str, str, str]] = set()

    def install(self) -> None:
        """Begin."""
        self._clock.every(_MINUTE, self._record_queues, at_least=_AT_LEAST)
        self._clock.every(_DAY, self._record_buckets, at_least=_AT_LEAST)

    def _record_queues(self) -> None:
        """Record queues that hold messages, and once more those that held some before."""
        now = time.time()
        for key, queue in list(QUEUES.current().all_items()):
            messages = list(queue.get("messages") or ())
            if messages or key in self._held:
                account, region, url = key
                name = str(url).rstrip("/").rpartition("/")[2]
                record("AWS/SQS", [{"QueueName": name}], self._of_queue(messages, now), (account, region))
            (self._held.add if messages else self._held.discard)(key)

    def _of_queue(self, messages: Sequence[Mapping[str, Any]], now: float) -> list[Value]:
        waiting = [each for each in messages if each["visible_at"] <= now]
        flying = [each for each in messages if each["visible_at"] > now and each.get("receipt_handle")]
        oldest = min((each["sent_at"] for each in (*waiting, *flying)), default=now)
        return [
            ("ApproximateNumberOfMessagesVisible", len(waiting), "Count"),
            ("ApproximateNumberOfMessagesNotVisible", len(flying), "Count"),
            ("ApproximateNumberOfMessagesDelayed", len(messages) - len(waiting) - len(flying), "Count"),
            ("ApproximateAgeOfOldestMessage", (now - oldest) * self._clock.scale, "Seconds"),
        ]

    @staticmethod
    def _record_buckets() -> None:
        for (account, name), bucket in BUCKETS.current().to_dict().items():
            dimensions = {"BucketName": str(name), "StorageType": "AllStorageTypes"}
            count = len(bucket.get("objects") or ())
            record("AWS/S3", [dimensions], [("NumberOfObjects", count, "Count")], (str(account), _REGION))
