"""Operations that AppSync refuses."""

import json
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from blueprints.local.base.internals import Internal

JSON = Internal("services.appsync", "_json", ("status", "body"))

Answer = tuple[int, dict[str, str], bytes]


class Refused(Exception):
    """An operation that AppSync answers with an error: its code, such as `BadRequestException`, and an HTTP status."""

    def __init__(
        self,
        message: str,
        code: str = "BadRequestException",
        status: int = 400,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        """`details` are further members of the error, such as `reason`."""
        super().__init__(message)
        self.message, self.code, self.status, self.details = message, code, status, dict(details or {})


def not_found(message: str) -> Refused:
    """The error for something that does not exist."""
    return Refused(message, "NotFoundException", 404)


def answer_of(refused: Refused) -> Answer:
    """An error as the API answers it."""
    body = {"__type": refused.code, "message": refused.message, **refused.details}
    headers = {"Content-Type": "application/json", "x-amzn-errortype": refused.code}
    return refused.status, headers, json.dumps(body).encode()


def raise_for(answer: Answer) -> dict[str, Any]:
    """What an operation of the base emulator answered. Raises Refused for an error."""
    status, _, content = answer
    body: dict[str, Any] = json.loads(content or b"{}")
    if status < 400:
        return body
    code = str(body.get("__type", "")).rpartition("#")[2]
    details: dict[str, Any] = {name: body[name] for name in ("reason", "detail") if name in body}
    raise Refused(str(body.get("message") or body.get("Message") or code), code, status, details)


def answering(operation: Callable[..., Any]) -> Callable[..., Answer]:
    """The operation as the base emulator calls it: with an error of AppSync as its answer."""

    @wraps(operation)
    def answer(*given: Any) -> Answer:
        try:
            result = operation(*given)
        except Refused as refused:
            return answer_of(refused)
        return result if isinstance(result, tuple) else JSON.current()(200, result)

    return answer
