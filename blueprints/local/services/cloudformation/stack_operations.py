"""One operation of a stack at a time, and what a resource has to know about the operation under way.

The base emulator starts a deletion or a change set while an update still runs, and both change the same resources.
Source: AWS CloudFormation User Guide, "Understand CloudFormation stack creation events" and the API reference of
CancelUpdateStack. The messages are those of the service, as its clients report them.
"""

from collections.abc import Callable, Mapping
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.services.cloudformation.operation_under_way import current_operation

STACKS = Internal("services.cloudformation", "_stacks")
ACTIONS = Internal("services.cloudformation", "_ACTION_HANDLERS")
RESOLVE_STACK = Internal("services.cloudformation.handlers", "_resolve_stack", ("stack_name",))
FIND_CHANGE_SET = Internal("services.cloudformation.changesets", "_find_change_set", ("cs_name", "stack_name"))
ERROR = Internal("services.cloudformation.helpers", "_error", ("code", "message", "status"))
PARAMETER = Internal("services.cloudformation.helpers", "_p", ("params", "key", "default"))

_UPDATES = (
    "UPDATE_IN_PROGRESS",
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
    "UPDATE_ROLLBACK_IN_PROGRESS",
    "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
)

_Action = Callable[[dict[str, Any]], Any]
_Stack = Mapping[str, Any]


def install() -> None:
    """Refuse to delete a stack, or to create or execute a change set for it, while it is being updated."""
    actions = ACTIONS.current()
    actions["DeleteStack"] = _refusing(
        actions["DeleteStack"], _stack_named, "Stack [{}] cannot be deleted while in status {}"
    )
    for name, find in (("CreateChangeSet", _stack_named), ("ExecuteChangeSet", _stack_of_change_set)):
        actions[name] = _refusing(actions[name], find, "Stack:{} is in {} state and can not be updated.")


def is_rolling_back(stack_name: str) -> bool:
    """Whether a stack, or a stack that it is nested in, goes back to what it was before an update."""
    return any("ROLLBACK" in str(each.get("StackStatus")) for each in _with_parents(stack_name))


def is_cancelled(stack_name: str) -> bool:
    """Whether the update under way of a stack has to stop.

    CancelUpdateStack was called for it or for a stack that it is nested in, or the update of another resource failed.
    """
    operation = current_operation()
    if operation is not None and operation.is_failing:
        return True
    return any(bool(each.get("_cancel_requested")) for each in _with_parents(stack_name))


def _with_parents(stack_name: str) -> list[_Stack]:
    found: list[_Stack] = []
    name: str | None = stack_name
    while name and (stack := STACKS.current().get(name)):
        found.append(stack)
        name = stack.get("_parent_stack_name")
    return found


def _refusing(original: _Action, find: Callable[[dict[str, Any]], _Stack | None], reason: str) -> _Action:
    def act(params: dict[str, Any]) -> Any:
        stack = find(params)
        status = str((stack or {}).get("StackStatus"))
        if stack is None or status not in _UPDATES:
            return original(params)
        return ERROR.current()("ValidationError", reason.format(stack["StackId"], status))

    return act


def _stack_named(params: dict[str, Any]) -> _Stack | None:
    name = PARAMETER.current()(params, "StackName")
    found: _Stack | None = RESOLVE_STACK.current()(name) if name else None
    return found


def _stack_of_change_set(params: dict[str, Any]) -> _Stack | None:
    parameter = PARAMETER.current()
    _, change_set = FIND_CHANGE_SET.current()(parameter(params, "ChangeSetName"), parameter(params, "StackName"))
    found: _Stack | None = STACKS.current().get(change_set["StackName"]) if change_set else None
    return found
