"""What went wrong inside a deployed stack: the errors its functions logged, for whoever waits in vain."""

import json
import re
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from blueprints.local.cloud import Answer
from blueprints.local.deployment import Stack

_MOST_PER_FUNCTION = 5
_MISSING = re.compile(r"An error occurred \((?P<code>[\w.]*(NoSuch|NotFound|NonExistent|DoesNotExist)[\w.]*)\)")
_PLATFORM_ERROR = re.compile(
    r"RequestId: \S+ Error: (?P<exit>.*)\n(?P<type>Runtime\.\w+)|\S+Z \S+ (?P<timeout>Task timed out after .*)"
)


def logged_errors(client: Callable[[str], Any], stack: Stack) -> dict[str, list[str]]:
    """The distinct errors each function logged, oldest first, by logical id; functions without errors are left out.

    `client` makes a boto3 client of a service.
    """
    errors = {
        function.logical_id: _errors(client, function.physical_id)
        for function in stack.of_type("AWS::Lambda::Function")
    }
    return {logical_id: found[:_MOST_PER_FUNCTION] for logical_id, found in errors.items() if found}


def advice_on(answer: Answer, stack: Stack, pattern: str) -> str | None:
    """What to do about an invocation that missed something; a sample event's names are none of the stack's."""
    said = answer.payload.get("errorMessage") if answer.failed and isinstance(answer.payload, dict) else None
    missing = _MISSING.search(str(said))
    if missing is None:
        return None
    outputs = "".join(f"\n    {name} = {value}" for name, value in stack.outputs.items())
    return (
        f"The event or the function names something that does not exist ({missing['code']}): there are only the "
        f"stack's own resources.\n  To get a real event, run 'blueprints up {pattern}' and do there what the event "
        f"describes.\n  The stack's outputs here:{outputs or ' none'}"
    )


def _errors(client: Callable[[str], Any], function_name: str) -> list[str]:
    configuration = client("lambda").get_function_configuration(FunctionName=function_name)
    logs = client("logs")
    try:
        pages = logs.get_paginator("filter_log_events").paginate(
            logGroupName=configuration["LoggingConfig"]["LogGroup"]
        )
        messages = [event["message"] for page in pages for event in page["events"]]
    except ClientError:
        return []  # no log group: the function never ran
    return list(dict.fromkeys(filter(None, map(_error_in, messages))))


def _error_in(message: str) -> str | None:
    """The error a log line tells of, in a line: text as the runtime writes it, or JSON with level and message."""
    if message.startswith("[ERROR]"):
        return message.removeprefix("[ERROR]").strip().splitlines()[0]
    platform = _PLATFORM_ERROR.fullmatch(message)
    if platform:
        return ": ".join(filter(None, (platform["type"], platform["exit"] or platform["timeout"])))
    if not message.startswith("{"):
        return None
    try:
        entry: dict[str, Any] = json.loads(message)
    except ValueError:
        return None
    if entry.get("level") not in ("ERROR", "CRITICAL"):
        return None
    parts = (entry.get("errorType"), entry.get("errorMessage"), entry.get("message"), entry.get("exception"))
    return ": ".join(str(part).strip().splitlines()[-1] for part in parts if part) or None
