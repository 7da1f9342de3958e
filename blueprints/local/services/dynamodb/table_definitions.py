"""Refuses a template's table that CreateTable refuses, such as one with attributes that no key uses.

The base emulator checks tables that the API makes, and takes a template's as they are.
Source: Amazon DynamoDB API Reference, CreateTable.
"""

import json
import uuid
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.base.resource_types import REGISTRY, ResourceFailed

CREATE = Internal("services.dynamodb", "_create_table", ("data",))
DELETE = Internal("services.dynamodb", "_delete_table", ("data",))

_TYPE = "AWS::DynamoDB::Table"
_DEFINITION = ("KeySchema", "AttributeDefinitions", "BillingMode", "ProvisionedThroughput", "TableClass")
_INDEXES = {
    "GlobalSecondaryIndexes": ("IndexName", "KeySchema", "Projection", "ProvisionedThroughput"),
    "LocalSecondaryIndexes": ("IndexName", "KeySchema", "Projection"),
}


def install() -> None:
    """Check a template's table before it is created."""
    handlers = REGISTRY.current()[_TYPE]
    create: Callable[..., Any] = handlers["create"]

    def create_checked(logical_id: str, props: dict[str, Any], stack_name: str) -> Any:
        _check(props)
        return create(logical_id, props, stack_name)

    REGISTRY.current()[_TYPE] = {**handlers, "create": create_checked}


def _check(props: dict[str, Any]) -> None:
    """Create such a table under another name and delete it again, so that the API's own checks apply."""
    request = {name: props[name] for name in _DEFINITION if name in props}
    for kind, members in _INDEXES.items():
        if props.get(kind):
            request[kind] = [{name: each[name] for name in members if name in each} for each in props[kind]]
    name = {"TableName": props.get("TableName") or f"check-{uuid.uuid4().hex}"}
    status, _, body = CREATE.current()({**request, **name})
    if status != HTTPStatus.OK:
        raise ResourceFailed(json.loads(body).get("message", "the table is refused"))
    DELETE.current()(name)
