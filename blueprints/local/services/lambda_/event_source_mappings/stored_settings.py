"""The settings of a mapping as the API describes them: complete, with defaults, with numbers as numbers."""

from typing import Any

from blueprints.local.base.properties import is_true
from blueprints.local.services.sqs import MOST_AT_ONCE

_NUMBERS_OF_STREAMS = {
    "BatchSize": 100,
    "MaximumBatchingWindowInSeconds": 0,
    "MaximumRecordAgeInSeconds": -1,
    "MaximumRetryAttempts": -1,
    "ParallelizationFactor": 1,
    "TumblingWindowInSeconds": 0,
}
_NUMBERS_OF_QUEUES = {"BatchSize": MOST_AT_ONCE, "MaximumBatchingWindowInSeconds": 0}
_ONLY_OF_STREAMS = ("StartingPosition", "DestinationConfig")


def complete_stream_settings(stored: dict[str, Any], given: dict[str, Any]) -> None:
    """Complete the stored mapping of a stream; templates may have given numbers as text."""
    for name, default in _NUMBERS_OF_STREAMS.items():
        stored[name] = int(given.get(name, default))
    stored["BisectBatchOnFunctionError"] = is_true(given.get("BisectBatchOnFunctionError"))
    stored["DestinationConfig"] = given.get("DestinationConfig") or {"OnFailure": {}}
    stored["StateTransitionReason"] = "User action"
    _complete(stored, given)


def complete_queue_settings(stored: dict[str, Any], given: dict[str, Any]) -> None:
    """Complete the stored mapping of a queue; templates may have given numbers as text."""
    for name, default in _NUMBERS_OF_QUEUES.items():
        stored[name] = int(given.get(name, default))
    for name in _ONLY_OF_STREAMS:
        stored.pop(name, None)
    concurrency = (given.get("ScalingConfig") or {}).get("MaximumConcurrency")
    stored["ScalingConfig"] = {"MaximumConcurrency": int(concurrency)} if concurrency else None
    stored["StateTransitionReason"] = "USER_INITIATED"
    _complete(stored, given)
    forget_cleared_settings(stored)


def forget_cleared_settings(stored: dict[str, Any]) -> None:
    """Remove settings that an empty value clears, such as `ScalingConfig: {}`."""
    for name in ("FilterCriteria", "ScalingConfig"):
        if not any((stored.get(name) or {}).values()):
            stored.pop(name, None)


def _complete(stored: dict[str, Any], given: dict[str, Any]) -> None:
    stored["FunctionResponseTypes"] = given.get("FunctionResponseTypes") or []
    stored["Enabled"] = is_true(given.get("Enabled", True))
    stored.pop("FilterCriteria", None)
    if given.get("FilterCriteria"):
        stored["FilterCriteria"] = given["FilterCriteria"]
