"""Advice about an invocation that failed because it names a resource that does not exist."""

import re

from blueprints.local.cloud import FunctionResponse
from blueprints.stacks.stack import Stack

_MISSING = re.compile(r"An error occurred \((?P<code>[\w.]*(NoSuch|NotFound|NonExistent|DoesNotExist)[\w.]*)\)")


def advice_on(answer: FunctionResponse, stack: Stack, pattern: str) -> str | None:
    """What to do about an invocation that did not find a resource, as the names in a sample event do not exist."""
    said = answer.payload.get("errorMessage") if answer.failed and isinstance(answer.payload, dict) else None
    missing = _MISSING.search(str(said))
    if missing is None:
        return None
    outputs = "".join(f"\n    {name} = {value}" for name, value in stack.outputs.items())
    return (
        f"The event or the function names a resource that does not exist ({missing['code']}): the embedded AWS has "
        f"only the stack's resources.\n  To trigger the function with a real event, run 'blueprints up {pattern}' and "
        f"do there what the event describes.\n  The stack has these outputs:{outputs or ' none'}"
    )
