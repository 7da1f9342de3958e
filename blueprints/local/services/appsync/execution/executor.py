"""Executes requests from any thread: reads the document, runs the operation, and notifies listeners of mutations."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import graphql

from blueprints.local.services.appsync.authorization.field_rules import check_permission
from blueprints.local.services.appsync.data_sources import DataSources
from blueprints.local.services.appsync.execution import documents, variables
from blueprints.local.services.appsync.execution.documents import Operation
from blueprints.local.services.appsync.execution.engine import Engine
from blueprints.local.services.appsync.execution.results import Assembly, ObjectValue, selected
from blueprints.local.services.appsync.execution.subscriptions import Subscription, SubscriptionRefused
from blueprints.local.services.appsync.records import GraphqlApi
from blueprints.local.services.appsync.requests import GraphqlError, Identity, Request, Response
from blueprints.local.services.appsync.schemas import Schema, parse

SECONDS = 30.0
"""Real seconds that a request may take, a quota of AppSync."""
_CALLS_AT_ONCE = 256

MayAccess = Callable[[GraphqlApi, Schema, Identity, str, str], bool]

log = logging.getLogger(__name__)


class InvalidRequest(Exception):
    """A request without an operation to execute: HTTP 400."""


@dataclass(frozen=True)
class Mutation:
    """One root field of a mutation that was executed with success."""

    request: Request
    field_name: str
    value: Any
    """The selected fields by field name, with `__typename` in every object; or a scalar, or a list."""


class Executor:
    """Executes operations. Methods block, and may be called from any thread at once."""

    def __init__(
        self, endpoint: str, may_access: MayAccess, *, seconds: float = SECONDS, sources: DataSources | None = None
    ) -> None:
        """`endpoint` is where the services answer that data sources call; `sources` stand in for these."""
        self._may_access = may_access
        self._seconds = seconds
        self._sources = sources or DataSources(endpoint)
        self._workers = ThreadPoolExecutor(_CALLS_AT_ONCE, thread_name_prefix="appsync call")
        self._listeners: list[Callable[[Mutation], None]] = []
        self._on_invalidation: list[Callable[[GraphqlApi, Mapping[str, Any]], None]] = []

    def on_mutation(self, listener: Callable[[Mutation], None]) -> None:
        """Call `listener` after each root field of a mutation that was successful, on the request's thread."""
        self._listeners.append(listener)

    def on_invalidation(self, listener: Callable[[GraphqlApi, Mapping[str, Any]], None]) -> None:
        """Call `listener` with each argument of `extensions.invalidateSubscriptions` in a mutation's resolver."""
        self._on_invalidation.append(listener)

    def execute(self, request: Request) -> Response:
        """The response of a query or a mutation. Raises UnreadableDocument, InvalidRequest and Unauthorized."""
        schema, operation, coerced = self._prepare(request)
        if isinstance(operation, Response):
            return operation
        if operation.kind == "subscription":
            raise InvalidRequest("Subscriptions are served over a WebSocket.")
        try:
            return self._execute(request, schema, operation, coerced)
        except RecursionError:
            raise InvalidRequest("The query is nested too deeply.") from None

    def prepare_subscription(self, request: Request) -> Subscription:
        """Validate and authorize a subscription and run its field's resolver, if it has one.

        Raises SubscriptionRefused with the errors of the response, UnreadableDocument and InvalidRequest.
        """
        schema, operation, coerced = self._prepare(request)
        if isinstance(operation, Response):
            raise SubscriptionRefused(operation.errors)
        if operation.kind != "subscription":
            raise InvalidRequest("The operation is no subscription.")
        denied: set[tuple[str, str]] = set()

        def may_access(type_name: str, field_name: str) -> bool:
            return self._may_access(request.api, schema, request.identity, type_name, field_name)

        engine = self._engine(request, schema, operation, coerced, may_access)
        root_type = schema.graphql.subscription_type
        assert root_type
        if not engine.root_fields(root_type):
            raise InvalidRequest("The subscription selects no field.")
        name, arguments, context = engine.start_subscription(root_type)
        if engine.errors:
            raise SubscriptionRefused(tuple(engine.errors), tuple(engine.resolved))
        for type_name, field_name in selected_fields(schema, operation):
            if not type_name.startswith("__") and not may_access(type_name, field_name):
                denied.add((type_name, field_name))
        return Subscription(
            request,
            schema,
            operation,
            coerced,
            name,
            arguments,
            schema.subscribed_mutations(name),
            frozenset(denied),
            context.subscription_filter if context else None,
            context.invalidation_filter if context else None,
            tuple(engine.resolved),
        )

    def select(self, subscription: Subscription, value: Any) -> Response:
        """The response of a subscription to a mutation's value; no resolver runs.

        Subscriptions with the same `selection_key` get the same response.
        """
        engine = self._engine(
            subscription.request,
            subscription.schema,
            subscription.operation,
            subscription.variables,
            lambda type_name, field_name: (type_name, field_name) not in subscription.denied,
            resolvers={},
        )
        root_type = subscription.schema.graphql.subscription_type
        assert root_type
        root = ObjectValue(root_type.name)
        engine.execute(root, engine.root_fields(root_type), {subscription.field_name: value})
        data = Assembly(engine.errors).data(root)
        return Response(data, tuple(engine.errors))

    def reset(self) -> None:
        """Forget the credentials of roles."""
        self._sources.reset()

    def close(self) -> None:
        """End the threads. Calls under way are abandoned."""
        self._sources.close()
        self._workers.shutdown(wait=False, cancel_futures=True)

    def _prepare(self, request: Request) -> tuple[Schema, Operation | Response, dict[str, Any]]:
        """The operation to execute and its variables, or the response that says why it is not valid."""
        schema = parse(request.api.schema)
        introspection = request.api.record.get("introspectionConfig") != "DISABLED"
        document = documents.read(schema, request.query, introspection=introspection)
        if document.errors:
            return schema, Response(None, document.errors), {}
        operation = document.operation(request.operation_name)
        if operation is None:
            if request.operation_name:
                raise InvalidRequest(f"Unknown operation named '{request.operation_name}'.")
            raise InvalidRequest("Must provide operation name if query contains multiple operations.")
        try:
            coerced = variables.coerce(schema.graphql, operation.node, request.variables)
        except GraphqlError as error:
            return schema, Response(None, (error,)), {}
        return schema, operation, coerced

    def _engine(
        self,
        request: Request,
        schema: Schema,
        operation: Operation,
        coerced: Mapping[str, Any],
        may_access: Callable[[str, str], bool],
        **more: Any,
    ) -> Engine:
        return Engine(
            request,
            schema,
            operation,
            coerced,
            may_access=may_access,
            sources=self._sources,
            workers=self._workers,
            deadline=time.monotonic() + self._seconds,
            **more,
        )

    def _execute(self, request: Request, schema: Schema, operation: Operation, coerced: Mapping[str, Any]) -> Response:
        def may_access(type_name: str, field_name: str) -> bool:
            return self._may_access(request.api, schema, request.identity, type_name, field_name)

        engine = self._engine(request, schema, operation, coerced, may_access)
        is_mutation = operation.kind == "mutation"
        root_type = schema.graphql.mutation_type if is_mutation else schema.graphql.query_type
        assert root_type
        root = ObjectValue(root_type.name)
        fields = engine.root_fields(root_type)
        check_permission(
            request.api, request.identity, root_type.name, [nodes[0].name.value for nodes in fields.values()]
        )
        if not is_mutation:
            engine.execute(root, fields)
        for key, nodes in fields.items() if is_mutation else ():
            engine.execute(root, {key: nodes})
            self._report_mutation(request, root, key, engine.errors)
            self._report_invalidations(request, engine)
        data = Assembly(engine.errors).data(root)
        return Response(data, tuple(engine.errors), tuple(engine.resolved), engine.headers)

    def _report_invalidations(self, request: Request, engine: Engine) -> None:
        for each in engine.invalidations:
            for listener in self._on_invalidation:
                _call_listener(listener, request.api, each)
        engine.invalidations.clear()

    def _report_mutation(self, request: Request, root: ObjectValue, key: str, errors: list[GraphqlError]) -> None:
        value = root.fields[key]
        if value is None or any(each.path == (key,) for each in errors):
            return
        mutation = Mutation(request, root.names[key], selected(value))
        for listener in self._listeners:
            _call_listener(listener, mutation)


def _call_listener(listener: Callable[..., None], *arguments: Any) -> None:
    """Call a listener; the request is answered also if it fails."""
    try:
        listener(*arguments)
    except Exception:
        log.exception("a listener to mutations of an AppSync API failed")


def selected_fields(schema: Schema, operation: Operation) -> set[tuple[str, str]]:
    """The types and names of all fields below the root that an operation selects."""
    found: set[tuple[str, str]] = set()
    types = graphql.TypeInfo(schema.graphql)

    class Recorder(graphql.Visitor):
        def enter_field(self, node: graphql.FieldNode, *_: Any) -> None:
            parent = types.get_parent_type()
            if parent is not None and parent is not schema.graphql.subscription_type:
                found.update((each, node.name.value) for each in _possible_types(schema.graphql, parent))

    document = graphql.DocumentNode(definitions=(operation.node, *operation.fragments.values()))
    graphql.visit(document, graphql.TypeInfoVisitor(types, Recorder()))
    return found


def _possible_types(schema: graphql.GraphQLSchema, type_: Any) -> list[str]:
    if isinstance(type_, graphql.GraphQLObjectType):
        return [type_.name]
    return [each.name for each in schema.get_possible_types(type_)]
