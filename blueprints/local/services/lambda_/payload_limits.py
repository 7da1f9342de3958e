"""Refuses invocation payloads as Lambda does: too large for the invocation type, or no JSON.

Source: AWS Lambda API Reference, Invoke; AWS Lambda Developer Guide, "Lambda quotas".
"""

from collections.abc import Awaitable, Callable
from typing import Any

from blueprints.local.base.client_json import read_json
from blueprints.local.base.internals import Internal
from blueprints.local.services.lambda_.sent_payload import sent_payload

HANDLE = Internal("services.lambda_svc", "handle_request", ("method", "path", "headers", "body", "query_params"))
ERROR = Internal(
    "core.responses", "error_response_json", ("code", "message", "status", "extra", "message_key", "content_type")
)

LIMITS = {"RequestResponse": 6 * 1024 * 1024, "Event": 1024 * 1024}

_Response = tuple[int, dict[str, str], bytes]


def install() -> None:
    """Check every invocation before the base emulator handles it."""
    handle: Callable[..., Awaitable[_Response]] = HANDLE.current()

    async def handle_request(
        method: str, path: str, headers: dict[str, str], body: bytes, query_params: dict[str, Any]
    ) -> _Response:
        if method == "POST" and path.rstrip("/").endswith("/invocations"):
            refusal = _refusal(headers.get("x-amz-invocation-type") or "RequestResponse", body)
            if refusal:
                return refusal
            sent_payload.set(body)
        return await handle(method, path, headers, body, query_params)

    HANDLE.replace(handle_request)


def _refusal(invocation_type: str, body: bytes) -> _Response | None:
    limit = LIMITS.get(invocation_type)
    if limit is not None and len(body) > limit:
        message = (
            f"{len(body)} byte payload is too large for the {invocation_type} invocation type (limit {limit} bytes)"
        )
        return _error("RequestEntityTooLargeException", message, 413)
    try:
        read_json(body.decode() or "{}")
    except ValueError as error:
        return _error("InvalidRequestContentException", f"Could not parse request body into json: {error}", 400)
    return None


def _error(code: str, message: str, status: int) -> _Response:
    response: _Response = ERROR.current()(code, message, status)
    return response
