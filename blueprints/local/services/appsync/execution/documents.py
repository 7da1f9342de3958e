"""Reads and validates the documents of requests, and keeps the results: validating takes longer than executing."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import graphql

from blueprints.local.services.appsync.execution import validation_messages
from blueprints.local.services.appsync.requests import GraphqlError
from blueprints.local.services.appsync.schemas import Schema

_DOCUMENTS_KEPT = 1000
_LARGEST = 262_144
"""Characters of a document. AppSync's own limit is not documented."""
_MOST_TOKENS = 15_000
"""graphql-java's limit."""
_MOST_ALIKE = 200
"""Fields with one response name in one selection set, fragments included: comparing them takes quadratic time."""
_MOST_ERRORS = 100
_MOST_FIELDS = 10_000
"""Fields of one operation after fragments were replaced by what they select; nested ones can make it astronomical."""


class UnreadableDocument(Exception):
    """A document that is no GraphQL, or too large; the message is AppSync's."""


@dataclass(frozen=True, eq=False)
class Operation:
    """One operation of a valid document, and what is kept of it between requests."""

    node: graphql.OperationDefinitionNode
    fragments: dict[str, graphql.FragmentDefinitionNode]
    text: str
    """The document it is part of."""
    texts: dict[int, str] = field(default_factory=dict)
    """Selection sets as text, by the identity of their node."""

    @property
    def kind(self) -> str:
        """`query`, `mutation` or `subscription`."""
        return self.node.operation.value

    @property
    def name(self) -> str | None:
        """The operation's name; None for an anonymous one."""
        return self.node.name.value if self.node.name else None


@dataclass(frozen=True, eq=False)
class Document:
    """A document that was read: its operations, or why it is not valid."""

    operations: tuple[Operation, ...] = ()
    errors: tuple[GraphqlError, ...] = ()

    def operation(self, name: str | None) -> Operation | None:
        """The operation of that name, or the only one; None if there is none, or the name is missing."""
        if name:
            return next((each for each in self.operations if each.name == name), None)
        return self.operations[0] if len(self.operations) == 1 else None


def read(schema: Schema, text: str, *, introspection: bool = True) -> Document:
    """The document in a text, validated against the schema. Raises UnreadableDocument."""
    if len(text) > _LARGEST:
        raise UnreadableDocument(f"The query has more than {_LARGEST} characters.")
    try:
        return _read(schema, text, introspection)
    except RecursionError:
        raise UnreadableDocument("Unable to parse GraphQL query.") from None


@lru_cache(_DOCUMENTS_KEPT)
def _read(schema: Schema, text: str, introspection: bool) -> Document:
    try:
        parsed = graphql.parse(text, max_tokens=_MOST_TOKENS)
    except graphql.GraphQLError:
        raise UnreadableDocument("Unable to parse GraphQL query.") from None
    _check_repetitions(parsed)
    faults = graphql.validate(schema.graphql, parsed, max_errors=_MOST_ERRORS)
    errors = validation_messages.translate(schema.graphql, parsed, faults)
    if not errors and not introspection:
        errors = validation_messages.introspected_fields(schema.graphql, parsed)
    if errors:
        return Document(errors=tuple(errors))
    fragments = {
        each.name.value: each for each in parsed.definitions if isinstance(each, graphql.FragmentDefinitionNode)
    }
    operations = tuple(
        Operation(each, fragments, text)
        for each in parsed.definitions
        if isinstance(each, graphql.OperationDefinitionNode)
    )
    counted: dict[str, int] = {}
    for each in operations:
        if _fields_in(each.node.selection_set, fragments, counted) > _MOST_FIELDS:
            raise UnreadableDocument(f"The query selects more than {_MOST_FIELDS} fields.")
    return Document(operations)


def _fields_in(
    selection_set: graphql.SelectionSetNode | None,
    fragments: dict[str, graphql.FragmentDefinitionNode],
    counted: dict[str, int],
) -> int:
    """The number of fields below a selection set, with fragments replaced by what they select."""
    number = 0
    for each in selection_set.selections if selection_set else ():
        if isinstance(each, graphql.FragmentSpreadNode):
            name = each.name.value
            if name not in counted:
                counted[name] = _fields_in(fragments[name].selection_set, fragments, counted)
            number += counted[name]
        elif isinstance(each, graphql.FieldNode):
            number += 1 + _fields_in(each.selection_set, fragments, counted)
        elif isinstance(each, graphql.InlineFragmentNode):
            number += _fields_in(each.selection_set, fragments, counted)
    return number


def _check_repetitions(parsed: graphql.DocumentNode) -> None:
    """Raise UnreadableDocument for a response name or a fragment that occurs too often to be compared in time."""
    counts: dict[Any, int] = {}

    class Counter(graphql.Visitor):
        def enter_field(self, node: graphql.FieldNode, *_: Any) -> None:
            name = (node.alias or node.name).value
            counts[name] = counts.get(name, 0) + 1

        def enter_fragment_spread(self, node: graphql.FragmentSpreadNode, *_: Any) -> None:
            key = ("...", node.name.value)
            counts[key] = counts.get(key, 0) + 1

    graphql.visit(parsed, Counter())
    most = max(counts.values(), default=0)
    if most > _MOST_ALIKE:
        raise UnreadableDocument(f"The query selects one field {most} times; at most {_MOST_ALIKE} are accepted.")
