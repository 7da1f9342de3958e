"""The input that an execution is started with."""

from typing import Any

from blueprints.local.base.protocol import ServiceError
from blueprints.states_language import json_faults, json_text

_MOST_BYTES = 262_144


def read_input(text: str) -> Any:
    """The value of an execution's input. Raises InvalidExecutionInput."""
    if not text.strip():
        raise _invalid("Invalid execution input.")
    if len(text.encode(errors="surrogatepass")) > _MOST_BYTES:
        raise _invalid(f"Input exceeds the maximum size of {_MOST_BYTES} bytes.")
    try:
        return json_text.read(text)
    except ValueError as error:
        raise _invalid(json_faults.words(text, error)) from None


def _invalid(fault: str) -> ServiceError:
    return ServiceError("InvalidExecutionInput", f"Invalid State Machine Execution Input: '{fault}'")
