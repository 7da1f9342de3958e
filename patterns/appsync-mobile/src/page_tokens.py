"""The tokens that a client sends to get the next page: signed, and valid only for one caller and one query."""

import hmac
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from typing import Any

from refusals import Refused

_MAC_BYTES = 18


class PageTokens:
    """Signs and reads tokens with a key that all instances of the function share.

    `shared_key` takes a proposal for the key and returns the one that holds; it is called when the first token is
    signed or read. The key is in the table: a secret of Secrets Manager costs $0.40 a month, and a MAC of KMS a request
    for each page. Who can read the table can read all notes without tokens.
    """

    def __init__(self, shared_key: Callable[[str], str]) -> None:
        self._shared_key, self._key = shared_key, b""

    def sign(self, position: dict[str, Any], *scope: Any) -> str:
        """A token for a position; `scope` is what it is valid for: the caller's id, the field, its arguments."""
        payload = json.dumps(position, separators=(",", ":")).encode()
        return _text(self._mac(payload, scope) + payload)

    def read(self, token: str | None, *scope: Any) -> dict[str, Any]:
        """The position of a token, empty without one. Raises Refused if it was not signed for this scope."""
        if not token:
            return {}
        try:
            data = urlsafe_b64decode(token + "=" * (-len(token) % 4))
        except ValueError:
            data = b""
        mac, payload = data[:_MAC_BYTES], data[_MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(payload, scope)) or _text(data) != token:
            raise Refused("InvalidToken", "This nextToken is not one of this query. Begin again without it.")
        return dict(json.loads(payload))

    def _mac(self, payload: bytes, scope: tuple[Any, ...]) -> bytes:
        if not self._key:
            self._key = self._shared_key(secrets.token_urlsafe(32)).encode()
        signed = json.dumps(scope, sort_keys=True, separators=(",", ":")).encode() + b"\0" + payload
        return hmac.digest(self._key, signed, "sha256")[:_MAC_BYTES]


def _text(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")
