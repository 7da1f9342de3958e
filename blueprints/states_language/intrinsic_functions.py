"""Intrinsic functions, such as `States.Format('{} of {}', $.name, States.ArrayLength($.items))`."""

import base64
import binascii
import hashlib
import json
import math
import random
import re
import uuid
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from blueprints.states_language import json_path, json_text
from blueprints.states_language.failures import INTRINSIC_FAILURE, runtime_failure
from blueprints.states_language.intrinsic_syntax import (
    Call,
    InvalidCall,
    Literal,
    PathArgument,
    parse,
)
from blueprints.states_language.java_text import text_of
from blueprints.states_language.json_text import dump, equal
from blueprints.states_language.visible_data import MISSING, VisibleData

_LONGEST_TEXT = 10_000
_LONGEST_RANGE = 1_000

Evaluate = Callable[[VisibleData], Any]


class FunctionFailed(Exception):
    """A function does not accept its arguments; the message says why."""


def call(text: str, data: VisibleData) -> Any:
    """Return the value of an intrinsic function call. Raises StateFailed."""
    return _compiled(text)(data)


@lru_cache(maxsize=10_000)
def _compiled(text: str) -> Evaluate:
    try:
        parsed = parse(text)
    except InvalidCall as error:
        reason = str(error)

        def refuse(data: VisibleData) -> Any:
            raise runtime_failure(data, f"Invalid path '{text}': {reason}")

        return refuse
    evaluate = _call(parsed)

    def evaluate_or_fail(data: VisibleData) -> Any:
        try:
            return evaluate(data)
        except FunctionFailed as error:
            cause = f"The function '{text}' had the following error: {error}"
            raise runtime_failure(data, cause, INTRINSIC_FAILURE) from error

    return evaluate_or_fail


def _call(parsed: Call) -> Evaluate:
    function = FUNCTIONS[parsed.name]
    if parsed.name == "States.Format" and parsed.arguments and isinstance(parsed.arguments[0], Literal):
        # In the text itself, escaped braces are no place holders; in a text from a path, every {} is one.
        template = split_template(parsed.arguments[0].written)
        values = [_argument(argument) for argument in parsed.arguments[1:]]
        return lambda data: join_template(template, [value(data) for value in values])
    arguments = [_argument(argument) for argument in parsed.arguments]
    return lambda data: function(*(argument(data) for argument in arguments))


def _argument(argument: Any) -> Evaluate:
    if isinstance(argument, Call):
        return _call(argument)
    if isinstance(argument, Literal):
        value = argument.value
        return lambda data: value  # noqa: ARG005  # as every argument
    assert isinstance(argument, PathArgument)
    path = argument.path

    def read(data: VisibleData) -> Any:
        found = json_path.find(path, data)
        if found is MISSING:
            source = data.context if path.startswith("$$") else data.input
            message = f"The JsonPath argument for the field '{path}' could not be found in the input '{dump(source)}'"
            raise FunctionFailed(message)
        return found

    return read


def split_template(written: str) -> list[str]:
    """Split the template of States.Format at its place holders, and take the escapes out of the parts."""
    parts = [""]
    position = 0
    while position < len(written):
        if written.startswith("\\", position) and position + 1 < len(written):
            escaped = written[position + 1]
            parts[-1] += escaped if escaped in "'{}\\" else written[position : position + 2]
            position += 2
        elif written.startswith("{}", position):
            parts.append("")
            position += 2
        else:
            parts[-1] += written[position]
            position += 1
    return parts


def join_template(template: list[str], values: list[Any]) -> str:
    """Return the template with a value at each place holder."""
    if len(values) != len(template) - 1:
        raise FunctionFailed(
            f"The number of arguments does not match the number of occurrences of {{}} in the template string: "
            f"{len(values)} and {len(template) - 1}"
        )
    parts = [template[0]]
    for value, text in zip(values, template[1:], strict=True):
        parts += [text_of(value), text]
    return "".join(parts)


def _format(template: Any, *values: Any) -> str:
    return join_template(split_template(_text(template)), list(values))


def _string_to_json(text: Any) -> Any:
    if text is None or not _text(text).strip():
        return None
    try:
        return json_text.read(text)
    except ValueError as error:
        raise FunctionFailed(f"Invalid JSON: {error}") from error


def _array(*values: Any) -> list[Any]:
    return list(values)


