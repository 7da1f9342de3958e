"""What the principal that made the present request may do besides the operation it called, such as pass a role."""

from collections.abc import Mapping

from blueprints.local.base.internals import Internal
from blueprints.local.services.iam import identity_policies

ACCOUNT = Internal("core.responses", "get_account_id", ())
REGION = Internal("core.responses", "get_region", ())
VERIFIED_KEY = Internal("core.iam_evaluator", "_verified_key")


def caller_may(action: str, resource: str, keys: Mapping[str, str] | None = None) -> bool:
    """Whether the caller's policies allow an action on a resource; the account's owner may do everything.

    `keys` are condition keys, such as `iam:PassedToService`.
    """
    access_key = VERIFIED_KEY.current().get()
    if not access_key:
        return True  # the owner's signatures are not verified
    principal = identity_policies.principal_of(access_key, ACCOUNT.current()())
    if getattr(principal, "policies", None) is None:
        return True
    asked = identity_policies.question(principal, action, resource, REGION.current()(), keys)
    return bool(identity_policies.answer(principal, asked).decision == "Allow")


def caller_arn() -> str:
    """The ARN of the principal that made the present request."""
    access_key = VERIFIED_KEY.current().get()
    account = ACCOUNT.current()()
    principal = identity_policies.principal_of(access_key, account) if access_key else None
    return str(getattr(principal, "arn", f"arn:aws:iam::{account}:root"))
