"""Pagination tokens that clients can neither read nor forge."""

import base64
import hashlib
import hmac
import json
import secrets
from typing import Any

from blueprints.local.services.appsync.data_sources.calls import SourceFailed

_KEY = secrets.token_bytes(32)
_DIGEST_BYTES = 16


def seal(table: str, key: dict[str, Any] | None) -> str | None:
    """The token for DynamoDB's LastEvaluatedKey; None at the end."""
    if not key:
        return None
    content = json.dumps(key, default=_as_base64).encode()
    return base64.urlsafe_b64encode(_digest(table, content) + _mask(content)).decode()


def open_token(table: str, token: str) -> dict[str, Any]:
    """The key in a token of the same table. Raises SourceFailed for any other text."""
    try:
        sealed = base64.urlsafe_b64decode(token)
    except (ValueError, TypeError):
        sealed = b""
    content = _mask(sealed[_DIGEST_BYTES:])
    if not hmac.compare_digest(sealed[:_DIGEST_BYTES], _digest(table, content)):
        raise SourceFailed("BadRequestException", "Invalid pagination token given.")
    key: dict[str, Any] = json.loads(content)
    return {name: _from_base64(value) for name, value in key.items()}


def _digest(table: str, content: bytes) -> bytes:
    return hmac.digest(_KEY, table.encode() + b"\0" + content, "sha256")[:_DIGEST_BYTES]


def _mask(content: bytes) -> bytes:
    stream = hashlib.shake_256(_KEY).digest(len(content))
    return bytes(one ^ other for one, other in zip(content, stream, strict=True))


def _as_base64(value: Any) -> str:
    return base64.b64encode(bytes(value)).decode()


def _from_base64(value: dict[str, Any]) -> dict[str, Any]:
    return {"B": base64.b64decode(value["B"])} if "B" in value else value
