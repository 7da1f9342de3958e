"""Keeps the attributes of resources that an update of a nested stack does not change.

The base emulator forgets them, so that Fn::GetAtt of such a resource fails the update.
"""

from typing import Any

from blueprints.local.base.internals import Internal

STACKS = Internal("services.cloudformation", "_stacks")
UPDATE = Internal(
    "services.cloudformation.provisioners",
    "_update_resource",
    ("resource_type", "physical_id", "old_props", "new_props", "stack_name", "logical_id", "old_attrs"),
)

_Properties = dict[str, Any]


def install() -> None:
    """Look the attributes up where the caller does not give them."""
    original = UPDATE.current()

    def update(
        resource_type: str,
        physical_id: str,
        old_props: _Properties,
        new_props: _Properties,
        stack_name: str,
        logical_id: str | None = None,
        old_attrs: _Properties | None = None,
    ) -> Any:
        if old_attrs is None:
            resources = (STACKS.current().get(stack_name) or {}).get("_resources") or {}
            old_attrs = (resources.get(logical_id) or {}).get("Attributes")
        return original(resource_type, physical_id, old_props, new_props, stack_name, logical_id, old_attrs)

    UPDATE.replace(update)
