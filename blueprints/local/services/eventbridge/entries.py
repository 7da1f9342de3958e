"""Refuses events that EventBridge refuses: incomplete, too large, or with a detail that is no JSON object.

The base emulator accepts them, and delivers an empty detail.
Sources: Amazon EventBridge API Reference, PutEvents and PutEventsResultEntry; Amazon EventBridge User Guide,
"Calculating PutEvents event entry size".
"""

import json
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from blueprints.local.base.client_json import read_json
from blueprints.local.base.internals import Internal

PUT = Internal("services.eventbridge", "_put_events", ("data", "allow_aws_source"))
ANSWER = Internal("core.responses", "json_response", ("data", "status", "content_type"))
ERROR = Internal(
    "core.responses", "error_response_json", ("code", "message", "status", "extra", "message_key", "content_type")
)

_REQUIRED = ("Source", "DetailType", "Detail")

_REQUEST_BYTES = 1024 * 1024
_TIME_BYTES = 14

_Entry = dict[str, Any]


def install() -> None:
    """Check every entry; the valid ones of a request are accepted."""
    put: Callable[..., Any] = PUT.current()

    def put_valid(data: dict[str, Any], allow_aws_source: bool = False) -> Any:
        entries = data.get("Entries") or []
        if sum(_size(entry) for entry in entries) > _REQUEST_BYTES:
            return ERROR.current()(
                "ValidationException", "Total size of the entries in the request is over the limit.", 400
            )
        faults = [None if allow_aws_source else _fault(entry) for entry in entries]
        if not any(faults):
            return put(data, allow_aws_source)
        taken = [entry for entry, fault in zip(entries, faults, strict=True) if not fault]
        status, headers, body = put({**data, "Entries": taken}, allow_aws_source)
        if status != HTTPStatus.OK:
            return status, headers, body
        answers = iter(json.loads(body)["Entries"])
        results = [fault or next(answers) for fault in faults]
        failed = sum("ErrorCode" in each for each in results)
        return ANSWER.current()({"FailedEntryCount": failed, "Entries": results})

    PUT.replace(put_valid)


def _fault(entry: _Entry) -> dict[str, str] | None:
    for name in _REQUIRED:
        if not entry.get(name):
            reason = f"Parameter {name} is not valid. Reason: {name} is a required argument."
            return {"ErrorCode": "InvalidArgument", "ErrorMessage": reason}
    detail = entry["Detail"]
    if isinstance(detail, str):  # a state machine's task may give it as an object
        try:
            detail = read_json(detail)
        except ValueError:
            detail = None
    if not isinstance(detail, dict):
        return {"ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed."}
    return None


def _size(entry: _Entry) -> int:
    texts = [entry.get(name) for name in _REQUIRED] + list(entry.get("Resources") or [])
    counted = sum(len(text.encode()) for text in texts if isinstance(text, str))
    return counted + (_TIME_BYTES if entry.get("Time") else 0)
