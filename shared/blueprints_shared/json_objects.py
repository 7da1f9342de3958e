"""Checks that bytes are one JSON object in UTF-8 that every parser can read, and that a JSON Schema allows.

Needs msgspec in the function's requirements.
"""

import json
import re
from collections.abc import Callable
from itertools import accumulate
from typing import Any

from blueprints_shared.json_schema import UnsupportedSchema, schema_type
from blueprints_shared.requirement import requirement

with requirement("msgspec"):
    import msgspec

__all__ = ["MAX_DEPTH", "Check", "InvalidJson", "UnsupportedSchema", "build_check"]

MAX_DEPTH = 500
"""Levels of arrays and objects. Parsers differ widely in how many they accept, and some crash."""

Check = Callable[[bytes], None]
"""Raises InvalidJson if the bytes are not acceptable."""

_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"')
_LEVELS = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_NO_BRACKETS = bytes(set(range(256)) - set(_LEVELS))


class InvalidJson(Exception):
    """The input is at fault, so a retry does not help. `code` is for programs, the message for people.

    Codes: `empty`, `not-utf-8`, `not-json`, `schema`, `too-deep`, `duplicate-name`.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class _AnyObject(msgspec.Struct):
    """Has no fields, so msgspec skips the content of an object; it still checks the grammar of what it skips."""


def build_check(schema: dict[str, Any] | None = None, *, refuse_duplicate_names: bool = False) -> Check:
    """Return a function that raises InvalidJson unless its argument is a JSON object that is valid for `schema`.

    The function decodes only what the schema names. Two members with one name are legal JSON (RFC 8259, section 4), and
    refusing them takes longer than all other checks together. Raises UnsupportedSchema.
    """
    decode = msgspec.json.Decoder(_AnyObject if schema is None else schema_type(schema)).decode

    def check(data: bytes) -> None:
        try:
            if not data.isascii():
                data.decode()
            decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise _as_invalid_json(data, error) from None
        if len(data) > 2 * MAX_DEPTH and _may_be_too_deep(data):
            _check_depth(data)
        if refuse_duplicate_names:
            # Numbers stay text: int() raises ValueError if one has more than 4,300 digits.
            json.loads(data, object_pairs_hook=_check_names, parse_int=str)

    return check


def _as_invalid_json(data: bytes, error: Exception) -> InvalidJson:
    if not data:
        return InvalidJson("empty", "there are no bytes")
    if isinstance(error, UnicodeDecodeError):
        return InvalidJson("not-utf-8", f"byte {data[error.start]:#04x} at {error.start} is not UTF-8")
    if isinstance(error, RecursionError):
        return _too_deep()
    if isinstance(error, msgspec.ValidationError):
        return InvalidJson("schema", str(error))
    return InvalidJson("not-json", str(error))


def _may_be_too_deep(data: bytes) -> bool:
    """Whether there is room for too many levels: one takes 2 bytes as an array, 5 as an object (2 if innermost)."""
    room_for_arrays = abs(data.rfind(b"]") - data.find(b"["))
    if 2 * len(data) + 3 * room_for_arrays <= 10 * MAX_DEPTH:
        return False
    return data.count(b"[") + data.count(b"{") > MAX_DEPTH


def _check_depth(data: bytes) -> None:
    """Count the levels of valid JSON, without the brackets in its strings."""
    brackets = _STRING.sub(b"", data).translate(None, _NO_BRACKETS)
    if max(accumulate(_LEVELS[bracket] for bracket in brackets)) > MAX_DEPTH:
        raise _too_deep()


def _too_deep() -> InvalidJson:
    return InvalidJson("too-deep", f"arrays and objects are nested more than {MAX_DEPTH} levels deep")


def _check_names(members: list[tuple[str, Any]]) -> None:
    if len({name for name, _ in members}) < len(members):
        names = [name for name, _ in members]
        repeated = next(name for name in names if names.count(name) > 1)
        raise InvalidJson("duplicate-name", f"an object has two members named {repeated[:100]!r}")
