"""Services that deliver to encrypted queues and topics: the key policy has to let them use the key.

S3 notifications, rules, topics and alarms act as a service, with no role of the account. A key that AWS manages lets
no service in, so that such deliveries fail.
Source: Amazon SQS Developer Guide, "Configure KMS permissions for AWS services"; Amazon SNS Developer Guide, "Enable
compatibility between event sources from AWS services and encrypted topics".
"""

import logging
from collections.abc import Callable

from blueprints.local.base.internals import Internal
from blueprints.local.services.kms.encrypted_resources import SENDING, encryption_of
from blueprints.local.services.kms.permissions import service_may

QUEUE_ALLOWS = Internal("services.sqs", "queue_policy_allows", ("queue_arn", "service", "source_arn", "source_account"))
TOPIC_ALLOWS = Internal("services.sns", "topic_policy_allows", ("topic_arn", "service", "source_arn", "source_account"))

_Allows = Callable[[str, str, str, str], bool]

log = logging.getLogger(__name__)


def install() -> None:
    """Ask the key policy wherever the policy of a queue or topic is asked."""
    QUEUE_ALLOWS.replace(_with_key(QUEUE_ALLOWS.current()))
    TOPIC_ALLOWS.replace(_with_key(TOPIC_ALLOWS.current()))


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
