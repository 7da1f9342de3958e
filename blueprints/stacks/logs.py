"""The errors that the functions of a stack logged."""

import json
import re
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from blueprints.stacks.stack import Stack

_MOST_PER_FUNCTION = 5
_PLATFORM_ERROR = re.compile(
    r"RequestId: \S+ Error: (?P<exit>.*)\n(?P<type>Runtime\.\w+)|\S+Z \S+ (?P<timeout>Task timed out after .*)"
)


def logged_errors(client: Callable[[str], Any], stack: Stack, since: float | None = None) -> dict[str, list[str]]:
    """The distinct errors each function logged, oldest first, by logical id; functions without errors are left out.

    `client` makes a boto3 client of a service; `since`, in seconds since 1970, leaves out what was logged before.
    Raises botocore's ClientError if the logs cannot be read.
    """
    errors = {
        function.logical_id: _errors(client, function.physical_id, since)
        for function in stack.of_type("AWS::Lambda::Function")
    }
    return {logical_id: found[:_MOST_PER_FUNCTION] for logical_id, found in errors.items() if found}


def described_errors(client: Callable[[str], Any], stack: Stack, since: float | None = None) -> str | None:
    """The errors as text for a person, one a line, or why they cannot be read; None if there are none."""
    try:
        logged = logged_errors(client, stack, since)
    except ClientError as error:
        return f"The logs of its functions could not be read: {error}"
    lines = [f"{function}: {line}" for function, errors in logged.items() for line in errors]
    return "The functions logged:\n    " + "\n    ".join(lines) if lines else None


def _errors(client: Callable[[str], Any], function_name: str, since: float | None) -> list[str]:
    configuration = client("lambda").get_function_configuration(FunctionName=function_name)
    group = configuration["LoggingConfig"]["LogGroup"]
    start = {} if since is None else {"startTime": int(since * 1000)}
    try:
        pages = client("logs").get_paginator("filter_log_events").paginate(logGroupName=group, **start)
        events = [event for page in pages for event in page["events"]]
    except ClientError as error:
        if error.response["Error"].get("Code") != "ResourceNotFoundException":
            raise
        return []  # no log group: the function never ran
    if group != f"/aws/lambda/{function_name}":
        # Functions may share this group; there, the name of a stream contains the function's: DAY/FUNCTION[VERSION]ID.
        events = [event for event in events if f"/{function_name}[" in event["logStreamName"]]
    return list(dict.fromkeys(filter(None, (_error_in(event["message"]) for event in events))))


def _error_in(message: str) -> str | None:
    """The error that a log line reports, in one line: the runtime's text, or JSON with a level and a message."""
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
