"""Metrics of what is stored, looked at now and then: messages in queues, objects in buckets.

Sources: Amazon SQS Developer Guide, "Available CloudWatch metrics for Amazon SQS"; Amazon S3 User Guide, "Metrics and
dimensions".
"""

import time
from collections.abc import Iterable, Mapping
from typing import Any

from blueprints.local.base.clock import Clock
from blueprints.local.base.internals import Internal

QUEUES = Internal("services.sqs", "_queues")
BUCKETS = Internal("services.s3", "_buckets")
SCOPE = Internal("core.responses", "request_scope", ("account_id", "region"))
RECORD = Internal("services.cloudwatch", "record_metric", ("namespace", "metric_name", "value", "unit", "dimensions"))

_MINUTE, _DAY = 60, 86_400
_AT_LEAST = 0.25
"""Real seconds between two looks."""
_REGION = "us-east-1"
"""The Region of buckets here."""


class StoredAmounts:
    """Looks at queues every minute and at buckets every day, in scaled time."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._held: set[tuple[str, str, str]] = set()

    def install(self) -> None:
        """Begin."""
        self._clock.every(_MINUTE, self._look_at_queues, at_least=_AT_LEAST)
        self._clock.every(_DAY, self._look_at_buckets, at_least=_AT_LEAST)

    def _look_at_queues(self) -> None:
        """Record queues that hold messages, and once more those that held some before."""
        now = time.time()
        for key, queue in list(QUEUES.current().all_items()):
            messages = list(queue.get("messages") or ())
            if messages or key in self._held:
                account, region, url = key
                with SCOPE.current()(account, region):
                    self._record_queue(str(url).rstrip("/").rpartition("/")[2], messages, now)
            (self._held.add if messages else self._held.discard)(key)

    def _record_queue(self, name: str, messages: Iterable[Mapping[str, Any]], now: float) -> None:
        waiting = [each for each in messages if each["visible_at"] <= now]
        flying = [each for each in messages if each["visible_at"] > now and each.get("receipt_handle")]
        oldest = min((each["sent_at"] for each in (*waiting, *flying)), default=now)
        dimensions = {"QueueName": name}
        for metric, value, unit in (
            ("ApproximateNumberOfMessagesVisible", len(waiting), "Count"),
            ("ApproximateNumberOfMessagesNotVisible", len(flying), "Count"),
            ("ApproximateAgeOfOldestMessage", (now - oldest) * self._clock.scale, "Seconds"),
        ):
            RECORD.current()("AWS/SQS", metric, float(value), unit, dimensions)

    @staticmethod
    def _look_at_buckets() -> None:
        for (account, name), bucket in BUCKETS.current().to_dict().items():
            dimensions = {"BucketName": str(name), "StorageType": "AllStorageTypes"}
            with SCOPE.current()(str(account), _REGION):
                count = float(len(bucket.get("objects") or ()))
                RECORD.current()("AWS/S3", "NumberOfObjects", count, "Count", dimensions)
