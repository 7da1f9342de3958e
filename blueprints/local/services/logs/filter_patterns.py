"""CloudWatch Logs' filter patterns: terms, conditions on JSON, and conditions on fields between spaces.

Source: Amazon CloudWatch Logs User Guide, "Filter pattern syntax for metric filters, subscription filters, filter log
events, and Live Tail".
"""

import fnmatch
import operator
import re
from collections.abc import Callable, Iterator
from typing import Any

from blueprints.local.base.client_json import read_json

Matcher = Callable[[str], bool]
_Test = Callable[[Any], bool]

_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}
_TOKEN = re.compile(
    r"""\s*(?:
        (?P<join>&&|\|\|)
      | (?P<bracket>[()])
      | (?P<comparison><=|>=|!=|=|<|>)
      | (?P<text>"(?:[^"\\]|\\.)*")
      | (?P<regex>%(?:[^%\\]|\\.)+%)
      | (?P<word>(?:\$(?:\.[\w@-]+|\[[^\]]+\])+|[^\s()=!<>&|"]+))
    )""",
    re.VERBOSE,
)
_STEP = re.compile(r"\.([\w@-]+)|\[(?:'([^']+)'|\"([^\"]+)\"|(\d+|\*))\]")
_TERM = re.compile(r'([?-]?)("(?:[^"\\]|\\.)*"|%(?:[^%\\]|\\.)+%|\S+)')
_FIELD = re.compile(r'"([^"]*)"|\[([^\]]*)\]|(\S+)')
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_ABSENT = object()


class InvalidPattern(ValueError):
    """A filter pattern that CloudWatch Logs refuses."""


def compile_pattern(pattern: str) -> Matcher:
    """A function that tells whether a message matches the pattern. Raises InvalidPattern."""
    text = (pattern or "").strip()
    if not text:
        return lambda _message: True
    if text.startswith("{"):
        return _json_pattern(text)
    if text.startswith("["):
        return _field_pattern(text)
    return _term_pattern(text)


def _term_pattern(text: str) -> Matcher:
    wanted: dict[str, list[_Test]] = {"": [], "?": [], "-": []}
    for prefix, term in _TERM.findall(text):
        wanted[prefix].append(_containing(term))
    required, optional, excluded = wanted[""], wanted["?"], wanted["-"]

    def matches(message: str) -> bool:
        if any(each(message) for each in excluded) or not all(each(message) for each in required):
            return False
        return bool(required) or not optional or any(each(message) for each in optional)

    return matches


def _containing(term: str) -> _Test:
    if len(term) > 1 and term[0] == term[-1] == "%":
        expression = _regex(term)
        return lambda message: expression.search(message) is not None
    wanted = _unquoted(term)
    return lambda message: wanted in message


def _json_pattern(text: str) -> Matcher:
    if not text.endswith("}"):
        raise InvalidPattern("the pattern does not end with }")
    test = _Conditions(text[1:-1], _property).whole()

    def matches(message: str) -> bool:
        try:
            event = read_json(message)
        except ValueError:
            return False
        return isinstance(event, dict | list) and test(event)

    return matches


def _field_pattern(text: str) -> Matcher:
    if not text.endswith("]"):
        raise InvalidPattern("the pattern does not end with ]")
    fields = [each.strip() for each in text[1:-1].split(",")]
    if fields.count("...") > 1:
        raise InvalidPattern("the pattern has more than one ellipsis")
    tests = [None if each == "..." else _field_test(each) for each in fields]

    def matches(message: str) -> bool:
        values = ["".join(found) for found in _FIELD.findall(message)]
        return all(test(value) for test, value in _pairs(tests, values)) if _fits(tests, values) else False

    return matches


def _fits(tests: list[_Test | None], values: list[str]) -> bool:
    return len(values) >= len(tests) - 1 if None in tests else len(values) == len(tests)


def _pairs(tests: list[_Test | None], values: list[str]) -> Iterator[tuple[_Test, str]]:
    """Every field's test with its value; an ellipsis stands for as many values as there are."""
    gap = tests.index(None) if None in tests else len(tests)
    after = len(tests) - gap - 1
    named = [
        *zip(tests[:gap], values, strict=False),
        *zip(tests[gap + 1 :], values[len(values) - after :], strict=False),
    ]
    for test, value in named:
        if test:
            yield test, value


def _field_test(field: str) -> _Test:
    if not re.search(r"[=<>]", field):
        return lambda _value: True
    return _Conditions(field, lambda _name: lambda value: value).whole()


