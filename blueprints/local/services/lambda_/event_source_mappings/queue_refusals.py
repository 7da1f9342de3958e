"""Refuses mappings from SQS queues that Lambda refuses, by their settings, timeouts and permissions.

Source: AWS Lambda API Reference, CreateEventSourceMapping; Developer Guide, "Using Lambda with Amazon SQS".
"""

from dataclasses import dataclass
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.services.lambda_.asynchronous import FunctionAsInvoked
from blueprints.local.services.lambda_.event_source_mappings.permission import denied

QUEUE = Internal("services.sqs", "_queue_by_arn", ("arn",))

_PERMISSIONS = ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")
_MOST, _MOST_AT_ONCE = 10_000, 10
_LONGEST_WINDOW = 300


@dataclass(frozen=True)
class _Queue:
    arn: str

    @property
    def permissions(self) -> tuple[tuple[str, str], ...]:
        return tuple((f"sqs:{action}", self.arn) for action in _PERMISSIONS)


def queue_refusal(properties: dict[str, Any], arn: str, function_arn: str | None) -> str | None:
    """Lambda's error message for a mapping from a queue; None if the mapping can be created."""
    return _settings(properties, is_fifo=arn.endswith(".fifo")) or _queue(arn, function_arn)


def _settings(properties: dict[str, Any], *, is_fifo: bool) -> str | None:
    try:
        size = int(properties.get("BatchSize") or _MOST_AT_ONCE)
        window = int(properties.get("MaximumBatchingWindowInSeconds") or 0)
    except (TypeError, ValueError):
        return "BatchSize and MaximumBatchingWindowInSeconds must be whole numbers."
    most = _MOST_AT_ONCE if is_fifo else _MOST
    if is_fifo and window:
        return "Batching window is not supported for FIFO queues."
    if not 1 <= size <= most:
        return f"Batch size must be between 1 and {most} for this queue, not {size}."
    if not 0 <= window <= _LONGEST_WINDOW:
        return f"Maximum batch window must be between 0 and {_LONGEST_WINDOW} seconds, not {window}."
    if size > _MOST_AT_ONCE and not window:
        return "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10."
    if properties.get("StartingPosition"):
        return "StartingPosition is not valid for SQS event sources."
    return None


def _queue(arn: str, function_arn: str | None) -> str | None:
    queue = QUEUE.current()(arn)
    if queue is None:
        return (
            "Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. "
            f"SQS Error Message: The specified queue does not exist: {arn}."
        )
    function = FunctionAsInvoked.named(function_arn) if function_arn else None
    if function is None:
        return None
    config = function.record["config"]
    missing = denied(config, _Queue(arn))
    if missing:
        action = next((each for each in _PERMISSIONS if f"sqs:{each} " in missing), _PERMISSIONS[0])
        return f"The provided execution role does not have permissions to call {action} on SQS."
    visible, timeout = int(queue["attributes"].get("VisibilityTimeout", 30)), int(config.get("Timeout") or 3)
    if visible < timeout:
        return f"Queue visibility timeout: {visible} seconds is less than Function timeout: {timeout} seconds"
    return None
