"""Announces changes to a webhook, signed as Standard Webhooks has it (https://www.standardwebhooks.com).

webhook-id: the change's own id, so that a receiver can drop what it has seen
webhook-timestamp: when this was sent, in seconds since 1970
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
from collections.abc import Callable
from dataclasses import dataclass

from announcement import Announcement
from http_post import NoResponse, Response
from set_aside import Rejection

__all__ = ["NotDelivered", "Webhook", "read_secrets", "signature"]

_RETRIED = {408, 425, 429}
_ATTEMPTS = 3
_LONGEST_PAUSE = 8.0


class NotDelivered(Exception):
    """The receiver did not take a change for now; it is to be tried again."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """Sends announcements with `post`, which takes headers, a body and a deadline of time.monotonic.

    `secrets` gives the signing keys: one, or two while the secret is being changed.
    """

    post: Callable[[dict[str, str], bytes, float], Response]
    secrets: Callable[[], list[bytes]]

    def deliver(self, announcement: Announcement, deadline: float) -> None:
        """Send until it is taken; raises NotDelivered when it may be later, Rejection when it never will be."""
        said = "time ran short"
        for attempt in range(_ATTEMPTS):
            pause = 0.5 * 2**attempt * random.uniform(0.5, 1)  # noqa: S311
            try:
                answer = self.post(self._headers(announcement), announcement.body, deadline)
            except NoResponse as error:
                said = str(error)
            else:
                if 200 <= answer.status < 300:
                    return
                if answer.status not in _RETRIED and answer.status < 500:
                    raise _refusal(answer)
                said = f"the receiver answered {answer.status}"
                pause = max(pause, _retry_after(answer))
            if attempt + 1 == _ATTEMPTS or pause > _LONGEST_PAUSE or time.monotonic() + pause > deadline:
                break
            time.sleep(pause)
        raise NotDelivered(said)

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
    """The keys of a secret: Base64, after `whsec_` or bare; white space separates several. Raises ValueError."""
    keys = []
    for part in text.split():
        try:
            key = base64.b64decode(part.removeprefix("whsec_"), validate=True)
        except binascii.Error:
            key = b""
        if not 24 <= len(key) <= 64:
            raise ValueError("the webhook's secret is not 24 to 64 bytes in Base64, after whsec_ or by themselves")
        keys.append(key)
    if not keys:
        raise ValueError("the webhook's secret is empty")
    return keys


def _refusal(answer: Response) -> Rejection:
    return Rejection(
        "refused-by-receiver",
        f"the receiver answered {answer.status}",
        status=answer.status,
        body=answer.body.decode(errors="replace")[:1024],
    )


def _retry_after(answer: Response) -> float:
    """Seconds the receiver asks to wait: a number or a date."""
    text = answer.headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]{1,9}", text):
        return float(text)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, TypeError):
        return 0.0