class _Conditions:
    """Parses conditions that are joined by && and ||, with && binding closer."""

    def __init__(self, text: str, reader: Callable[[str], Callable[[Any], Any]]) -> None:
        self._reader = reader
        self._tokens = list(_tokens(text))
        self._position = 0

    def whole(self) -> _Test:
        """The test for all of the text."""
        test = self._joined("||", lambda: self._joined("&&", self._one, all), any)
        if self._position < len(self._tokens):
            raise InvalidPattern(f"unexpected {self._tokens[self._position][1]}")
        return test

    def _joined(self, join: str, part: Callable[[], _Test], together: Callable[[Any], bool]) -> _Test:
        tests = [part()]
        while self._next() == ("join", join):
            self._position += 1
            tests.append(part())
        return tests[0] if len(tests) == 1 else lambda event: together(test(event) for test in tests)

    def _one(self) -> _Test:
        kind, text = self._take("word", "bracket")
        if (kind, text) == ("bracket", "("):
            test = self._joined("||", lambda: self._joined("&&", self._one, all), any)
            if self._take("bracket")[1] != ")":
                raise InvalidPattern("a bracket is not closed")
            return test
        if kind != "word":
            raise InvalidPattern(f"unexpected {text}")
        read = self._reader(text)
        kind, text = self._take("comparison", "word")
        if kind == "word":
            return self._state(read, text)
        return _comparing(read, text, *self._take("word", "text", "regex"))

    def _state(self, read: Callable[[Any], Any], first: str) -> _Test:
        state = f"{first} {self._take('word')[1]}".upper()
        expected = {"IS NULL": None, "IS TRUE": True, "IS FALSE": False, "NOT EXISTS": _ABSENT}
        if state not in expected:
            raise InvalidPattern(f"unexpected {state}")
        return lambda event: read(event) is expected[state]

    def _next(self) -> tuple[str, str] | None:
        return self._tokens[self._position] if self._position < len(self._tokens) else None

    def _take(self, *kinds: str) -> tuple[str, str]:
        token = self._next()
        if token is None or token[0] not in kinds:
            raise InvalidPattern(f"unexpected {token[1] if token else 'end'}")
        self._position += 1
        return token


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    position = 0
    while text[position:].strip():
        found = _TOKEN.match(text, position)
        if not found or not found.lastgroup:
            raise InvalidPattern(f"unexpected {text[position:].strip()}")
        yield found.lastgroup, found[found.lastgroup]
        position = found.end()


def _comparing(read: Callable[[Any], Any], comparison: str, kind: str, text: str) -> _Test:
    compare = _COMPARISONS[comparison]
    equality = comparison in ("=", "!=")
    if kind == "regex":
        expression = _regex(text)
        return lambda event: isinstance(value := read(event), str) and compare(bool(expression.search(value)), True)
    number = _number(text) if kind == "word" else None
    if number is not None:
        return lambda event: (value := _number(read(event))) is not None and compare(value, number)
    if not equality:
        raise InvalidPattern(f"{text} is no number")
    wanted = re.compile(fnmatch.translate(re.sub(r"([?\[])", r"[\1]", _unquoted(text))))
    return lambda event: (value := _text(read(event))) is not None and compare(bool(wanted.match(value)), True)


def _text(value: Any) -> str | None:
    """The text that a wildcard is compared with: `4*` also matches the number 404."""
    if isinstance(value, str):
        return value
    return None if isinstance(value, bool) or not isinstance(value, int | float) else str(value)


def _property(selector: str) -> Callable[[Any], Any]:
    """A function that reads a property such as `$.user.roles[0]` from a JSON event."""
    steps = _STEP.findall(selector)
    if not selector.startswith("$") or not steps:
        raise InvalidPattern(f"{selector} is no property selector")

    def read(event: Any) -> Any:
        for name, quoted, quoted_twice, index in steps:
            key = name or quoted or quoted_twice
            if key and isinstance(event, dict) and key in event:
                event = event[key]
            elif index.isdigit() and isinstance(event, list) and int(index) < len(event):
                event = event[int(index)]
            else:
                return _ABSENT
        return event

    return read


def _number(value: Any) -> float | None:
    if isinstance(value, str):
        return float(value) if _NUMBER.fullmatch(value) else None
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1]) if len(text) > 1 and text[0] == text[-1] == '"' else text


def _regex(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text[1:-1])
    except re.error as error:
        raise InvalidPattern(f"{text} is no regular expression: {error}") from error
