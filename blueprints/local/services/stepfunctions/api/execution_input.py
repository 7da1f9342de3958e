"""The input that an execution is started with."""

import re
from typing import Any

from blueprints.local.base.client_json import read_json
from blueprints.local.base.protocol import ServiceError

_MOST_BYTES = 262_144
_WORD = re.compile(r"[A-Za-z_$][\w$]*")
_JSON_WORDS = ("true", "false", "null")
_VALUES = "JSON String, Number, Array, Object or token 'null', 'true' or 'false'"


def read_input(text: str) -> Any:
    """The value of an execution's input. Raises InvalidExecutionInput."""
    if not text.strip():
        raise _invalid("Invalid execution input.")
    if len(text.encode(errors="surrogatepass")) > _MOST_BYTES:
        raise _invalid(f"Input exceeds the maximum size of {_MOST_BYTES} bytes.")
    try:
        return read_json(text, parse_constant=_refuse_constant)
    except ValueError as error:
        raise _invalid(_described(text, error)) from None


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"Non-standard token '{name}': enable JsonParser.Feature.ALLOW_NON_NUMERIC_NUMBERS to allow")


def _described(text: str, error: ValueError) -> str:
    """A parser's error as AWS words the common ones."""
    position = getattr(error, "pos", None)
    if position is None:
        return str(error)
    rest = text[position:].lstrip()
    word = _WORD.match(rest)
    if not rest:
        return "Unexpected end-of-input"
    if "property name" in str(error):
        return (
            f"Unexpected character ('{rest[0]}' (code {ord(rest[0])})): was expecting double-quote to start field name"
        )
    if "Expecting value" in str(error) and word and word[0] not in _JSON_WORDS:
        return f"Unrecognized token '{word[0]}': was expecting ({_VALUES})"
    return f"Unexpected character ('{rest[0]}' (code {ord(rest[0])})): {error.args[0]}"


def _invalid(fault: str) -> ServiceError:
    return ServiceError("InvalidExecutionInput", f"Invalid State Machine Execution Input: '{fault}'")
