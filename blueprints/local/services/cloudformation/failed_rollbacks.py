"""Keeps resources that a rollback could not delete in their stack, so that DeleteStack tries again.

The base emulator forgets such a resource: the stack would be deleted, and the resource stay without an owner.
Source: AWS CloudFormation User Guide, "Troubleshooting CloudFormation", "Delete stack fails".
"""

from collections.abc import Awaitable, Callable
from typing import Any

from blueprints.local.base.internals import Internal

_PARAMETERS = ("stack_name", "stack_id", "stack", "operation", "reason_override")
# The handlers of requests imported the function by name.
ROLLBACKS = (
    Internal("services.cloudformation.stacks", "_roll_back_operation", _PARAMETERS),
    Internal("services.cloudformation.handlers", "_roll_back_operation", _PARAMETERS),
)

_Rollback = Callable[..., Awaitable[None]]


def install() -> None:
    """Check every stack after its rollback."""
    rollback = _keeping(ROLLBACKS[0].current())
    for each in ROLLBACKS:
        each.replace(rollback)


def _keeping(roll_back: _Rollback) -> _Rollback:
    async def roll_back_and_keep(
        stack_name: str, stack_id: str, stack: dict[str, Any], operation: dict[str, Any], reason_override: str = ""
    ) -> None:
        await roll_back(stack_name, stack_id, stack, operation, reason_override)
        if stack["StackStatus"] != "ROLLBACK_FAILED":
            return
        for logical_id, record in (stack.get("_rollback_failed") or {}).items():
            stack["_resources"].setdefault(
                logical_id,
                {
                    "Attributes": {},
                    **record,
                    "LogicalResourceId": logical_id,
                    "ResourceStatus": "DELETE_FAILED",
                    "Timestamp": stack["CreationTime"],
                },
            )

    return roll_back_and_keep
