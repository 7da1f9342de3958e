"""Services that deliver to encrypted queues and topics: the key policy has to let them use the key.

S3 notifications, rules, topics and alarms act as a service, with no role of the account. A key that AWS manages lets
no service in, so that such deliveries fail.
Source: Amazon SQS Developer Guide, "Configure KMS permissions for AWS services"; Amazon SNS Developer Guide, "Enable
compatibility between event sources from AWS services and encrypted topics".
"""

import logging
from collections.abc import Callable, Mapping
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.base.stream_source import service_of
from blueprints.local.services.kms.encrypted_resources import SENDING, encryption_of
from blueprints.local.services.kms.permissions import service_may

QUEUE_ALLOWS = Internal("services.sqs", "queue_policy_allows", ("queue_arn", "service", "source_arn", "source_account"))
TOPIC_ALLOWS = Internal("services.sns", "topic_policy_allows", ("topic_arn", "service", "source_arn", "source_account"))

ALARM_ACTIONS = Internal(
    "services.cloudwatch", "_dispatch_alarm_actions", ("alarm", "old_state", "new_state", "reason")
)

_ALARMS = "cloudwatch.amazonaws.com"
_ACTIONS_OF = ("AlarmActions", "OKActions", "InsufficientDataActions")

_Allows = Callable[[str, str, str, str], bool]

log = logging.getLogger(__name__)


def install() -> None:
    """Ask the key policy wherever the policy of a queue or topic is asked, and both before an alarm tells a topic."""
    QUEUE_ALLOWS.replace(_with_key(QUEUE_ALLOWS.current()))
    TOPIC_ALLOWS.replace(_with_key(TOPIC_ALLOWS.current()))
    ALARM_ACTIONS.replace(_asking(ALARM_ACTIONS.current()))


def _with_key(allows: _Allows) -> _Allows:
    def may_deliver(arn: str, service: str, source_arn: str, source_account: str) -> bool:
        if not allows(arn, service, source_arn, source_account):
            return False
        encryption = encryption_of(arn)
        if encryption is None or service_may(service, source_arn, source_account, encryption, *SENDING):
            return True
        log.error("%s cannot deliver to %s: %s does not let it use the key", service, arn, encryption.key)
        return False

    return may_deliver


def _asking(act: Callable[..., None]) -> Callable[..., None]:
    def acting(alarm: Mapping[str, Any], old_state: str, new_state: str, reason: str) -> None:
        allowed = {name: [each for each in alarm.get(name) or () if _may_tell(alarm, each)] for name in _ACTIONS_OF}
        act({**alarm, **allowed}, old_state, new_state, reason)

    return acting


def _may_tell(alarm: Mapping[str, Any], action: str) -> bool:
    """Whether an alarm may take an action; actions that are no topics are not judged."""
    if service_of(action) != "sns":
        return True
    alarm_arn = str(alarm.get("AlarmArn", ""))
    if TOPIC_ALLOWS.current()(action, _ALARMS, alarm_arn, action.split(":")[4]):
        return True
    log.error("alarm %s cannot tell %s: its policy, or that of its key, does not let %s in", alarm_arn, action, _ALARMS)
    return False