def _array_partition(array: Any, size: Any) -> list[Any]:
    values, length = _list(array), _whole(size)
    if length < 1:
        raise FunctionFailed("The chunk size must be a positive integer")
    return [values[start : start + length] for start in range(0, len(values), length)]


def _array_contains(array: Any, value: Any) -> bool:
    return any(equal(element, value) for element in _list(array))


def _array_range(start: Any, end: Any, step: Any) -> list[int]:
    first, last, by = _whole(start), _whole(end), _whole(step)
    if by == 0:
        raise FunctionFailed("The step must not be 0")
    numbers = range(first, last + (1 if by > 0 else -1), by)
    if len(numbers) > _LONGEST_RANGE:
        raise FunctionFailed(f"The array must not have more than {_LONGEST_RANGE} elements")
    return list(numbers)


def _array_get_item(array: Any, index: Any) -> Any:
    values, place = _list(array), _whole(index)
    if not 0 <= place < len(values):
        raise FunctionFailed(f"Index {place} is out of range for an array of {len(values)} elements")
    return values[place]


def _array_length(array: Any) -> int:
    return len(_list(array))


def _array_unique(array: Any) -> list[Any]:
    unique: dict[str, Any] = {}
    for value in _list(array):
        unique.setdefault(json.dumps(value, sort_keys=True), value)
    return list(unique.values())


def _base64_encode(text: Any) -> str:
    return base64.b64encode(_short(text).encode()).decode()


def _base64_decode(text: Any) -> str:
    try:
        encoded = _short(text)
        return base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise FunctionFailed(f"Invalid Base64: {error}") from error


_ALGORITHMS = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}


def hash_of(value: Any, algorithm: Any) -> str:
    """Return the hexadecimal digest of a text, or of another value's JSON."""
    if algorithm not in _ALGORITHMS:
        raise FunctionFailed(f"The algorithm must be one of {', '.join(_ALGORITHMS)}")
    text = value if isinstance(value, str) else dump(value)
    return hashlib.new(_ALGORITHMS[algorithm], _short(text).encode(), usedforsecurity=False).hexdigest()


def _json_merge(one: Any, other: Any, deep: Any) -> dict[str, Any]:
    if deep is not False:
        raise FunctionFailed("Deep merging is not supported: the third argument must be false")
    if not isinstance(one, dict) or not isinstance(other, dict):
        raise FunctionFailed("Only JSON objects can be merged")
    return {**one, **other}


def _math_random(start: Any, end: Any, seed: Any = None) -> int:
    first, last = _whole(start), _whole(end)
    if first >= last:
        raise FunctionFailed("The start number must be less than the end number")
    numbers = random.Random(None if seed is None else _whole(seed))  # noqa: S311  # as AWS, not for secrets
    return numbers.randrange(first, last)


def _math_add(one: Any, other: Any) -> int:
    return _whole(one) + _whole(other)


def _string_split(text: Any, delimiters: Any) -> list[str]:
    separators = _text(delimiters)
    if not separators:
        return [text] if _text(text) else []
    return [part for part in re.split("[" + re.escape(separators) + "]", _text(text)) if part]


def _uuid() -> str:
    return str(uuid.uuid4())


def _json_to_string(value: Any) -> str:
    return dump(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise FunctionFailed(f"A string is expected, but was: {dump(value)}")
    return value


def _short(value: Any) -> str:
    if len(_text(value)) > _LONGEST_TEXT:
        raise FunctionFailed(f"The string must not have more than {_LONGEST_TEXT} characters")
    return str(value)


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise FunctionFailed(f"An array is expected, but was: {dump(value)}")
    return value


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise FunctionFailed(f"A number is expected, but was: {dump(value)}")
    return value if isinstance(value, int) else math.floor(value + 0.5)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "States.Format": _format,
    "States.StringToJson": _string_to_json,
    "States.JsonToString": _json_to_string,
    "States.Array": _array,
    "States.ArrayPartition": _array_partition,
    "States.ArrayContains": _array_contains,
    "States.ArrayRange": _array_range,
    "States.ArrayGetItem": _array_get_item,
    "States.ArrayLength": _array_length,
    "States.ArrayUnique": _array_unique,
    "States.Base64Encode": _base64_encode,
    "States.Base64Decode": _base64_decode,
    "States.Hash": hash_of,
    "States.JsonMerge": _json_merge,
    "States.MathRandom": _math_random,
    "States.MathAdd": _math_add,
    "States.StringSplit": _string_split,
    "States.UUID": _uuid,
}
