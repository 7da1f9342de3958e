"""Reads the text of a JSONPath into steps.

The dialect is that of Jayway JsonPath, which Step Functions uses:
`$.a['b'][0][-1][1:3][0,2][*]..c[?(@.d > 1)].length()`.
"""

import re
from dataclasses import dataclass
from typing import Any

from blueprints.states_language import json_path_steps
from blueprints.states_language.json_path_filters import read_condition
from blueprints.states_language.json_path_steps import InvalidPath, Step

_ROOT = re.compile(r"\$\$|\$(?:[^\W\d]\w*)?|@")
_PROPERTY = re.compile(r"[^\s.\[\]()]+")
_PROPERTY_IN_FILTER = re.compile(r"[^\s.\[\]()=<>!&|,~]+")
_INDICES = re.compile(r"\s*-?\d+\s*(?:,\s*-?\d+\s*)*")
_SLICE = re.compile(r"\s*(-?\d+)?\s*:\s*(-?\d+)?\s*")
_NAME = re.compile(r"""'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)\"""", re.DOTALL)


@dataclass(frozen=True)
class ParsedPath:
    """A path: `root` is `$`, `$$`, `@` or `$variable`."""

    root: str
    steps: tuple[Step, ...]

    @property
    def is_definite(self) -> bool:
        """Whether the path leads to one value at most; an indefinite path leads to a list of values."""
        return all(step.is_definite for step in self.steps)

    @property
    def canonical(self) -> str:
        """The path in the notation of Jayway's messages, such as `$['a'][0]`."""
        return self.root + "".join(step.text for step in self.steps)


def parse(text: str) -> ParsedPath:
    """Return the parsed path; white space around it is ignored. Raises InvalidPath where the text is not a path."""
    reader = _Reader(text.strip())
    path = reader.path(_PROPERTY)
    rest = reader.text[reader.position :]
    if rest:
        raise InvalidPath(f"Unexpected character at position {reader.position}: {rest}")
    return path


class _Reader:
    def __init__(self, text: str, position: int = 0) -> None:
        self.text, self.position = text, position

    def path(self, names: re.Pattern[str]) -> ParsedPath:
        root = self._match(_ROOT)
        if root is None:
            raise InvalidPath("A path begins with $ or @")
        steps: list[Step] = []
        while (step := self._step(names)) is not None:
            steps.append(step)
        return ParsedPath(root.group(), tuple(steps))

    def _step(self, names: re.Pattern[str]) -> Step | None:
        if self._take(".."):
            step = self._bracket() if self._take("[") else self._property(names)
            return json_path_steps.descendants(step)
        if self._take("."):
            return self._bracket() if self._take("[") else self._property(names)
        if self._take("["):
            return self._bracket()
        return None

    def _property(self, names: re.Pattern[str]) -> Step:
        if self._take("*"):
            return json_path_steps.wildcard()
        name = self._match(names)
        if name is None:
            raise InvalidPath("Path must not end with a '.' or '..'")
        if self._take("("):
            return json_path_steps.function(name.group(), tuple(self._arguments(name.group())))
        return json_path_steps.properties((name.group(),))

    def _arguments(self, function: str) -> list[Any]:
        arguments: list[Any] = []
        while not self._take(")"):
            arguments.append(self._argument())
            self._take(",")
            if self.position >= len(self.text):
                raise InvalidPath(f"Arguments to function: '{function}' are not closed properly.")
        return arguments

    def _argument(self) -> Any:
        self._skip()
        if self.text.startswith("$", self.position):
            return self.path(_PROPERTY_IN_FILTER)
        literal = re.compile(r"""-?\d+(?:\.\d+)?|'[^']*'|"[^"]*\"""").match(self.text, self.position)
        if literal is None:
            raise InvalidPath(f"Unexpected argument at position {self.position}")
        self.position = literal.end()
        written = literal.group()
        if written[0] in "'\"":
            return written[1:-1]
        return float(written) if "." in written else int(written)

    def _bracket(self) -> Step:
        self._skip()
        if self._take("?"):
            return self._filter()
        if self.text[self.position : self.position + 1] in ("'", '"'):
            return self._properties()
        if self._take("*"):
            step = json_path_steps.wildcard()
        elif (found := self._match(_SLICE)) is not None:
            step = json_path_steps.elements(*(None if bound is None else int(bound) for bound in found.groups()))
        elif (found := self._match(_INDICES)) is not None:
            step = json_path_steps.indices(tuple(int(index) for index in found.group().split(",")))
        else:
            raise InvalidPath(f"Could not parse token starting at position {self.position}. Expected ?, ', 0-9, * ")
        self._close("]")
        return step

    def _properties(self) -> Step:
        names = tuple(self._names())
        self._close("]")
        is_last = self.text[self.position : self.position + 1] not in (".", "[")
        return json_path_steps.properties(names) if is_last or len(names) == 1 else json_path_steps.each_property(names)

    def _names(self) -> list[str]:
        names = []
        while True:
            self._skip()
            found = self._match(_NAME)
            if found is None:
                raise InvalidPath("Property has not been closed - missing closing '")
            name = found[1] if found[1] is not None else found[2]
            names.append(name.replace("\\'", "'").replace("\\\\", "\\"))
            self._skip()
            if not self._take(","):
                return names

    def _filter(self) -> Step:
        self._close("(")
        condition, self.position = read_condition(self.text, self.position, self._operand)
        self._close(")")
        self._close("]")
        return json_path_steps.where(condition)

    def _operand(self, position: int) -> tuple[ParsedPath, int]:
        reader = _Reader(self.text, position)
        path = reader.path(_PROPERTY_IN_FILTER)
        return path, reader.position

    def _close(self, character: str) -> None:
        self._skip()
        if not self._take(character):
            raise InvalidPath(f"Expected '{character}' at position {self.position}")

    def _skip(self) -> None:
        while self.text[self.position : self.position + 1].isspace():
            self.position += 1

    def _take(self, expected: str) -> bool:
        if self.text.startswith(expected, self.position):
            self.position += len(expected)
            return True
        return False

    def _match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        found = pattern.match(self.text, self.position)
        if found is not None:
            self.position = found.end()
        return found
