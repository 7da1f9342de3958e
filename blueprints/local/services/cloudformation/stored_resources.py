"""Resources that are only stored: their types exist here, the service behind them does not."""

from collections.abc import Callable, Mapping
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.base.not_emulated import STORED

PHYSICAL_NAME = Internal(
    "services.cloudformation.provisioners",
    "_physical_name",
    ("stack_name", "logical_id", "lowercase", "max_len", "seeded"),
)

_OWN_ID = {
    "AWS::AppSync::DomainName": "AppSyncDomainName",
    "AWS::EC2::EIP": "AllocationId",
    "AWS::EC2::NatGateway": "NatGatewayId",
}
"""Attributes that other resources read: the resource's own id."""

_Create = Callable[[str, dict[str, Any], str], tuple[str, dict[str, Any]]]


def handlers() -> Mapping[str, Mapping[str, Callable[..., Any]]]:
    """CloudFormation's handlers of the types that are only stored."""
    return {each: {"create": _create_in(each), "update": _update, "delete": _delete} for each in STORED}


def _create_in(resource_type: str) -> _Create:
    def create(logical_id: str, props: dict[str, Any], stack_name: str) -> tuple[str, dict[str, Any]]:  # noqa: ARG001
        physical_id = PHYSICAL_NAME.current()(stack_name, logical_id)
        own = _OWN_ID.get(resource_type)
        return physical_id, {own: physical_id} if own else {}

    return create


def _update(physical_id: str, old: dict[str, Any], new: dict[str, Any], *_: Any) -> tuple[str, dict[str, Any]]:  # noqa: ARG001
    return physical_id, dict.fromkeys(_OWN_ID.values(), physical_id)


def _delete(physical_id: str, props: dict[str, Any]) -> None:
    """Nothing was created, so there is nothing to delete."""
