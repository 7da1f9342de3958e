"""Reads the text of intrinsic function calls.

`States.Name(argument, …)`, where an argument is `'a text'`, a number, true, false, null, a JSONPath or another call.
"""

import re
from dataclasses import dataclass
from typing import Any

from blueprints.states_language.json_path_steps import InvalidPath
from blueprints.states_language.json_path_syntax import parse as parse_path

ARGUMENT_COUNTS: dict[str, tuple[int, int | None]] = {
    "States.Format": (1, None),
    "States.StringToJson": (1, 1),
    "States.JsonToString": (1, 1),
    "States.Array": (0, None),
    "States.ArrayPartition": (2, 2),
    "States.ArrayContains": (2, 2),
    "States.ArrayRange": (3, 3),
    "States.ArrayGetItem": (2, 2),
    "States.ArrayLength": (1, 1),
    "States.ArrayUnique": (1, 1),
    "States.Base64Encode": (1, 1),
    "States.Base64Decode": (1, 1),
    "States.Hash": (2, 2),
    "States.JsonMerge": (3, 3),
    "States.MathRandom": (2, 3),
    "States.MathAdd": (2, 2),
    "States.StringSplit": (2, 2),
    "States.UUID": (0, 0),
}
"""How many arguments each function takes at least and at most; None stands for any number."""

MOST_CALLS = 10
"""How many calls a field may have, those inside others included."""

_NAME = re.compile(r"States\.\w+")
_TEXT = re.compile(r"'((?:[^'\\]|\\['{}\\])*)'")
_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][-+]?\d+)?")
_WORD = re.compile(r"(true|false|null)\b")
_SPACE = re.compile(r"\s*")
_ESCAPE = re.compile(r"\\(['{}\\])")
_WORDS = {"true": True, "false": False, "null": None}


class InvalidCall(Exception):
    """A text that is no intrinsic function call; the message says why."""


@dataclass(frozen=True)
class Literal:
    """A constant argument; `written` is a text as it stands between the quotes, with its escapes."""

    value: Any
    written: str = ""


@dataclass(frozen=True)
class PathArgument:
    """An argument that is a JSONPath."""

    path: str


@dataclass(frozen=True)
class Call:
    """A call of the function `name`, such as `States.Array`."""

    name: str
    arguments: tuple[Any, ...]


def parse(text: str) -> Call:
    """Return the call that the text is. Raises InvalidCall."""
    reader = _Reader(text.strip())
    call = reader.call()
    if reader.position != len(reader.text):
        raise InvalidCall(f"Unexpected text after the call: {reader.text[reader.position :]}")
    return call


class _Reader:
    def __init__(self, text: str) -> None:
        self.text, self.position, self.calls = text, 0, 0

    def call(self) -> Call:
        found = self._match(_NAME)
        if found is None or found.group() not in ARGUMENT_COUNTS:
            raise InvalidCall("The intrinsic function is not known")
        name = found.group()
        self.calls += 1
        if self.calls > MOST_CALLS:
            raise InvalidCall(f"A field must not have more than {MOST_CALLS} intrinsic functions")
        self._expect("(")
        arguments: list[Any] = []
        if not self._takes(")"):
            arguments.append(self.argument())
            while self._takes(","):
                arguments.append(self.argument())
            self._expect(")")
        least, most = ARGUMENT_COUNTS[name]
        if len(arguments) < least or (most is not None and len(arguments) > most):
            raise InvalidCall(f"{name} does not take {len(arguments)} arguments")
        return Call(name, tuple(arguments))

    def argument(self) -> Any:
        self._match(_SPACE)
        if (found := self._match(_TEXT)) is not None:
            return Literal(_ESCAPE.sub(r"\1", found[1]), found[1])
        if self.text.startswith("$", self.position):
            return self._path()
        if (found := self._match(_WORD)) is not None:
            return Literal(_WORDS[found.group()])
        if (found := self._match(_NUMBER)) is not None:
            is_whole = found[1] is None and found[2] is None
            return Literal(int(found.group()) if is_whole else float(found.group()))
        return self.call()

    def _path(self) -> PathArgument:
        end = _end_of_path(self.text, self.position)
        path = self.text[self.position : end].rstrip()
        try:
            parse_path(path)
        except InvalidPath as error:
            raise InvalidCall(str(error)) from error
        self.position = end
        return PathArgument(path)

    def _expect(self, character: str) -> None:
        if not self._takes(character):
            raise InvalidCall(f"'{character}' is expected at position {self.position}")

    def _takes(self, character: str) -> bool:
        self._match(_SPACE)
        if self.text.startswith(character, self.position):
            self.position += 1
            return True
        return False

    def _match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        found = pattern.match(self.text, self.position)
        if found is not None:
            self.position = found.end()
        return found


def _end_of_path(text: str, start: int) -> int:
    """Return where a path ends: at a comma or closing parenthesis outside brackets, parentheses and quotes."""
    depth, quote, position = 0, "", start
    while position < len(text):
        character = text[position]
        if quote:
            position += character == "\\"
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character in "[(":
            depth += 1
        elif depth == 0 and character in ",)":
            break
        elif character in "])":
            depth -= 1
        position += 1
    return min(position, len(text))
