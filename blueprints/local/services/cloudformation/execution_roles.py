"""The role that executes a stack, its `RoleARN`: its permissions count then, instead of the caller's.

A stack keeps the role for later operations. A role that CloudFormation cannot assume is refused.
Source: CloudFormation User Guide, "CloudFormation service role".
"""

from collections.abc import Callable
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.services.iam import RoleNotAssumed, assume_role

STACKS = Internal("services.cloudformation", "_stacks")
ACTIONS = Internal("services.cloudformation", "_ACTION_HANDLERS")
RESOLVE_STACK = Internal("services.cloudformation.handlers", "_resolve_stack", ("stack_name",))
FIND_CHANGE_SET = Internal("services.cloudformation.changesets", "_find_change_set", ("cs_name", "stack_name"))
ERROR = Internal("services.cloudformation.helpers", "_error", ("code", "message", "status"))
PARAMETER = Internal("services.cloudformation.helpers", "_p", ("params", "key", "default"))
VERIFIED_KEY = Internal("core.iam_evaluator", "_verified_key")
REGION = Internal("core.responses", "get_region", ())

_SERVICE = "cloudformation.amazonaws.com"
_SESSION = "AWSCloudFormation"
_KEPT = "_execution_role"
_EXECUTING = (
    "ContinueUpdateRollback",
    "CreateStack",
    "DeleteStack",
    "ExecuteChangeSet",
    "RollbackStack",
    "UpdateStack",
)

_Parameters = dict[str, Any]
_Action = Callable[[_Parameters], Any]


def install(endpoint: str) -> None:
    """Execute stacks in their role, if they have one."""
    actions = ACTIONS.current()
    for name in _EXECUTING:
        if name in actions:
            actions[name] = _executing(actions[name], endpoint)
    actions["CreateChangeSet"] = _keeping(actions["CreateChangeSet"])


def _executing(original: _Action, endpoint: str) -> _Action:
    def act(parameters: _Parameters) -> Any:
        role = _role(parameters)
        if not role:
            return original(parameters)
        try:
            session = assume_role(role, _SERVICE, _SESSION, REGION.current()(), endpoint)
        except RoleNotAssumed:
            return ERROR.current()("ValidationError", f"Role {role} is invalid or cannot be assumed")
        # The stack's operation goes on in a copy of this context after the answer.
        caller = VERIFIED_KEY.current().set(session.access_key)
        try:
            answer = original(parameters)
        finally:
            VERIFIED_KEY.current().reset(caller)
        stack = _stack(parameters)
        if stack is not None:
            stack[_KEPT] = role
        return answer

    return act


def _keeping(original: _Action) -> _Action:
    def act(parameters: _Parameters) -> Any:
        answer = original(parameters)
        change_set, role = _change_set(parameters), PARAMETER.current()(parameters, "RoleARN")
        if change_set is not None and role:
            change_set[_KEPT] = role
        return answer

    return act


def _role(parameters: _Parameters) -> str:
    """The request's role; otherwise the change set's, or the one that the stack had before."""
    given = PARAMETER.current()(parameters, "RoleARN")
    for holder in (_change_set(parameters), _stack(parameters)):
        given = given or (holder or {}).get(_KEPT)
    return str(given or "")


def _stack(parameters: _Parameters) -> dict[str, Any] | None:
    change_set = _change_set(parameters)
    if change_set is not None:
        found: dict[str, Any] | None = STACKS.current().get(change_set["StackName"])
        return found
    name = PARAMETER.current()(parameters, "StackName")
    resolved: dict[str, Any] | None = RESOLVE_STACK.current()(name) if name else None
    return resolved


def _change_set(parameters: _Parameters) -> dict[str, Any] | None:
    parameter = PARAMETER.current()
    name = parameter(parameters, "ChangeSetName")
    if not name:
        return None
    _, found = FIND_CHANGE_SET.current()(name, parameter(parameters, "StackName"))
    change_set: dict[str, Any] | None = found
    return change_set
