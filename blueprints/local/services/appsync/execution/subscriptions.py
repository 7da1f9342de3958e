"""A subscription: one field of the subscription type, and what it selects of each event."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from blueprints.local.services.appsync.execution.documents import Operation
from blueprints.local.services.appsync.requests import GraphqlError, Request, ResolvedField
from blueprints.local.services.appsync.schemas import Schema


class SubscriptionRefused(Exception):
    """A subscription that cannot start; `errors` are those of its response, `fields` the resolvers that have run."""

    def __init__(self, errors: tuple[GraphqlError, ...], fields: tuple[ResolvedField, ...] = ()) -> None:
        super().__init__("; ".join(each.message for each in errors))
        self.errors = errors
        self.fields = fields


@dataclass(frozen=True, eq=False)
class Subscription:
    """A subscription that was validated and authorized, and whose resolver has run."""

    request: Request
    schema: Schema
    operation: Operation
    variables: Mapping[str, Any]
    field_name: str
    """The field of the subscription type."""
    arguments: Mapping[str, Any]
    """The field's arguments, which are the filter unless the resolver has set one."""
    mutations: tuple[str, ...]
    """The mutations that it subscribes to."""
    denied: frozenset[tuple[str, str]]
    """Selected fields that the subscriber may not read, as (type, field): each is null, with an error."""
    filter: Any = None
    """The argument of `extensions.setSubscriptionFilter` in the field's resolver, or None."""
    invalidation: Any = None
    """The argument of `extensions.setSubscriptionInvalidationFilter` in the field's resolver, or None."""
    fields: tuple[ResolvedField, ...] = ()
    """The field, if it had a resolver."""

    @cached_property
    def selection_key(self) -> tuple[Any, ...]:
        """Equal for subscriptions that answer a mutation with the same response."""
        variables = json.dumps(self.variables, sort_keys=True)
        return (id(self.schema), self.operation.text, self.operation.name, variables, self.denied)
