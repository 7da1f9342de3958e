"""Calls to AWS: retried a bounded number of times, and failures raised as BlueprintErrors that name the call."""

import random
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError

from blueprints.errors import BlueprintError

_ATTEMPTS = 8
RETRYING = Config(retries={"mode": "standard", "total_max_attempts": _ATTEMPTS}, connect_timeout=10, read_timeout=120)
"""Eight attempts, with exponential back-off and jitter, on 429, 5xx and lost connections."""

EXPIRED = {
    "ExpiredToken", "ExpiredTokenException", "RequestExpired", "InvalidClientTokenId", "UnrecognizedClientException",
    "InvalidAccessKeyId", "TokenRefreshRequired",
}  # fmt: skip
DENIED = {"AccessDenied", "AccessDeniedException", "ForbiddenException", "400", "403"}
_TEMPORARY = {"429", "InternalError", "InternalServerErrorException", "SlowDown", "TooManyRequestsException"}
_AGAIN = "Run it again: it continues where it stopped, and does nothing twice."


class Conflict(Exception):
    """What the call creates exists already: another process was faster."""


def call(method: Callable[..., Any], operation: str, about: str, /, **arguments: Any) -> Any:
    """Call a boto3 method. `operation` and `about` name the call and its subject in errors.

    Raises Conflict, or BlueprintError with the service's message.
    """
    try:
        return _call_with_retries(method, arguments)
    except ClientError as error:
        code = _code(error)
        if code in ("ConflictException", "ConditionalRequestConflict"):
            raise Conflict(str(error)) from error
        raise BlueprintError(
            f"{operation} failed: {_message(error)}", where=about, advice=_advice(code, str(error))
        ) from error
    except BotoCoreError as error:
        raise BlueprintError(f"{operation} failed: {error}", where=about, advice=_AGAIN) from error


def error_code(error: BaseException) -> str | None:
    """The service's error code, such as `NoSuchBucket`, of an error that `call` raised; None if it has none."""
    return _code(error.__cause__) if isinstance(error.__cause__, ClientError) else None


def error_message(error: BaseException) -> str:
    """The service's own message of an error that `call` raised."""
    if not isinstance(error.__cause__, ClientError):
        return str(error)
    return str(error.__cause__.response["Error"].get("Message") or error)


def is_on_this_machine(client: Any) -> bool:
    """Whether a boto3 client's endpoint is on this machine, as that of the embedded AWS is."""
    return urlsplit(client.meta.endpoint_url).hostname in ("127.0.0.1", "::1", "localhost")


def _call_with_retries(method: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    """Retry a 429 without a body, such as HeadObject's, which the SDK does not retry."""
    for attempt in range(1, _ATTEMPTS):
        try:
            return method(**arguments)
        except ClientError as error:
            if _code(error) != "429":
                raise
            time.sleep(random.uniform(0, min(20, 2**attempt)))  # noqa: S311 - jitter, no secret
    return method(**arguments)


def _code(error: ClientError) -> str:
    return str(error.response["Error"].get("Code"))


def _message(error: ClientError) -> str:
    answer = error.response["Error"]
    retries = error.response.get("ResponseMetadata", {}).get("RetryAttempts", 0)
    tried = f" (after {retries + 1} attempts)" if retries else ""
    return f"{answer.get('Message') or answer.get('Code')} [{answer.get('Code')}]{tried}"


def _advice(code: str, message: str) -> str | None:
    if code in EXPIRED:
        return f"Your AWS credentials are not valid any more; sign in again. {_AGAIN}"
    if "does not have read access" in message:
        return (
            "Publish from a bucket that the Serverless Application Repository may read: deploy "
            "sar/artifact-bucket.yaml, or give your bucket its policy."
        )
    if code in DENIED:
        return f"Your AWS identity lacks this permission or has expired, or the resource is another account's. {_AGAIN}"
    return _AGAIN if code in _TEMPORARY or code.startswith("5") else None


def advice_on(error: Exception) -> str | None:
    """What to do about an exception of botocore; None if its message says it, or if it is another exception."""
    if isinstance(error, EndpointConnectionError):
        return "Nothing answers at this URL. Check that 'blueprints up' is still running; on AWS, check the Region."
    code = _code(error) if isinstance(error, ClientError) else None
    if code in EXPIRED:
        return "Your AWS credentials are not valid any more; sign in again."
    if code in DENIED:
        return "Your AWS identity lacks this permission, or the resource belongs to another account."
    return None
