"""Which stack a change set belongs to: IAM authorises operations on change sets by their stack."""

from typing import Any

from blueprints.local.base.internals import Internal

PARAMETER = Internal("core.iam_actions", "_query_param", ("query_params", "key"))
CHANGE_SET = Internal("services.cloudformation.changesets", "_find_change_set", ("cs_name", "stack_name"))


def stack_of_change_set(request: dict[str, Any], query: dict[str, Any]) -> str | None:  # noqa: ARG001 - no JSON here
    """The ARN of the stack of a request that names a change set alone; None for other requests."""
    name = PARAMETER.current()(query, "ChangeSetName")
    if not name or PARAMETER.current()(query, "StackName"):
        return None
    _, change_set = CHANGE_SET.current()(name)
    return str(change_set["StackId"]) if change_set else None
