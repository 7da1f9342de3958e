"""Executes one operation level by level, so that the resolvers of siblings run concurrently or share a batch."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import cached_property, partial
from types import SimpleNamespace
from typing import Any

import graphql

from blueprints.local.services.appsync.data_sources import DataSources
from blueprints.local.services.appsync.execution import selection_sets
from blueprints.local.services.appsync.execution.documents import Operation
from blueprints.local.services.appsync.execution.driver import Driver
from blueprints.local.services.appsync.execution.resolvers import FieldContext, Steps, begin
from blueprints.local.services.appsync.execution.results import ObjectValue, Path, text_of
from blueprints.local.services.appsync.requests import GraphqlError, Request, ResolvedField
from blueprints.local.services.appsync.schemas import Schema, scalars

MOST_RESOLVERS = 10_000
"""Resolvers that one request may run, a quota of AppSync."""

MayAccess = Callable[[str, str], bool]
"""Whether the caller may read a field of a type."""


@dataclass(eq=False, slots=True)
class Field:
    """A field of one object that is being resolved."""

    parent: ObjectValue
    key: str
    nodes: list[graphql.FieldNode]
    definition: graphql.GraphQLField
    path: Path
    source: Any
    depth: int
    context: FieldContext | None = None
    started: float = 0.0

    @property
    def name(self) -> str:
        """The field's own name."""
        return self.nodes[0].name.value


