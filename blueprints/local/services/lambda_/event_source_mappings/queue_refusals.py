"""Refuses mappings from SQS queues that Lambda refuses, by their settings, timeouts and permissions.

Sources: AWS Lambda API Reference, CreateEventSourceMapping; Developer Guide, "Using Lambda with Amazon SQS". The
messages are those that Lambda was seen to give.
"""

import re
from typing import Any

from blueprints.local.services.lambda_.asynchronous import FunctionAsInvoked
from blueprints.local.services.lambda_.event_source_mappings.permission import denied, undecryptable
from blueprints.local.services.lambda_.event_source_mappings.policy import PARTIAL_RESPONSES
from blueprints.local.services.lambda_.event_source_mappings.refusals import WHOLE, bad_filter, unsupported_property
from blueprints.local.services.sqs import MOST_AT_ONCE, QueueSource

VALIDATION = "1 validation error detected: "
"""Messages that begin so are of ValidationException, others of InvalidParameterValueException."""

_QUEUE_ARN = re.compile(r"arn:[a-z-]+:sqs:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+(\.fifo)?")
_OF_OTHER_SOURCES = (
    "BisectBatchOnFunctionError",
    "MaximumRecordAgeInSeconds",
    "MaximumRetryAttempts",
    "ParallelizationFactor",
    "Queues",
    "SelfManagedEventSource",
    "SourceAccessConfigurations",
    "StartingPositionTimestamp",
    "Topics",
    "TumblingWindowInSeconds",
)
_RANGES = {"BatchSize": (1, 10_000), "MaximumBatchingWindowInSeconds": (0, 300)}
_CONCURRENCY_RANGE = (2, 1000)


def queue_refusal(properties: dict[str, Any], arn: str, function_arn: str | None) -> str | None:
    """Lambda's error message for a mapping from a queue; None if the mapping can be created or changed."""
    if not _QUEUE_ARN.fullmatch(arn):
        return f"Event source {arn} is no ARN of a queue; take the Arn of a queue."
    return (
        _parameter_of_other_sources(properties)
        or _out_of_range(properties)
        or _bad_response_type(properties)
        or _bad_batching(properties, is_fifo=arn.endswith(".fifo"))
        or unsupported_property(properties)
        or bad_filter(properties, "sqs")
        or (_bad_queue(arn, function_arn) if function_arn else None)
    )


def _parameter_of_other_sources(properties: dict[str, Any]) -> str | None:
    if properties.get("StartingPosition"):
        return "StartingPosition is not valid for SQS event sources."
    named = [name for name in _OF_OTHER_SOURCES if properties.get(name) is not None]
    if any((properties.get("DestinationConfig") or {}).values()):
        named.append("DestinationConfig")
    return f"Unsupported {named[0]} parameter for given event source mapping type." if named else None


def _out_of_range(properties: dict[str, Any]) -> str | None:
    concurrency = (properties.get("ScalingConfig") or {}).get("MaximumConcurrency")
    limited = [(properties.get(name), name[:1].lower() + name[1:], limits) for name, limits in _RANGES.items()]
    for value, path, (least, most) in [*limited, (concurrency, "scalingConfig.maximumConcurrency", _CONCURRENCY_RANGE)]:
        if value is None:
            continue
        failed = f"{VALIDATION}Value '{value}' at '{path}' failed to satisfy constraint: Member must "
        if not WHOLE.fullmatch(str(value)):
            return f"{failed}be an integer"
        if int(value) < least:
            return f"{failed}have value greater than or equal to {least}"
        if int(value) > most:
            return f"{failed}have value less than or equal to {most}"
    return None


def _bad_response_type(properties: dict[str, Any]) -> str | None:
    named = [str(each) for each in properties.get("FunctionResponseTypes") or ()]
    if all(each == PARTIAL_RESPONSES for each in named):
        return None
    return (
        f"{VALIDATION}Value '[{', '.join(named)}]' at 'functionResponseTypes' failed to satisfy constraint: Member "
        f"must satisfy constraint: [Member must satisfy enum value set: [{PARTIAL_RESPONSES}]]"
    )


def _bad_batching(properties: dict[str, Any], *, is_fifo: bool) -> str | None:
    window = int(properties.get("MaximumBatchingWindowInSeconds") or 0)
    if is_fifo and window:
        return "Batching window is not supported for FIFO queues"
    if int(properties.get("BatchSize") or MOST_AT_ONCE) > MOST_AT_ONCE and not window:
        return "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10"
    return None


def _bad_queue(arn: str, function_arn: str) -> str | None:
    """Why the function cannot read the queue: where it is, whether it exists, permissions, visibility timeout."""
    region, account = function_arn.split(":")[3:5]
    if arn.split(":")[3] != region:
        return f"Event source region must match Lambda region {region}"
    if arn.split(":")[4] != account:
        return f"Event source {arn}: queues of other accounts are not emulated by the embedded AWS."
    queue = QueueSource(arn)
    if not queue.exists:
        return _not_received("AWS.SimpleQueueService.NonExistentQueue", f"The specified queue does not exist: {arn}.")
    function = FunctionAsInvoked.named(function_arn)
    return _unreadable(queue, function.record["config"]) if function else None


def _unreadable(queue: QueueSource, config: dict[str, Any]) -> str | None:
    for permission in queue.permissions:
        if denied(config, (permission,)):
            action = permission[0].partition(":")[2]
            return f"The provided execution role does not have permissions to call {action} on SQS"
    no_key = undecryptable(config, queue.arn)
    if no_key:
        return _not_received("KMS.AccessDeniedException", no_key)
    visible, timeout = queue.visibility_timeout, int(config.get("Timeout") or 3)
    if visible < timeout:
        return f"Queue visibility timeout: {visible} seconds is less than Function timeout: {timeout} seconds"
    return None


def _not_received(code: str, message: str) -> str:
    return f"Error occurred while ReceiveMessage. SQS Error Code: {code}. SQS Error Message: {message}"
