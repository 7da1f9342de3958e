"""Asks IAM whether a caller may do something with the embedded Serverless Application Repository.

The application's own policy is asked apart from that, as on AWS: somebody of another account needs both.
"""

from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.base.protocol import ServiceError
from blueprints.local.services import iam

UNKNOWN = Internal("core.iam_evaluator", "AuthError")


def caller(access_key: str, account: str) -> Any:
    """Who signed a request; raises ServiceError when that is nobody. A role's session belongs to the role's account."""
    principal = iam.principal_of(access_key, account)
    if isinstance(principal, UNKNOWN.current()):
        raise ServiceError(principal.code, principal.message)
    return principal


def check(principal: Any, operation: str, resource: str | None, region: str) -> None:
    """Raises ServiceError when the caller's policies do not allow an operation. An account's owner may do all."""
    if principal.policies is None:
        return
    action, resource = f"serverlessrepo:{operation}", resource or "*"
    asked = iam.question(principal, action, resource, region)
    if iam.answer(principal, asked).decision != "Allow":
        raise ServiceError(
            "AccessDeniedException",
            f"User: {principal.arn} is not authorized to perform: {action} on resource: {resource}",
        )
