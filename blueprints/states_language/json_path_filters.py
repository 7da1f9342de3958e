"""The conditions of JSONPath filters, such as `@.price < 10 && @.category in ['a', 'b']`."""

import json
import operator
import re
from collections.abc import Callable
from typing import Any, Protocol

from blueprints.states_language.json_path_steps import Condition, InvalidPath, Step
from blueprints.states_language.visible_data import MISSING


class Path(Protocol):
    """A path inside a filter, which begins with `@` or `$`."""

    @property
    def root(self) -> str:
        """`@` or `$`."""

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps from there."""

    @property
    def is_definite(self) -> bool:
        """Whether the path leads to one value at most."""


ReadPath = Callable[[int], tuple[Path, int]]
Operand = Callable[[Any, Any], Any]

_OPERATOR = re.compile(
    r"===|!==|==|!=|<=|>=|=~|<|>|(?:in|nin|subsetof|anyof|noneof|contains|size|empty|all)\b", re.IGNORECASE
)
_REGULAR_EXPRESSION = re.compile(r"/((?:[^/\\]|\\.)*)/([a-zA-Z]*)")
_LITERAL = re.compile(
    r"""(?P<number>-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)|(?P<word>true|false|null)\b|'(?P<single>(?:[^'\\]|\\.)*)'|"""
    r""""(?P<double>(?:[^"\\]|\\.)*)\"""",
    re.DOTALL,
)
_BARE_WORD = re.compile(r"[^\s()\[\]{}'\"/&|=<>!,~@$]+")
"""A text without quotes, which AWS takes in filters such as `[?(@.Name==Receipt)]`."""
_WORDS = {"true": True, "false": False, "null": None}


def read_condition(text: str, position: int, read_path: ReadPath) -> tuple[Condition, int]:
    """Return the condition that begins at `position`, and where it ends. Raises InvalidPath."""
    reader = _Reader(text, position, read_path)
    condition = reader.either()
    return condition, reader.position


def follow(steps: tuple[Step, ...], value: Any, root: Any) -> list[Any]:
    """Return every value that the steps lead to."""
    values = [value]
    for step in steps:
        values = [found for one in values for found in step.select(one, root)]
    return values


class _Reader:
    def __init__(self, text: str, position: int, read_path: ReadPath) -> None:
        self.text, self.position, self.read_path = text, position, read_path

    def either(self) -> Condition:
        conditions = [self.both()]
        while self._take("||"):
            conditions.append(self.both())
        if len(conditions) == 1:
            return conditions[0]
        return lambda value, root: any(condition(value, root) for condition in conditions)

    def both(self) -> Condition:
        conditions = [self.one()]
        while self._take("&&"):
            conditions.append(self.one())
        if len(conditions) == 1:
            return conditions[0]
        return lambda value, root: all(condition(value, root) for condition in conditions)

    def one(self) -> Condition:
        if self._take("!"):
            negated = self.one()
            return lambda value, root: not negated(value, root)
        if self._take("("):
            inner = self.either()
            if not self._take(")"):
                raise InvalidPath(f"Expected ')' at position {self.position}")
            return inner
        return self.comparison()

    def comparison(self) -> Condition:
        left, is_path = self.operand()
        self._skip()
        found = _OPERATOR.match(self.text, self.position)
        if found is None:
            if not is_path:
                raise InvalidPath(f"Expected an operator at position {self.position}")
            return lambda value, root: left(value, root) is not MISSING
        self.position = found.end()
        right, _ = self.operand()
        compare = _COMPARISONS[found.group().lower()]
        return lambda value, root: compare(left(value, root), right(value, root))

    def operand(self) -> tuple[Operand, bool]:
        self._skip()
        first = self.text[self.position : self.position + 1]
        if first in ("@", "$"):
            path, self.position = self.read_path(self.position)
            return _path_operand(path), True
        constant = self.constant(first)
        return (lambda value, root: constant), False  # noqa: ARG005  # as every operand

    def constant(self, first: str) -> Any:
        if first == "/":
            return self._regular_expression()
        if first in ("[", "{"):
            return self._json()
        found = _LITERAL.match(self.text, self.position)
        bare = _BARE_WORD.match(self.text, self.position)
        if bare is not None and (found is None or bare.end() > found.end()):
            self.position = bare.end()
            return bare.group()
        if found is None:
            raise InvalidPath(f"Expected a value at position {self.position}")
        self.position = found.end()
        if (number := found["number"]) is not None:
            return json.loads(number)
        if (word := found["word"]) is not None:
            return _WORDS[word]
        quoted = found["single"] if found["single"] is not None else found["double"]
        return re.sub(r"\\(.)", r"\1", quoted)

    def _regular_expression(self) -> re.Pattern[str]:
        found = _REGULAR_EXPRESSION.match(self.text, self.position)
        if found is None:
            raise InvalidPath("Pattern not closed. Expected / at the end")
        self.position = found.end()
        flags = re.IGNORECASE if "i" in found[2] else re.NOFLAG
        try:
            return re.compile(found[1], flags)
        except re.error as error:
            raise InvalidPath(f"Invalid regular expression: {error}") from error

    def _json(self) -> Any:
        # Arrays may be written with single quotes, as in ['a', 'b'].
        end = self.position
        depth = 0
        for end in range(self.position, len(self.text)):
            depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(self.text[end], 0)
            if depth == 0:
                break
        written = self.text[self.position : end + 1]
        self.position = end + 1
        for candidate in (written, written.replace("'", '"')):
            try:
                return json.loads(candidate)
            except ValueError:
                continue
        raise InvalidPath(f"Failed to parse {written}")

    def _skip(self) -> None:
        while self.text[self.position : self.position + 1].isspace():
            self.position += 1

    def _take(self, expected: str) -> bool:
        self._skip()
        if self.text.startswith(expected, self.position):
            self.position += len(expected)
            return True
        return False


