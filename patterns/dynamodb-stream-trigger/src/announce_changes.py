"""Announces a batch of changes, in order: to the webhook if there is one, else on the event bus."""

import functools
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from announcement import Receiver, announcement_of
from event_bus import EventBus
from rejected_records import RejectedRecords, Rejection
from webhook import Webhook, read_secrets

from blueprints_shared.clients import client
from blueprints_shared.http_post import Endpoint
from blueprints_shared.observability import Logger, Metrics, MetricUnit
from blueprints_shared.settings import SettingsError, load
from blueprints_shared.streams import handle_in_order

RESERVE = 5.0  # seconds for the response; nothing new is begun within them
SECRET_SECONDS = 300  # a replaced secret is used after this time at the latest


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the template passes as environment variables."""

    webhook_url: str | None
    webhook_secret_arn: str | None
    allow_private_addresses: bool
    failures_bucket: str


def build_receiver(settings: Settings) -> Receiver:
    """The webhook, or the event bus if no webhook is set. Raises SettingsError."""
    if not settings.webhook_url:
        return EventBus(client("events"))
    if not settings.webhook_secret_arn:
        raise SettingsError("WEBHOOK_URL is set and WEBHOOK_SECRET_ARN is not: every message has to be signed")
    try:
        endpoint = Endpoint(settings.webhook_url, settings.allow_private_addresses)
    except ValueError as error:
        raise SettingsError(f"WEBHOOK_URL: {error}") from error
    arn = settings.webhook_secret_arn
    return Webhook(endpoint.post, lambda: _secrets(arn, int(time.monotonic() // SECRET_SECONDS)))


@functools.lru_cache(maxsize=1)
def _secrets(arn: str, period: int) -> list[bytes]:  # noqa: ARG001 - the secret is read again in a new period
    return read_secrets(client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"])


settings = load(Settings)
receiver = build_receiver(settings)
rejected_records = RejectedRecords(lambda: client("s3"), settings.failures_bucket, "announce")
logger = Logger()
metrics = Metrics()


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Announce changes up to the first that cannot be announced yet; the response says where Lambda goes on."""
    announcer = Announcer(time.monotonic() + context.get_remaining_time_in_millis() / 1000 - RESERVE)
    groups = list(_groups(event["Records"], receiver.group_size))
    progress = handle_in_order(groups, announcer.announce, context, reserve=RESERVE)
    if progress.stopped_at == "" or (progress.error and not progress.handled):
        raise progress.error or TimeoutError("time ran short at records without a sequence number")
    counts = {"announced": announcer.announced, "rejected": announcer.rejected}
    if progress.error:
        extra = {**counts, "stopped_at": progress.stopped_at}
        logger.error("stopped at a change that failed", extra=extra, exc_info=progress.error)
    else:
        logger.info("announced", extra={**counts, "stopped_at": progress.stopped_at})
    metrics.add_metric("ChangesAnnounced", MetricUnit.Count, announcer.announced)
    metrics.add_metric("AnnouncementsRejected", MetricUnit.Count, announcer.rejected)
    return counts if "probe" in event else progress.response()


class Group(dict[str, Any]):
    """Records that are announced together; to `handle_in_order` it is one record with this sequence number."""

    def __init__(self, records: Sequence[Mapping[str, Any]], sequence_number: str) -> None:
        super().__init__(dynamodb={"SequenceNumber": sequence_number})
        self.records = records


def _groups(records: Sequence[Mapping[str, Any]], size: int) -> Iterator[Group]:
    """Groups of `size` records. One that begins with a malformed record has the last sequence number before it."""
    last = ""
    for start in range(0, len(records), size):
        group = records[start : start + size]
        yield Group(group, _sequence_number(group[0]) or last)
        last = next(filter(None, map(_sequence_number, reversed(group))), last)


def _sequence_number(record: Any) -> str | None:
    try:
        return record["dynamodb"]["SequenceNumber"]  # type: ignore[no-any-return]
    except (KeyError, TypeError):
        return None


class Announcer:
    """Announces groups of records to the receiver, and counts them."""

    def __init__(self, deadline: float) -> None:
        self._deadline = deadline
        self.announced = self.rejected = 0

    def announce(self, group: Mapping[str, Any]) -> None:
        """Announce a group, and store the records that are rejected. Raises what has to be tried again."""
        assert isinstance(group, Group)
        records, announcements = [], []
        for record in group.records:
            try:
                announcements.append(announcement_of(record))
                records.append(record)
            except Rejection as rejection:
                self._reject(record, rejection)
        if not announcements:
            return
        rejections = receiver.announce(announcements, self._deadline)
        self.announced += len(announcements) - len(rejections)
        for position, rejection in rejections.items():
            self._reject(records[position], rejection)

    def _reject(self, record: Mapping[str, Any], rejection: Rejection) -> None:
        key = rejected_records.put(record, rejection)
        logger.warning("rejected", extra={"outcome": "rejected", "code": rejection.code, "key": key})
        self.rejected += 1
