"""Calls to AWS: retried within bounds by the SDK, and what went wrong said for a person."""

import random
import time
from collections.abc import Callable
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from blueprints.errors import BlueprintError

_ATTEMPTS = 8
RETRYING = Config(retries={"mode": "standard", "total_max_attempts": _ATTEMPTS}, connect_timeout=10, read_timeout=120)
"""Eight attempts, with exponential back-off and jitter, on 429, 5xx and lost connections."""

_EXPIRED = {
    "ExpiredToken", "ExpiredTokenException", "RequestExpired", "InvalidClientTokenId", "UnrecognizedClientException",
    "InvalidAccessKeyId", "TokenRefreshRequired",
}  # fmt: skip
_DENIED = {"AccessDenied", "AccessDeniedException", "ForbiddenException", "400", "403"}
_PASSING = {"429", "InternalError", "InternalServerErrorException", "SlowDown", "TooManyRequestsException"}
_AGAIN = "Run it again: it goes on where it stopped, and publishes nothing twice."


class Conflict(Exception):
    """Someone was faster: what was to be made is there."""


def call(method: Callable[..., Any], operation: str, about: str, /, **arguments: Any) -> Any:
    """One call; raises Conflict, or BlueprintError naming the call."""
    try:
        return _patiently(method, arguments)
    except ClientError as error:
        code = str(error.response["Error"].get("Code"))
        if code in ("ConflictException", "ConditionalRequestConflict"):
            raise Conflict(str(error)) from error
        raise BlueprintError(
            f"{operation} failed: {_said(error)}", where=about, advice=_advice(code, str(error))
        ) from error
    except BotoCoreError as error:
        raise BlueprintError(f"{operation} failed: {error}", where=about, advice=_AGAIN) from error


def _patiently(method: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    """What the SDK does for every other answer: it passes over a 429 without a body, as HeadObject's is."""
    for attempt in range(1, _ATTEMPTS):
        try:
            return method(**arguments)
        except ClientError as error:
            if str(error.response["Error"].get("Code")) != "429":
                raise
            time.sleep(random.uniform(0, min(20, 2**attempt)))  # noqa: S311 - jitter, no secret
    return method(**arguments)


def _said(error: ClientError) -> str:
    answer = error.response["Error"]
    retries = error.response.get("ResponseMetadata", {}).get("RetryAttempts", 0)
    tried = f" (after {retries + 1} attempts)" if retries else ""
    return f"{answer.get('Message') or answer.get('Code')} [{answer.get('Code')}]{tried}"


def _advice(code: str, message: str) -> str | None:
    if code in _EXPIRED:
        return f"Your AWS credentials are not valid any more; sign in anew. {_AGAIN}"
    if "does not have read access" in message:
        return (
            "Publish out of a bucket that the Serverless Application Repository may read: deploy "
            "sar/artifact-bucket.yaml, or give yours its policy."
        )
    if code in _DENIED:
        return f"Your AWS identity lacks this permission, or has expired, or this is another account's. {_AGAIN}"
    return _AGAIN if code in _PASSING or code.startswith("5") else None
