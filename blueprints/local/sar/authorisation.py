"""Asks IAM whether a caller may do something with the embedded Serverless Application Repository.

The application's own policy is asked apart from that, as on AWS: somebody of another account needs both.
"""

from typing import Any

from blueprints.local.hooks import Hook
from blueprints.local.sar.protocol import Refusal

PRINCIPAL = Hook("core.iam_evaluator", "resolve_principal", ("access_key_id", "account_id", "credential"))
CONTEXT = Hook("core.iam_evaluator", "EvalContext")
EVALUATE = Hook("core.iam_evaluator", "evaluate", ("ctx", "policies", "limits"))
UNKNOWN = Hook("core.iam_evaluator", "AuthError")
HOOKS = (PRINCIPAL, CONTEXT, EVALUATE, UNKNOWN)


def caller(access_key: str, account: str) -> Any:
    """Who signed a request; raises Refusal when that is nobody. A role's session belongs to the role's account."""
    principal = PRINCIPAL.current()(access_key, account)
    if isinstance(principal, UNKNOWN.current()):
        raise Refusal(principal.code, principal.message)
    return principal


def check(principal: Any, operation: str, resource: str | None, region: str) -> None:
    """Raises Refusal when the caller's policies do not allow an operation. An account's owner may do all."""
    if principal.policies is None:
        return
    action, resource = f"serverlessrepo:{operation}", resource or "*"
    context = CONTEXT.current()(
        principal_arn=principal.arn,
        principal_type=principal.type,
        principal_account=principal.account,
        action=action,
        resource_arn=resource,
        region=region,
        principal_keys=principal.keys,
    )
    if EVALUATE.current()(context, principal.policies, *principal.limits).decision != "Allow":
        raise Refusal(
            "AccessDeniedException",
            f"User: {principal.arn} is not authorized to perform: {action} on resource: {resource}",
        )