class Engine:
    """The execution of one operation."""

    def __init__(
        self,
        request: Request,
        schema: Schema,
        operation: Operation,
        variables: Mapping[str, Any],
        *,
        may_access: MayAccess,
        sources: DataSources,
        workers: Executor,
        deadline: float,
        resolvers: Mapping[tuple[str, str], Mapping[str, Any]] | None = None,
    ) -> None:
        """`deadline` is a moment of `time.monotonic()`. `resolvers` replaces those of the API."""
        self.errors: list[GraphqlError] = []
        self.resolved: list[ResolvedField] = []
        """The fields whose resolvers have ended."""
        self.headers: dict[str, str] = {}
        """Headers that the code of resolvers adds to the HTTP response."""
        self.invalidations: list[Mapping[str, Any]] = []
        """Subscriptions that resolvers invalidate: `subscriptionField` and `payload`."""
        self._began = time.monotonic()
        self._request = request
        self._schema = schema
        self._operation = operation
        self._variables = dict(variables)
        self._may_access = may_access
        self._driver = Driver(partial(sources.call, request.api), workers, deadline)
        self._resolvers = request.api.resolvers if resolvers is None else resolvers
        self._depth_limit = int(request.api.record.get("queryDepthLimit") or 0)
        self._resolvers_left = int(request.api.record.get("resolverCountLimit") or 0) or MOST_RESOLVERS
        self._access: dict[tuple[str, str], bool] = {}
        self._below: dict[tuple[str, tuple[int, ...]], dict[str, list[graphql.FieldNode]]] = {}
        self._arguments: dict[tuple[int, int], dict[str, Any]] = {}
        self._selections: dict[tuple[int, ...], tuple[list[str], str]] = {}

    def root_fields(self, root_type: graphql.GraphQLObjectType) -> dict[str, list[graphql.FieldNode]]:
        """The fields that the operation selects of its root type, by response name."""
        from graphql.execution.collect_fields import collect_fields

        return collect_fields(
            self._schema.graphql,
            self._operation.fragments,
            self._variables,
            root_type,
            self._operation.node.selection_set,
        )

    def execute(self, root: ObjectValue, fields: Mapping[str, list[graphql.FieldNode]], source: Any = None) -> None:
        """Resolve these fields of the root and everything below them, into `root`."""
        root_type: Any = self._schema.graphql.type_map[root.type_name]
        level = self._fields_of(root, root_type, fields, (), source, 1)
        while level:
            level = self._run_level(level)

    def start_subscription(
        self, root_type: graphql.GraphQLObjectType
    ) -> tuple[str, dict[str, Any], FieldContext | None]:
        """Authorize the subscription's field and run its resolver.

        Returns the field's name, its arguments and the resolver's context (None without a resolver). Errors are in
        `errors`.
        """
        root = ObjectValue(root_type.name)
        field = self._fields_of(root, root_type, self.root_fields(root_type), (), None, 1)[0]
        try:
            steps = self._start(field)
            arguments = self._arguments_of(field)
        except GraphqlError as error:
            self._fail(field, error)
            return field.name, {}, None
        if steps is not None:
            # Its value is not sent: clients receive only what mutations publish.
            self._drive([(field, steps)], [])
        return field.name, arguments, field.context

    def _fields_of(
        self,
        parent: ObjectValue,
        type_: graphql.GraphQLObjectType,
        selected: Mapping[str, list[graphql.FieldNode]],
        path: Path,
        source: Any,
        depth: int,
    ) -> list[Field]:
        found = []
        for key, nodes in selected.items():
            name = nodes[0].name.value
            definition = self._definition(type_, name)
            parent.fields[key] = None
            parent.types[key] = definition.type
            parent.names[key] = name
            if name == "__typename":
                parent.fields[key] = type_.name
            else:
                found.append(Field(parent, key, nodes, definition, (*path, key), source, depth))
        return found

    def _definition(self, type_: graphql.GraphQLObjectType, name: str) -> graphql.GraphQLField:
        if name == "__typename":
            return graphql.TypeNameMetaFieldDef
        if name == "__schema":
            return graphql.SchemaMetaFieldDef
        if name == "__type":
            return graphql.TypeMetaFieldDef
        found: graphql.GraphQLField = type_.fields[name]
        return found

    def _run_level(self, level: Iterable[Field]) -> list[Field]:
        """Resolve every field of a level; returns the fields of the objects that they contain."""
        below: list[Field] = []
        running: list[tuple[Field, Steps]] = []
        for field in level:
            try:
                started = self._start(field)
                if started is not None:
                    running.append((field, started))
                else:
                    self._complete(field, self._plain_value(field), below)
            except GraphqlError as error:
                self._fail(field, error)
        if running:
            self._drive(running, below)
        return below

    def _start(self, field: Field) -> Steps | None:
        """The steps of the field's resolver, or None for a field that is read from its parent."""
        parent = field.parent.type_name
        if parent.startswith("__") or field.name.startswith("__"):
            return None
        if self._depth_limit and field.depth > self._depth_limit:
            raise GraphqlError(f"Query depth limit reached: {self._depth_limit}.", "QueryDepthLimitReached")
        if not self._is_accessible(parent, field.name):
            raise GraphqlError(f"Not Authorized to access {field.name} on type {parent}", "Unauthorized")
        resolver = self._resolvers.get((parent, field.name))
        if resolver is None:
            return None
        if self._resolvers_left <= 0:
            raise GraphqlError("Resolver execution limit reached.", "ResolverExecutionLimitReached")
        self._resolvers_left -= 1
        field.context = self._context(field)
        field.started = time.monotonic()
        return begin(field.context, resolver)

    def _is_accessible(self, type_name: str, field_name: str) -> bool:
        key = (type_name, field_name)
        if key not in self._access:
            self._access[key] = self._may_access(type_name, field_name)
        return self._access[key]

    def _context(self, field: Field) -> FieldContext:
        names, text = self._selection(field)
        info = {
            "selectionSetList": names,
            "selectionSetGraphQL": text,
            "parentTypeName": field.parent.type_name,
            "fieldName": field.name,
            "variables": self._given_variables,
        }
        return FieldContext(self._request, self._arguments_of(field), field.source, info)

    @cached_property
    def _given_variables(self) -> dict[str, Any]:
        return dict(self._request.variables)

    def _selection(self, field: Field) -> tuple[list[str], str]:
        key = tuple(map(id, field.nodes))
        if key not in self._selections:
            names = selection_sets.selection_set_list(self._operation, field.nodes, self._variables)
            self._selections[key] = (names, selection_sets.selection_set_text(self._operation, field.nodes))
        return self._selections[key]

    def _arguments_of(self, field: Field) -> dict[str, Any]:
        key = (id(field.definition), id(field.nodes[0]))
        if key not in self._arguments:
            try:
                self._arguments[key] = graphql.get_argument_values(field.definition, field.nodes[0], self._variables)
            except graphql.GraphQLError as error:
                raise GraphqlError(error.message) from None
        return self._arguments[key]

    def _plain_value(self, field: Field) -> Any:
        if field.definition.resolve is not None and (
            field.parent.type_name.startswith("__") or field.name.startswith("__")
        ):
            info: Any = SimpleNamespace(schema=self._schema.graphql)
            found = field.definition.resolve(field.source, info, **self._arguments_of(field))
            return list(found) if isinstance(found, Iterable) and not isinstance(found, str) else found
        return field.source.get(field.name) if isinstance(field.source, Mapping) else None

    # Resolvers

    def _drive(self, running: list[tuple[Field, Steps]], below: list[Field]) -> None:
        """Run resolvers to their ends, and complete the values of their fields."""
        for field, ended in self._driver.run(running):
            self._record(field, ended.error)
            if ended.error is not None:
                self._fail(field, ended.error)
                continue
            for appended in field.context.appended_errors if field.context else ():
                self._add_error(field, appended)
            self._complete(field, ended.value, below)

    def _record(self, field: Field, error: GraphqlError | None) -> None:
        """Record how a resolver ended, its logs, headers and invalidations."""
        assert field.context
        self.resolved.append(
            ResolvedField(
                field.parent.type_name,
                field.name,
                field.path,
                str(field.definition.type),
                field.started - self._began,
                time.monotonic() - field.started,
                error.message if error else None,
                tuple(field.context.logs),
            )
        )
        self.headers.update(field.context.response_headers)
        if error is None:
            self.invalidations += field.context.invalidations

    # Values

    def _complete(self, field: Field, value: Any, below: list[Field]) -> None:
        field.parent.fields[field.key] = self._completed(field, field.definition.type, value, field.path, below)

    def _completed(self, field: Field, type_: Any, value: Any, path: Path, below: list[Field]) -> Any:
        if isinstance(type_, graphql.GraphQLNonNull):
            type_ = type_.of_type
        if value is None:
            return None
        if isinstance(type_, graphql.GraphQLList):
            if not isinstance(value, list | tuple):
                self._report_mismatch(path, "LIST")
                return None
            return [
                self._completed(field, type_.of_type, each, (*path, index), below) for index, each in enumerate(value)
            ]
        if isinstance(type_, graphql.GraphQLScalarType):
            return self._serialized(type_, value, path)
        if isinstance(type_, graphql.GraphQLEnumType):
            return self._enum_value(type_, value, path)
        runtime_type = self._runtime_type(field, type_, value, path)
        if runtime_type is None:
            return None
        made = ObjectValue(runtime_type.name)
        selected = self._selected_below(runtime_type, field)
        below += self._fields_of(made, runtime_type, selected, path, value, field.depth + 1)
        return made

    def _serialized(self, type_: graphql.GraphQLScalarType, value: Any, path: Path) -> Any:
        try:
            return scalars.serialize(type_.name, value)
        except scalars.Unserializable as error:
            self._report(f"Can't serialize value ({text_of(path)}) : {error}", path)
            return None

    def _enum_value(self, type_: graphql.GraphQLEnumType, value: Any, path: Path) -> Any:
        # Introspection has Python enumerations as values.
        if type_.name.startswith("__"):
            return type_.serialize(value)
        if isinstance(value, str) and value in type_.values:
            return value
        text = f"Invalid input for Enum '{type_.name}'. No value found for name '{scalars.java_text(value)}'"
        self._report(f"Can't serialize value ({text_of(path)}) : {text}", path)
        return None

    def _runtime_type(self, field: Field, type_: Any, value: Any, path: Path) -> graphql.GraphQLObjectType | None:
        if isinstance(type_, graphql.GraphQLObjectType):
            if not isinstance(value, Mapping) and not type_.name.startswith("__"):
                self._report_mismatch(path, "OBJECT")
                return None
            return type_
        name = value.get("__typename") if isinstance(value, Mapping) else None
        found = self._schema.graphql.type_map.get(str(name))
        if isinstance(found, graphql.GraphQLObjectType) and self._schema.graphql.is_sub_type(type_, found):
            return found
        where = f"{field.parent.type_name}.{field.name}"
        message = (
            f"Can't resolve '{text_of(path)}'. Abstract type '{type_.name}' must resolve to an Object type at runtime "
            f"for field '{where}'. Could not determine the exact type of '{type_.name}'"
        )
        self._report(message, path)
        return None

    def _selected_below(self, type_: graphql.GraphQLObjectType, field: Field) -> Mapping[str, list[graphql.FieldNode]]:
        from graphql.execution.collect_fields import collect_sub_fields

        key = (type_.name, tuple(map(id, field.nodes)))
        if key not in self._below:
            self._below[key] = collect_sub_fields(
                self._schema.graphql, self._operation.fragments, self._variables, type_, field.nodes
            )
        return self._below[key]

    # Errors

    def _report_mismatch(self, path: Path, expected: str) -> None:
        self._report(f"Can't resolve value ({text_of(path)}) : type mismatch error, expected type {expected}", path)

    def _report(self, message: str, path: Path) -> None:
        self.errors.append(GraphqlError(message, path=path))

    def _fail(self, field: Field, error: GraphqlError) -> None:
        for appended in field.context.appended_errors if field.context else ():
            self._add_error(field, appended)
        self._add_error(field, error)

    def _add_error(self, field: Field, error: GraphqlError) -> None:
        """Add an error of a resolver, with its data cut to the selection set."""
        sets = [node.selection_set for node in field.nodes if node.selection_set]
        error.data = selection_sets.cut(self._operation, sets, error.data)
        error.path = field.path
        error.locations = _locations(field.nodes[0])
        self.errors.append(error)


def _locations(node: graphql.FieldNode) -> tuple[tuple[int, int], ...]:
    if node.loc is None:
        return ()
    place = graphql.get_location(node.loc.source, node.loc.start)
    return ((place.line, place.column),)
