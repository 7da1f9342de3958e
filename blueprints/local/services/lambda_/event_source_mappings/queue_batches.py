"""Decides which messages of a batch are deleted from their SQS queue, by the function's response.

The base emulator deletes every message that the response does not name, also if the response names none of the batch.
Messages that the filter excludes are received again there, and end up among the dead letters.
Sources: AWS Lambda Developer Guide, "Handling errors for an SQS event source" and "Using event filtering with SQS".
"""

import time
from collections.abc import Iterable
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.services.lambda_.event_source_mappings.answers import unprocessed
from blueprints.local.services.lambda_.event_source_mappings.policy import PARTIAL_RESPONSES

RUN = Internal(
    "services.lambda_svc", "_run_sqs_batch", ("esm", "func_rec", "event", "batch", "queue_url", "queue_name")
)
EXECUTE = Internal("services.lambda_svc", "_execute_function", ("func", "event"))
PAUSED_UNTIL = Internal("services.lambda_svc", "_esm_backoff_until")
PAUSE_SECONDS = Internal("services.lambda_svc", "_ESM_BACKOFF_SECONDS")
DELETE = Internal("services.sqs", "_delete_messages_for_esm", ("queue_url", "receipt_handles"))

_Message = dict[str, Any]


def install() -> None:
    """Replace the base emulator's handling of a batch."""
    RUN.replace(_run)


def _run(
    esm: dict[str, Any],
    func_rec: dict[str, Any],
    event: dict[str, Any],
    batch: list[_Message],
    queue_url: str,
    queue_name: str,  # noqa: ARG001 - the base emulator names it in its log
) -> None:
    sent = {record["messageId"] for record in event["Records"]}
    _delete(queue_url, (message for message in batch if message["id"] not in sent))
    partial = PARTIAL_RESPONSES in (esm.get("FunctionResponseTypes") or ())
    result = EXECUTE.current()(func_rec, event)
    kept = unprocessed(result, sorted(sent), partial_responses=partial)
    _delete(queue_url, (message for message in batch if message["id"] in sent - kept))
    if result.get("error"):
        esm["LastProcessingResult"] = "FAILED"
        PAUSED_UNTIL.current()[esm["UUID"]] = time.time() + PAUSE_SECONDS.current()
        return
    PAUSED_UNTIL.current().pop(esm["UUID"], None)
    failures = f", {len(kept)} partial failures" if kept else ""
    esm["LastProcessingResult"] = f"OK - {len(sent - kept)} records{failures}"


def _delete(queue_url: str, messages: Iterable[_Message]) -> None:
    DELETE.current()(queue_url, {message["receipt_handle"] for message in messages if message.get("receipt_handle")})
