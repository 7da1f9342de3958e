"""A batch of changes has come: tell others of them, a webhook or the account's event bus."""

import functools
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from announcement import Announcement, announcement_of
from event_bus import ENTRIES_LIMIT, EventBus
from http_post import Endpoint
from set_aside import Rejection, SetAside
from webhook import Webhook, read_secrets

from blueprints_shared.clients import client
from blueprints_shared.observability import Logger, Metrics, MetricUnit
from blueprints_shared.settings import SettingsError, load
from blueprints_shared.streams import Progress, handle_in_order

RESERVE = 5.0  # seconds kept for the answer
NOWHERE = {"SequenceNumber": ""}
SECRET_SECONDS = 300  # a changed secret is used after so long at most


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the template passes as environment variables."""

    webhook_url: str | None
    webhook_secret_arn: str | None
    allow_private_addresses: bool
    failures_bucket: str


class Group(dict[str, Any]):
    """Records that are announced together; to the ordered checkpoint they are one, which stands at `place`."""

    def __init__(self, records: Sequence[Mapping[str, Any]], place: Mapping[str, Any]) -> None:
        super().__init__(dynamodb=place)
        self.records = records


class Announcer:
    """Announces groups of records to a webhook or the bus; counts what was announced."""

    def __init__(self, webhook: Webhook | None, bus: EventBus | None, aside: SetAside) -> None:
        self._webhook, self._bus, self._aside = webhook, bus, aside
        self.announced = self.rejected = 0
        self.deadline = 0.0

    def grouped(self, records: Sequence[Mapping[str, Any]]) -> list[Group]:
        """A webhook is told of one change after the other; the bus takes ten at once, and keeps no order anyway.

        A record that is none has no place: whoever stops there stops at the last that had one, or fails for want of it.
        """
        size = 1 if self._webhook else ENTRIES_LIMIT
        groups: list[Group] = []
        place: Mapping[str, Any] = NOWHERE
        for at in range(0, len(records), size):
            some = records[at : at + size]
            groups.append(Group(some, _place(some[0]) or place))
            place = next(filter(None, map(_place, reversed(some))), place)
        return groups

    def announce(self, group: Mapping[str, Any]) -> None:
        """Announce a group or set its records aside; raises when it is to be tried again."""
        assert isinstance(group, Group)
        found: list[tuple[Mapping[str, Any], Announcement]] = []
        for record in group.records:
            try:
                found.append((record, announcement_of(record)))
            except Rejection as rejection:
                self._reject(record, rejection)
        if self._webhook:
            for record, announcement in found:
                self._deliver(self._webhook, record, announcement)
        elif found:
            self._put(found)

    def _deliver(self, webhook: Webhook, record: Mapping[str, Any], announcement: Announcement) -> None:
        try:
            webhook.deliver(announcement, self.deadline)
            self.announced += 1
        except Rejection as rejection:
            self._reject(record, rejection)

    def _put(self, found: list[tuple[Mapping[str, Any], Announcement]]) -> None:
        assert self._bus
        refused = self._bus.announce([announcement for _, announcement in found])
        records = {id(announcement): record for record, announcement in found}
        for announcement, code, message in refused:
            self._reject(records[id(announcement)], Rejection("refused-by-event-bus", f"{code}: {message}"))
        self.announced += len(found) - len(refused)

    def _reject(self, record: Mapping[str, Any], rejection: Rejection) -> None:
        key = self._aside.put(record, rejection)
        logger.warning("set aside", extra={"outcome": "rejected", "code": rejection.code, "key": key})
        self.rejected += 1


def _place(record: Any) -> dict[str, str] | None:
    """Where a record stands in its shard, None for one that does not say."""
    try:
        return {"SequenceNumber": record["dynamodb"]["SequenceNumber"]}
    except (KeyError, TypeError):
        return None


def build_webhook(settings: Settings) -> Webhook | None:
    """The webhook, if there is to be one. Raises SettingsError."""
    if not settings.webhook_url:
        return None
    if not settings.webhook_secret_arn:
        raise SettingsError("WEBHOOK_URL is set and WEBHOOK_SECRET_ARN is not: every message has to be signed")
    try:
        endpoint = Endpoint(settings.webhook_url, settings.allow_private_addresses)
    except ValueError as error:
        raise SettingsError(f"WEBHOOK_URL: {error}") from error
    arn = settings.webhook_secret_arn
    return Webhook(endpoint.post, lambda: _secrets(arn, int(time.monotonic() // SECRET_SECONDS)))


@functools.lru_cache(maxsize=1)
def _secrets(arn: str, period: int) -> list[bytes]:  # noqa: ARG001 - a new period reads anew
    return read_secrets(client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"])


settings = load(Settings)
webhook = build_webhook(settings)
bus = None if webhook else EventBus(client("events"))
aside = SetAside(lambda: client("s3"), settings.failures_bucket, "announce")
logger = Logger()
metrics = Metrics()


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Announce changes in order, up to the first that can't be for now; the answer says where to go on."""
    announcer = Announcer(webhook, bus, aside)
    announcer.deadline = time.monotonic() + context.get_remaining_time_in_millis() / 1000 - RESERVE
    progress = handle_in_order(announcer.grouped(event["Records"]), announcer.announce, context, reserve=RESERVE)
    if progress.stopped_at == NOWHERE["SequenceNumber"] or (progress.error and not progress.handled):
        raise progress.error or TimeoutError("time ran short at records without a sequence number")
    _report(announcer, progress)
    if "probe" in event:
        return {"announced": announcer.announced, "rejected": announcer.rejected}
    return progress.response()


def _report(announcer: Announcer, progress: Progress) -> None:
    """Log and count what came of the batch."""
    said = {"announced": announcer.announced, "rejected": announcer.rejected, "stopped_at": progress.stopped_at}
    if progress.error:
        logger.error("stopped at a change that failed", extra=said, exc_info=progress.error)
    else:
        logger.info("announced", extra=said)
    metrics.add_metric("ChangesAnnounced", MetricUnit.Count, announcer.announced)
    metrics.add_metric("AnnouncementsRejected", MetricUnit.Count, announcer.rejected)
