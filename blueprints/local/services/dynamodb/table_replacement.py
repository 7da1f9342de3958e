"""Replaces a stack's table when its keys change, and deletes the old one last, as CloudFormation does.

The base emulator deletes the table first and makes the new one under the same name: its items are lost when the update
is rolled back, and although the table is protected or its UpdateReplacePolicy retains it.
Source: AWS CloudFormation Template Reference, AWS::DynamoDB::Table, and "UpdateReplacePolicy attribute".
"""

import uuid
from collections.abc import Callable
from typing import Any

from blueprints.local.base.resource_types import REGISTRY

_TYPE = "AWS::DynamoDB::Table"
_REPLACING = ("KeySchema", "LocalSecondaryIndexes")
_NAME, _LONGEST_NAME = "TableName", 255

_Properties = dict[str, Any]


def install() -> None:
    """Replace the base emulator's replacement of tables that the template does not name."""
    handlers = REGISTRY.current()[_TYPE]
    create: Callable[..., Any] = handlers["create"]
    update: Callable[..., Any] = handlers["update"]

    def update_or_replace(
        table_name: str, old: _Properties, new: _Properties, stack_name: str, *logical_id: str
    ) -> Any:
        if old.get(_NAME) or new.get(_NAME):
            return update(table_name, old, new, stack_name, *logical_id)
        if any(old.get(name) != new.get(name) for name in _REPLACING):
            return create(logical_id[0] if logical_id else table_name, _named(new, _other(table_name)), stack_name)
        # A replacement's name is not the one that the base emulator would give it.
        return update(table_name, _named(old, table_name), _named(new, table_name), stack_name, *logical_id)

    REGISTRY.current()[_TYPE] = {**handlers, "update": update_or_replace}


def _named(properties: _Properties, name: str) -> _Properties:
    return {**properties, _NAME: name}


def _other(name: str) -> str:
    suffix = uuid.uuid4().hex[:12].upper()
    return f"{name[: _LONGEST_NAME - len(suffix) - 1]}-{suffix}"
