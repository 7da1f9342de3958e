"""Asks IAM what a principal's own policies say; what a resource's policy adds is for whoever asks to look at."""

from typing import Any

from blueprints.local.base.internals import Internal

PRINCIPAL = Internal("core.iam_evaluator", "resolve_principal", ("access_key_id", "account_id", "credential"))
CONTEXT = Internal("core.iam_evaluator", "EvalContext")
EVALUATE = Internal("core.iam_evaluator", "evaluate", ("ctx", "policies", "limits"))


def principal_of(access_key: str, account: str) -> Any:
    """Who signs with an access key; an AuthError of the base emulator's when that is nobody."""
    return PRINCIPAL.current()(access_key, account)


def question(principal: Any, action: str, resource: str, region: str) -> Any:
    """The evaluator's context: whether this principal may do this to that resource, `*` for none in particular."""
    return CONTEXT.current()(
        principal_arn=principal.arn,
        principal_type=principal.type,
        principal_account=principal.account,
        action=action,
        resource_arn=resource,
        region=region,
        principal_keys=principal.keys,
    )


def answer(principal: Any, context: Any) -> Any:
    """The evaluator's result; what its `decision` is not `Allow` for is not allowed."""
    return EVALUATE.current()(context, principal.policies or [], *principal.limits)
