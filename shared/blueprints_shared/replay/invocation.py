"""One invocation of a function."""

import json
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

__all__ = ["NotReplayed", "encode", "function_name", "invoke"]


class NotReplayed(Exception):
    """A failure stays where it is; the message says why."""


def invoke(functions: Any, function: str, event: Any) -> Any:
    """Invoke a function and return its answer; `functions` is a client of Lambda, `function` a name or an ARN.

    Raises NotReplayed if the function fails or gives no answer.
    """
    try:
        response = functions.invoke(FunctionName=function, Payload=encode(event))
        answer = json.loads(response["Payload"].read())
    except (BotoCoreError, ClientError, ValueError, RecursionError) as error:
        raise NotReplayed(f"{type(error).__name__}: {error}") from error
    if response.get("FunctionError"):
        raise NotReplayed(f"the function failed with {_described(answer)}")
    return answer


def encode(event: Any) -> bytes:
    """An event as JSON in UTF-8, as short as possible: the event that Lambda sent was not longer, so it fits again.

    Halves of surrogate pairs, which UTF-8 has no bytes for, stay escaped.
    """
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode(errors="backslashreplace")


def function_name(arn: str) -> str:
    """The name in the ARN of a function, a version or an alias; empty if it is none."""
    return (arn.split(":") + [""] * 7)[6]


def _described(answer: Any) -> str:
    if isinstance(answer, dict) and "errorMessage" in answer:
        return ": ".join(str(answer[name]) for name in ("errorType", "errorMessage") if answer.get(name))
    return json.dumps(answer)[:200]
