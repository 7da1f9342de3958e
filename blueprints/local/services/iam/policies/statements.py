"""Parses policies, once for each text, into statements that are matched with compiled patterns."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache, partial
from typing import Any

from blueprints.local.base.client_json import read_json
from blueprints.local.base.internals import Internal
from blueprints.local.services.iam.policies import conditions, patterns, variables

PARSE = Internal("core.iam_evaluator", "parse_policy_document", ("doc",))
FIRST_MATCH = Internal("core.iam_evaluator", "_first_match", ("ctx", "stmts", "effect"))
NAMES_KEY = Internal("core.iam_evaluator", "_names_condition_key", ("policies", "prefix"))
KEY_VALUE = Internal("core.iam_evaluator", "_resolve_condition_key", ("key", "ctx"))


def install() -> None:
    """Replace how the base emulator parses and matches statements."""
    PARSE.replace(parsed)
    FIRST_MATCH.replace(first_match)
    NAMES_KEY.replace(names_key)


class Statement:
    """A statement of a policy. Has the attributes of the base emulator's ParsedStatement."""

    def __init__(self, given: dict[str, Any], has_variables: bool) -> None:
        self.sid = str(given.get("Sid", ""))
        self.effect = str(given["Effect"])
        self.actions, self.not_actions = _texts(given.get("Action")), _texts(given.get("NotAction"))
        self.resources, self.not_resources = _texts(given.get("Resource")), _texts(given.get("NotResource"))
        found = given.get("Condition")
        self.conditions: dict[str, Any] = found if isinstance(found, dict) else {}
        self.key_names = tuple(_key_names(self, has_variables))
        self._covers_action = _matcher_of_actions(self.actions, self.not_actions)
        self._resources = _Resources(self.resources or self.not_resources, has_variables)
        self._met = conditions.met_as_text
        if has_variables and conditions.use_variables(self.conditions):
            self._met = conditions.met

    def applies(self, context: Any) -> bool:
        """Whether the statement is about a request, in whose context its action, resource and keys are."""
        return (
            self._covers_action(context.action)
            and self._covers_resource(context)
            and (not self.conditions or self._met(self.conditions, context))
        )

    def _covers_resource(self, context: Any) -> bool:
        if self.resources:
            return self._resources.include(context)
        return not self.not_resources or not self._resources.include(context)


class _Resources:
    """The patterns of an element Resource or NotResource."""

    def __init__(self, texts: Sequence[str], has_variables: bool) -> None:
        self._variable = [each for each in texts if has_variables and variables.has_variables(each)]
        fixed = [patterns.resource_pattern(each) for each in texts if each not in self._variable]
        self._fixed = [each.fullmatch for each in fixed]

    def include(self, context: Any) -> bool:
        resource = context.resource_arn
        if any(matches(resource) for matches in self._fixed):
            return True
        lookup = partial(_lookup, context)
        found = (variables.expanded(each, lookup) for each in self._variable)
        return any(each is not None and patterns.resource_pattern(each).fullmatch(resource) for each in found)


def parsed(document: Any) -> list[Statement]:
    """The statements of a policy, as text or parsed; none if it is no policy."""
    if isinstance(document, str):
        return list(_parsed_text(document))
    return list(_statements(document))


def first_match(context: Any, statements: Iterable[Statement], effect: str) -> Statement | None:
    """The first statement with an effect that is about the request."""
    for each in statements:
        if each.effect == effect and each.applies(context):
            return each
    return None


def read(document: Any) -> Any:
    """A policy as parsed JSON, from its text or as it is; None if the text is no JSON."""
    if not isinstance(document, str):
        return document
    try:
        return read_json(document)
    except ValueError:
        return None


def names_key(policies: Iterable[Iterable[Statement]], prefix: str) -> bool:
    """Whether a condition or a variable uses a key that begins with a prefix in lower case."""
    return any(name.startswith(prefix) for each in policies for one in each for name in one.key_names)


def raw_statements(document: Any) -> list[dict[str, Any]]:
    """The statements of a parsed policy that have an effect."""
    found = document.get("Statement", []) if isinstance(document, dict) else []
    found = [found] if isinstance(found, dict) else found
    return [
        each
        for each in (found if isinstance(found, list) else [])
        if isinstance(each, dict) and each.get("Effect") in ("Allow", "Deny")
    ]


def has_variables(document: Any) -> bool:
    """Whether `${` begins a variable in a parsed policy."""
    return isinstance(document, dict) and document.get("Version") == variables.VERSION


@lru_cache(maxsize=2048)
def _parsed_text(text: str) -> tuple[Statement, ...]:
    return tuple(_statements(read(text)))


def _statements(document: Any) -> Iterable[Statement]:
    return (Statement(each, has_variables(document)) for each in raw_statements(document))


def _matcher_of_actions(actions: Sequence[str], not_actions: Sequence[str]) -> Callable[[str], bool]:
    """Whether a statement covers an action; the answers are kept, as there are few actions."""
    listed = actions or not_actions
    regex = "|".join(patterns.string_pattern(each).pattern for each in listed)
    matches = re.compile(regex, re.IGNORECASE).fullmatch
    if not listed:
        return lambda action: True  # noqa: ARG005 - every action
    if actions:
        return lru_cache(maxsize=256)(lambda action: matches(action) is not None)
    return lru_cache(maxsize=256)(lambda action: matches(action) is None)


def _key_names(statement: Statement, has_variables: bool) -> Iterator[str]:
    """In lower case."""
    blocks = [each for each in statement.conditions.values() if isinstance(each, dict)]
    yield from (name.lower() for block in blocks for name in block)
    if has_variables:
        values = [value for block in blocks for listed in block.values() for value in _texts(listed)]
        for text in (*statement.resources, *statement.not_resources, *values):
            yield from (name.lower() for name in variables.names_in(text))


def _texts(value: Any) -> list[str]:
    if isinstance(value, list):
        return [str(each) for each in value]
    return [value] if isinstance(value, str) else []


def _lookup(context: Any, key: str) -> Any:
    return KEY_VALUE.current()(key, context)
