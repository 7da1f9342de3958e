"""What the handlers of all steps share: how they are called, what they answer, and which errors are transient."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnection

Order = dict[str, Any]
Step = Callable[[Order], dict[str, Any]]

_TRANSIENT = {
    "InternalServerError",
    "LimitExceededException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ServiceUnavailable",
    "ThrottlingException",
    "TransactionConflictException",
    "TransactionInProgressException",
}


class Unavailable(Exception):
    """A service did not answer, or is throttling. The state machine retries errors of this name."""


def run_step(steps: Mapping[str, Step], event: dict[str, Any], logger: Any) -> dict[str, Any]:
    """Run the step that the state machine asks for, and log its answer; the order itself is not logged.

    The answer has `outcome`, and `reason` if the outcome is "refused". A refusal is a business answer, not an error.
    """
    answer = steps[event["step"]](event["order"])
    logger.info(event["step"], extra={"order_id": event["order"]["order_id"], **answer})
    return answer


def refused(reason: str) -> dict[str, Any]:
    """The answer of a step that cannot be done for a business reason; `reason` is for the customer."""
    return {"outcome": "refused", "reason": reason}


@contextmanager
def retriable() -> Iterator[None]:
    """Raise Unavailable in place of transient errors of AWS: throttling, failures of a service, no connection."""
    try:
        yield
    except ClientError as error:
        if error.response["Error"]["Code"] in _TRANSIENT or _status(error) >= 500:
            raise Unavailable(str(error)) from error
        raise
    except (NoConnection, HTTPClientError) as error:
        raise Unavailable(str(error)) from error


def _status(error: ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
