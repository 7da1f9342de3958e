"""Queues that are encrypted with a key of KMS: sending needs GenerateDataKey and Decrypt, receiving needs Decrypt.

Source: Amazon SQS Developer Guide, "Key management". The codes are those that the API answers with.
"""

from collections.abc import Callable
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.services.kms.encrypted_resources import READING, SENDING, of_queue
from blueprints.local.services.kms.permissions import KeyRefused, require_caller

HANDLERS = Internal("services.sqs", "_HANDLERS")
QUEUE = Internal("services.sqs", "_get_q", ("url", "action"))
ERROR = Internal("services.sqs", "_Err")
QUERY_CODES = Internal("services.sqs", "_QUERY_COMPAT_CODES")

_OPERATIONS = {"SendMessage": SENDING, "SendMessageBatch": SENDING, "ReceiveMessage": READING}
_SHAPES = {
    "AccessDenied": "KmsAccessDenied",
    "Disabled": "KmsDisabled",
    "InvalidState": "KmsInvalidState",
    "NotFound": "KmsNotFound",
}
_CODES = {
    "KmsAccessDenied": "KMS.AccessDeniedException",
    "KmsDisabled": "KMS.DisabledException",
    "KmsInvalidState": "KMS.InvalidStateException",
    "KmsNotFound": "KMS.NotFoundException",
}

_Handler = Callable[[dict[str, Any], str], Any]


def install() -> None:
    """Check the caller's permission on the key before a message is sent or received."""
    handlers = HANDLERS.current()
    for action, operations in _OPERATIONS.items():
        handlers[action] = _checking(handlers[action], operations)
    QUERY_CODES.current().update(_CODES)


def _checking(handle: _Handler, operations: tuple[str, ...]) -> _Handler:
    def checking(data: dict[str, Any], queue_url: str) -> Any:
        encryption = of_queue(QUEUE.current()(data.get("QueueUrl", queue_url)))
        if encryption:
            try:
                require_caller(encryption, *operations)
            except KeyRefused as refused:
                raise ERROR.current()(_SHAPES[refused.reason], str(refused)) from None
        return handle(data, queue_url)

    return checking
