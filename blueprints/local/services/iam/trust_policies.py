"""Lets a role's trust policy grant that the role is assumed, as the policy of a resource does.

Within the account it is enough that the trust policy names the user or role; if it names the account alone, the caller
needs the permission `sts:AssumeRole` too.
Source: IAM User Guide, "Grant a user permissions to switch roles" and "Cross account resource access in IAM".
"""

from collections.abc import Callable
from typing import Any

from blueprints.local.base.internals import Internal

POLICY = Internal("core.iam_evaluator", "_resource_policy", ("service", "resource_arn"))
ROLES = Internal("services.iam", "_roles")


def install() -> None:
    """Evaluate the trust policy of a role with the policies of those who assume it."""
    original: Callable[[str, str], tuple[Any, str | None] | None] = POLICY.current()

    def policy(service: str, resource_arn: str) -> tuple[Any, str | None] | None:
        if service != "sts" or ":role/" not in resource_arn:
            return original(service, resource_arn)
        account = resource_arn.split(":")[4]
        role = ROLES.current().get_scoped(account, None, resource_arn.rsplit("/", 1)[-1])
        return (role.get("AssumeRolePolicyDocument"), account) if role else None

    POLICY.replace(policy)
