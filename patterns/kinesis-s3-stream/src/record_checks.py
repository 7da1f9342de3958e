"""Tells records that can be stored from poison: what no retry will mend, and no reader of the lake could read."""

import json
import re
from collections.abc import Callable
from itertools import accumulate
from typing import Any

import msgspec
from json_schema import schema_type

__all__ = ["DEEPEST", "Check", "Poison", "build_check"]

DEEPEST = 500
"""Levels of arrays and objects; parsers differ widely in what they take, and some crash."""

Check = Callable[[bytes], None]

_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"')
_LEVELS = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_NO_BRACKETS = bytes(set(range(256)) - set(_LEVELS))


class Poison(Exception):
    """The record is at fault, so a retry would change nothing. `code` is for machines, the message for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class _AnyObject(msgspec.Struct):
    """Has no fields: everything in an object is passed over, which still holds it to JSON's grammar."""


def build_check(schema: dict[str, Any] | None = None, *, refuse_duplicate_names: bool = False) -> Check:
    """A function that raises Poison for what is not one JSON object in UTF-8 that is valid for the schema.

    Nothing but what the schema names is decoded. Two members of one name are legal JSON (RFC 8259, section 4) and their
    detection costs more than all the rest together, so it has to be asked for.
    """
    decode = msgspec.json.Decoder(_AnyObject if schema is None else schema_type(schema)).decode

    def check(data: bytes) -> None:
        try:
            if not data.isascii():
                data.decode()
            decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise _as_poison(data, error) from None
        if len(data) > 2 * DEEPEST and _may_be_too_deep(data):
            _check_depth(data)
        if refuse_duplicate_names:
            json.loads(data, object_pairs_hook=_check_names)

    return check


def _as_poison(data: bytes, error: Exception) -> Poison:
    if not data:
        return Poison("empty", "the record has no bytes")
    if isinstance(error, UnicodeDecodeError):
        return Poison("not-utf-8", f"byte {data[error.start]:#04x} at {error.start} is not UTF-8")
    if isinstance(error, RecursionError):
        return _too_deep()
    if isinstance(error, msgspec.ValidationError):
        return Poison("schema", str(error))
    return Poison("not-json", str(error))


def _may_be_too_deep(data: bytes) -> bool:
    """Counts brackets only where they have room: a level is 2 bytes of an array, 5 of an object (the innermost 2)."""
    room_for_arrays = abs(data.rfind(b"]") - data.find(b"["))
    if 2 * len(data) + 3 * room_for_arrays <= 10 * DEEPEST:
        return False
    return data.count(b"[") + data.count(b"{") > DEEPEST


def _check_depth(data: bytes) -> None:
    """Called with valid JSON, where every string ends: brackets in strings are cut out, the others counted."""
    brackets = _STRING.sub(b"", data).translate(None, _NO_BRACKETS)
    if max(accumulate(_LEVELS[bracket] for bracket in brackets)) > DEEPEST:
        raise _too_deep()


def _too_deep() -> Poison:
    return Poison("too-deep", f"arrays and objects are nested more than {DEEPEST} levels deep")


def _check_names(members: list[tuple[str, Any]]) -> None:
    if len({name for name, _ in members}) < len(members):
        names = [name for name, _ in members]
        twice = next(name for name in names if names.count(name) > 1)
        raise Poison("duplicate-name", f"an object has two members named {twice[:100]!r}")
