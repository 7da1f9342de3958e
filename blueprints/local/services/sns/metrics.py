"""Records the metrics of AWS/SNS, by topic. Deliveries are those to functions and queues.

Source: Amazon Simple Notification Service Developer Guide, "Monitoring Amazon SNS topics using CloudWatch".
"""

from collections.abc import Callable
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.base.metrics import Value, record, scope_of

FAN_OUT = Internal(
    "services.sns",
    "_fanout",
    (
        "topic_arn",
        "msg_id",
        "message",
        "subject",
        "message_structure",
        "message_attributes",
        "message_group_id",
        "message_dedup_id",
    ),
)
MATCHES = Internal("services.sns", "_matches_filter_policy", ("sub", "message_attributes", "message"))

_NAMESPACE = "AWS/SNS"


def install() -> None:
    """Record messages that are published, and those that a subscription's filter policy rejects."""
    fan_out: Callable[..., None] = FAN_OUT.current()
    matches: Callable[..., bool] = MATCHES.current()

    def published(topic_arn: str, msg_id: str, message: str, *rest: Any, **more: Any) -> None:
        size = ("PublishSize", float(len(message.encode())), "Bytes")
        _record(topic_arn, ("NumberOfMessagesPublished", 1.0, "Count"), size)
        fan_out(topic_arn, msg_id, message, *rest, **more)

    def matched(sub: dict[str, Any], *message: Any, **more: Any) -> bool:
        wanted = matches(sub, *message, **more)
        if not wanted:
            _record(str(sub["arn"]), ("NumberOfNotificationsFilteredOut", 1.0, "Count"))
        return wanted

    FAN_OUT.replace(published)
    MATCHES.replace(matched)


def record_delivery(topic_arn: str, *, succeeded: bool) -> None:
    """Record a notification that a function or a queue has got, or could not get."""
    name = "NumberOfNotificationsDelivered" if succeeded else "NumberOfNotificationsFailed"
    _record(topic_arn, (name, 1.0, "Count"))


def record_dead_letter(topic_arn: str, *, sent: bool) -> None:
    """Record a notification that went to the dead letters, or that was lost because they did not take it."""
    name = "NumberOfNotificationsRedrivenToDlq" if sent else "NumberOfNotificationsFailedToRedriveToDlq"
    _record(topic_arn, (name, 1.0, "Count"))


def _record(arn: str, *values: Value) -> None:
    """Record values of a topic, given by its ARN or that of one of its subscriptions."""
    record(_NAMESPACE, [{"TopicName": arn.split(":")[5]}], values, scope_of(arn))
