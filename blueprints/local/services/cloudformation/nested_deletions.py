"""Deletes a nested stack as any stack: it keeps what its template retains, and fails when a resource can't be deleted.

The base emulator deletes retained resources too, and reports a nested stack as deleted even if that failed.
Source: AWS CloudFormation User Guide, "Delete a stack" and "Embed stacks within other stacks".
"""

import asyncio
from collections.abc import Callable
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.base.resource_types import REGISTRY, ResourceFailed

NAME_OF = Internal("services.cloudformation.provisioners", "_nested_stack_lookup_name", ("physical_id_or_arn",))
STACKS = Internal("services.cloudformation", "_stacks")
DELETE = Internal(
    "services.cloudformation.stacks", "_delete_stack_async", ("stack_name", "stack_id", "retain_resources", "force")
)

_TYPE = "AWS::CloudFormation::Stack"
_Handler = Callable[..., Any]


def install() -> None:
    """Replace the base emulator's deletion of nested stacks."""
    handlers: dict[str, _Handler] = REGISTRY.current()[_TYPE]
    REGISTRY.current()[_TYPE] = {**handlers, "delete": _delete}


def _delete(physical_id: str, props: dict[str, Any]) -> None:  # noqa: ARG001
    """Delete a nested stack. The base emulator calls this on a separate thread, which has no event loop yet."""
    name = NAME_OF.current()(physical_id)
    stack = STACKS.current().get(name)
    if not stack or stack["StackStatus"] == "DELETE_COMPLETE":
        return
    asyncio.run(DELETE.current()(name, stack["StackId"]))
    if stack["StackStatus"] != "DELETE_COMPLETE":
        reason = stack.get("StackStatusReason", "")
        raise ResourceFailed(f"Embedded stack {stack['StackId']} was not successfully deleted: {reason}")
