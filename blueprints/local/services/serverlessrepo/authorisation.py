"""Checks in IAM whether a caller may use an operation of the embedded Serverless Application Repository.

The application's own policy is checked separately, as on AWS: a caller of another account needs both.
"""

from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.base.protocol import ServiceError
from blueprints.local.services import iam

UNKNOWN = Internal("core.iam_evaluator", "AuthError")


def caller(access_key: str, account: str) -> Any:
    """The principal that signed a request. Raises ServiceError for an unknown key."""
    principal = iam.principal_of(access_key, account)
    if isinstance(principal, UNKNOWN.current()):
        raise ServiceError(principal.code, principal.message)
    return principal


def check(principal: Any, operation: str, resource: str | None, region: str) -> None:
    """Raises ServiceError if the caller's policies do not allow an operation. An account's owner may do everything."""
    if principal.policies is None:
        return
    action, resource = f"serverlessrepo:{operation}", resource or "*"
    asked = iam.question(principal, action, resource, region)
    if iam.answer(principal, asked).decision != "Allow":
        raise ServiceError(
            "AccessDeniedException",
            f"User: {principal.arn} is not authorized to perform: {action} on resource: {resource}",
        )
