"""The input that an execution is started with."""

from typing import Any

from blueprints.local.base.client_json import read_json
from blueprints.local.base.protocol import ServiceError
from blueprints.states_language import json_faults

_MOST_BYTES = 262_144


def read_input(text: str) -> Any:
    """The value of an execution's input. Raises InvalidExecutionInput."""
    if not text.strip():
        raise _invalid("Invalid execution input.")
    if len(text.encode(errors="surrogatepass")) > _MOST_BYTES:
        raise _invalid(f"Input exceeds the maximum size of {_MOST_BYTES} bytes.")
    try:
        return read_json(text, parse_constant=_refuse_constant)
    except ValueError as error:
        raise _invalid(json_faults.words(text, error)) from None


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"Non-standard token '{name}': enable JsonParser.Feature.ALLOW_NON_NUMERIC_NUMBERS to allow")


def _invalid(fault: str) -> ServiceError:
    return ServiceError("InvalidExecutionInput", f"Invalid State Machine Execution Input: '{fault}'")
