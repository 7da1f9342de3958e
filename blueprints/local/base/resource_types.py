"""CloudFormation's resource types: the functions that create, update and delete a resource of each type.

create(logical_id, properties, stack_name) -> (physical_id, attributes)
update(physical_id, old_properties, new_properties, stack_name) -> (physical_id, attributes)
delete(physical_id, properties)
"""

from collections.abc import Callable
from typing import Any

from blueprints.local.base.internals import Internal

REGISTRY = Internal("services.cloudformation.provisioners", "_RESOURCE_HANDLERS")

Properties = dict[str, Any]
Made = tuple[str, dict[str, Any]]
Handler = Callable[..., Any]


class ResourceFailed(ValueError):
    """A resource cannot be created, updated or deleted. CloudFormation reports the message as the reason.

    The base emulator takes a ValueError for that.
    """


def wrap(resource_type: str, **wrappers: Callable[[Handler], Handler]) -> None:
    """Replace `create`, `update` or `delete` of a type by what the wrapper makes of the present one."""
    handlers = REGISTRY.current()[resource_type]
    wrapped = {name: wrapper(handlers[name]) for name, wrapper in wrappers.items()}
    REGISTRY.current()[resource_type] = {**handlers, **wrapped}