def _path_operand(path: Path) -> Operand:
    steps, from_root = path.steps, path.root == "$"
    if path.is_definite:

        def first(value: Any, root: Any) -> Any:
            found = follow(steps, root if from_root else value, root)
            return found[0] if found else MISSING

        return first
    return lambda value, root: follow(steps, root if from_root else value, root)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _equals(left: Any, right: Any) -> bool:
    if left is MISSING or right is MISSING:
        return left is right
    if isinstance(left, str) and _is_number(right):
        return left == str(right)
    if _is_number(left) and isinstance(right, str):
        try:
            return bool(left == float(right))
        except ValueError:
            return False
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    return bool(left == right)


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def holds(left: Any, right: Any) -> bool:
        both_texts = isinstance(left, str) and isinstance(right, str)
        return (both_texts or (_is_number(left) and _is_number(right))) and compare(left, right)

    return holds


def _is_in(left: Any, right: Any) -> bool:
    return isinstance(right, list) and any(_equals(left, element) for element in right)


def _contains(left: Any, right: Any) -> bool:
    if isinstance(left, str) and isinstance(right, str):
        return right in left
    return _is_in(right, left)


def _fits(left: Any, right: Any) -> bool:
    if isinstance(left, re.Pattern):
        left, right = right, left
    if not isinstance(right, re.Pattern):
        return False
    if isinstance(left, list):
        return any(_fits(element, right) for element in left)
    text = str(left).lower() if isinstance(left, bool) else str(left)
    return right.fullmatch(text if isinstance(left, (str, int, float)) else "") is not None


def _size(left: Any, right: Any) -> bool:
    return isinstance(left, (str, list, dict)) and len(left) == right


def _empty(left: Any, right: Any) -> bool:
    return isinstance(left, (str, list, dict)) and (not left) is right


def _overlap(left: Any, right: Any) -> bool:
    return isinstance(left, list) and any(_is_in(element, right) for element in left)


def _subset(left: Any, right: Any) -> bool:
    return isinstance(left, list) and all(_is_in(element, right) for element in left)


_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "==": _equals,
    "===": lambda left, right: type(left) is type(right) and _equals(left, right),
    "!=": lambda left, right: not _equals(left, right),
    "!==": lambda left, right: type(left) is not type(right) or not _equals(left, right),
    "<": _ordered(operator.lt),
    "<=": _ordered(operator.le),
    ">": _ordered(operator.gt),
    ">=": _ordered(operator.ge),
    "=~": _fits,
    "in": _is_in,
    "nin": lambda left, right: not _is_in(left, right),
    "subsetof": _subset,
    "all": lambda left, right: isinstance(left, list) and _subset(right, left),
    "anyof": _overlap,
    "noneof": lambda left, right: not _overlap(left, right),
    "contains": _contains,
    "size": _size,
    "empty": _empty,
}
