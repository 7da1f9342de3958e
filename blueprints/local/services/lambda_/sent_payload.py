"""The payload of an Invoke request, byte for byte. The base emulator passes on only what it parsed.

The function and the dead letters get the same bytes as on AWS: `1e400` stays a number, and text stays unescaped.
"""

import json
from contextvars import ContextVar

from blueprints.local.base.delivery import Delivery

sent_payload: ContextVar[bytes] = ContextVar("sent_payload", default=b"")
"""The payload of the request that is being answered."""


def delivery_of(function_arn: str, event: object) -> Delivery:
    """The delivery of an event, with the payload as it was sent if the event is that of the request."""
    payload = sent_payload.get()
    if payload and json.loads(payload) == event:
        return Delivery(function_arn, payload=payload)
    return Delivery.of(function_arn, event)
