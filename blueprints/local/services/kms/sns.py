"""Topics that are encrypted with a key of KMS: publishing needs GenerateDataKey and Decrypt.

Source: Amazon SNS Developer Guide, "Managing Amazon SNS encryption keys and costs".
"""

from collections.abc import Callable
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.services.kms.encrypted_resources import SENDING, encryption_of
from blueprints.local.services.kms.permissions import KeyRefused, require_caller

PUBLISH = Internal("services.sns", "_publish", ("params",))
PUBLISH_BATCH = Internal("services.sns", "_publish_batch", ("params",))
PARAMETER = Internal("services.sns", "_p", ("params", "key", "default"))
ARN = Internal("services.sns", "_normalize_arn", ("arn",))
ERROR = Internal("services.sns", "_error", ("code", "message", "status"))

_CODES = {
    "AccessDenied": "KMSAccessDenied",
    "Disabled": "KMSDisabled",
    "InvalidState": "KMSInvalidState",
    "NotFound": "KMSNotFound",
}

_Operation = Callable[[Any], Any]


def install() -> None:
    """Check the publisher's permission on the key of the topic."""
    for internal in (PUBLISH, PUBLISH_BATCH):
        internal.replace(_checking(internal.current()))


def _checking(publish: _Operation) -> _Operation:
    def checking(params: Any) -> Any:
        parameter = PARAMETER.current()
        topic_arn = ARN.current()(parameter(params, "TopicArn") or parameter(params, "TargetArn"))
        encryption = encryption_of(topic_arn) if topic_arn.startswith("arn:") else None
        if encryption:
            try:
                require_caller(encryption, *SENDING)
            except KeyRefused as refused:
                return ERROR.current()(_CODES[refused.reason], str(refused), 400)
        return publish(params)

    return checking
