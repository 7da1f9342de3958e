"""Announces changes to a webhook, signed according to Standard Webhooks (https://www.standardwebhooks.com).

webhook-id: the id of the change, by which a receiver ignores repetitions
webhook-timestamp: when this attempt was sent, in seconds since 1970
webhook-signature: v1,{HMAC-SHA256 of id.timestamp.body with the secret, in Base64}
"""

import base64
import binascii
import email.utils
import hashlib
import hmac
import random
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from announcement import Announcement
from rejected_records import Rejection

from blueprints_shared.http_post import NoResponse, Response

__all__ = ["NotDelivered", "Webhook", "read_secrets", "signature"]

_TRANSIENT = {408, 425, 429}  # and 5xx
_ATTEMPTS = 3
_LONGEST_PAUSE = 8.0


class NotDelivered(Exception):
    """The receiver did not accept a change yet; try again later."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """Sends announcements with `post`, which takes headers, a body and a deadline of time.monotonic.

    `secrets` returns the signing keys: one, or two while the secret is being replaced.
    """

    post: Callable[[dict[str, str], bytes, float], Response]
    secrets: Callable[[], list[bytes]]
    group_size: int = 1  # one request after the other, in order

    def announce(self, announcements: Sequence[Announcement], deadline: float) -> dict[int, Rejection]:
        """Deliver one announcement; return its rejection, if the receiver refused it. Raises NotDelivered."""
        try:
            self.deliver(*announcements, deadline)
        except Rejection as rejection:
            return {0: rejection}
        return {}

    def deliver(self, announcement: Announcement, deadline: float) -> None:
        """Send until the receiver accepts; raises NotDelivered if it may accept later, Rejection if it never will."""
        reason = "time ran short"
        for attempt in range(_ATTEMPTS):
            pause = 0.5 * 2**attempt * random.uniform(0.5, 1)  # noqa: S311
            try:
                response = self.post(self._headers(announcement), announcement.body, deadline)
            except NoResponse as error:
                reason = str(error)
            else:
                if 200 <= response.status < 300:
                    return
                if response.status not in _TRANSIENT and response.status < 500:
                    raise _refusal(response)
                reason = f"the receiver answered {response.status}"
                pause = max(pause, _retry_after(response))
            if attempt + 1 == _ATTEMPTS or pause > _LONGEST_PAUSE or time.monotonic() + pause > deadline:
                break
            time.sleep(pause)
        raise NotDelivered(reason)

    def _headers(self, announcement: Announcement) -> dict[str, str]:
        sent_at = int(time.time())
        signatures = [signature(key, announcement.id, sent_at, announcement.body) for key in self.secrets()]
        return {
            "content-type": "application/json",
            "user-agent": "serverless-blueprints-webhook/1",
            "webhook-id": announcement.id,
            "webhook-timestamp": str(sent_at),
            "webhook-signature": " ".join(signatures),
        }


def signature(key: bytes, message_id: str, sent_at: int, body: bytes) -> str:
    """One signature of a message, with its version."""
    signed = f"{message_id}.{sent_at}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def read_secrets(text: str) -> list[bytes]:
    """The keys in a secret, separated by white space: each in Base64, with or without `whsec_`. Raises ValueError."""
    keys = []
    for part in text.split():
        try:
            key = base64.b64decode(part.removeprefix("whsec_"), validate=True)
        except binascii.Error:
            key = b""
        if not 24 <= len(key) <= 64:
            raise ValueError("the webhook's secret is not 24 to 64 bytes in Base64, with or without whsec_")
        keys.append(key)
    if not keys:
        raise ValueError("the webhook's secret is empty")
    return keys


def _refusal(response: Response) -> Rejection:
    return Rejection(
        "refused-by-receiver",
        f"the receiver answered {response.status}",
        status=response.status,
        body=response.body.decode(errors="replace")[:1024],
    )


def _retry_after(response: Response) -> float:
    """Seconds to wait, from the Retry-After header: a number or a date; 0 if it is neither."""
    text = response.headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]{1,9}", text):
        return float(text)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, TypeError):
        return 0.0
