"""Parses and validates documents. Results are cached, because validation takes longer than execution."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import graphql

from blueprints.local.services.appsync.execution import validation_messages
from blueprints.local.services.appsync.nesting import nesting
from blueprints.local.services.appsync.requests import GraphqlError
from blueprints.local.services.appsync.schemas import Schema

_DOCUMENTS_KEPT = 512
_DEEPEST = 250
"""Brackets that may be open at the same time."""
_LARGEST_KEPT = 8192
"""Characters of a document that is kept: a document takes some hundred times its text in memory."""
_LARGEST = 262_144
"""Characters of a document. AppSync's own limit is not documented."""
_MOST_TOKENS = 15_000
"""graphql-java's limit."""
_MOST_FRAGMENTS = 200
_MOST_COMPARISONS = 50_000
"""Of fields with the same response path with each other: validation compares each pair."""
_MOST_ERRORS = 100
_MOST_FIELDS = 10_000
"""Fields of one operation after fragments were replaced by what they select; nested ones can make it astronomical."""


class UnreadableDocument(Exception):
    """A document that is no GraphQL, or too large; the message is AppSync's."""


@dataclass(frozen=True, eq=False)
class Operation:
    """One operation of a valid document."""

    node: graphql.OperationDefinitionNode
    fragments: dict[str, graphql.FragmentDefinitionNode]
    text: str
    """The document it is part of."""
    texts: dict[int, str] = field(default_factory=dict)
    """Cache: selection sets as text, by the id of their node."""

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
    """A parsed document: its operations, or its validation errors."""

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
    if nesting(text) > _DEEPEST:
        raise UnreadableDocument("Unable to parse GraphQL query.")
    try:
        return (_kept if len(text) <= _LARGEST_KEPT else _read)(schema, text, introspection)
    except RecursionError:
        raise UnreadableDocument("Unable to parse GraphQL query.") from None


@lru_cache(_DOCUMENTS_KEPT)
def _kept(schema: Schema, text: str, introspection: bool) -> Document:
    return _read(schema, text, introspection)


def _read(schema: Schema, text: str, introspection: bool) -> Document:
    try:
        parsed = graphql.parse(text, max_tokens=_MOST_TOKENS)
    except graphql.GraphQLError:
        raise UnreadableDocument("Unable to parse GraphQL query.") from None
    _check_size(parsed)
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
    return Document(operations)


def _check_size(parsed: graphql.DocumentNode) -> None:
    """Raise UnreadableDocument for a document whose validation or execution would take too long."""
    defined = [each for each in parsed.definitions if isinstance(each, graphql.FragmentDefinitionNode)]
    fragments = {each.name.value: each for each in defined}
    if len(defined) > _MOST_FRAGMENTS:
        raise UnreadableDocument(f"The query has more than {_MOST_FRAGMENTS} fragments.")
    for each in parsed.definitions:
        if isinstance(each, graphql.OperationDefinitionNode):
            _Size(fragments).add(each.selection_set)


class _Size:
    """The size of an operation after fragments were replaced by what they select."""

    def __init__(self, fragments: dict[str, graphql.FragmentDefinitionNode]) -> None:
        self._fragments = fragments
        self._fields = 0
        self._comparisons = 0
        self._paths: dict[str, Any] = {}

    def add(self, selection_set: graphql.SelectionSetNode) -> None:
        """Count what an operation selects. Raises UnreadableDocument if that is too much."""
        self._add(selection_set, self._paths, ())

    def _add(self, selection_set: graphql.SelectionSetNode, paths: dict[str, Any], within: tuple[str, ...]) -> None:
        """Count fields by their response paths, in nested dictionaries; `""` has the number of fields of a path."""
        for each in selection_set.selections:
            if isinstance(each, graphql.FieldNode):
                below = paths.setdefault((each.alias or each.name).value, {"": 0})
                self._count(below[""])
                below[""] += 1
                if each.selection_set:
                    self._add(each.selection_set, below, within)
            elif isinstance(each, graphql.InlineFragmentNode):
                self._add(each.selection_set, paths, within)
            elif isinstance(each, graphql.FragmentSpreadNode):
                name = each.name.value
                # Validation reports unknown fragments and cycles.
                if name in self._fragments and name not in within:
                    self._add(self._fragments[name].selection_set, paths, (*within, name))

    def _count(self, alike: int) -> None:
        self._fields += 1
        self._comparisons += alike
        if self._fields > _MOST_FIELDS:
            raise UnreadableDocument(f"The query selects more than {_MOST_FIELDS} fields.")
        if self._comparisons > _MOST_COMPARISONS:
            raise UnreadableDocument("The query selects the same fields too often.")
