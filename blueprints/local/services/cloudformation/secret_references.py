"""`Ref` of a secret is its ARN, as on AWS, so that policies and functions that get it find the secret."""

from collections.abc import Callable
from typing import Any

from blueprints.local.base.resource_types import REGISTRY

_SECRET = "AWS::SecretsManager::Secret"  # noqa: S105 - a resource type

_Made = tuple[str, dict[str, Any]]


def install() -> None:
    """Translate between ARNs and the names under which the base emulator stores secrets."""
    registry = REGISTRY.current()
    stock = registry[_SECRET]
    registry[_SECRET] = {
        **stock,
        "create": _create(stock["create"]),
        "update": _update(stock["update"]),
        "delete": _delete(stock["delete"]),
    }


def _create(create: Callable[..., _Made]) -> Callable[..., _Made]:
    def create_secret(logical_id: str, props: dict[str, Any], stack_name: str) -> _Made:
        _, attributes = create(logical_id, props, stack_name)
        return attributes["Arn"], attributes

    return create_secret


def _update(update: Callable[..., _Made]) -> Callable[..., _Made]:
    def update_secret(physical_id: str, *properties: Any, **more: Any) -> _Made:
        _, attributes = update(_name(physical_id), *properties, **more)
        return attributes["Arn"], attributes

    return update_secret


def _delete(delete: Callable[..., None]) -> Callable[..., None]:
    def delete_secret(physical_id: str, props: dict[str, Any]) -> None:
        delete(_name(physical_id), props)

    return delete_secret


def _name(arn: str) -> str:
    """The name before the six characters that Secrets Manager appends."""
    return arn.partition(":secret:")[2].rpartition("-")[0] or arn
