"""Lets a bucket policy name a user or role of another account; the base emulator sees its account alone.

Source: Amazon S3 User Guide, "Bucket owner granting cross-account bucket permissions".
"""

from collections.abc import Callable, Mapping
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.services import iam

ALLOWS = Internal(
    "services.s3",
    "_foreign_bucket_allows",
    ("owner_account", "bucket_name", "key", "method", "query_params", "caller", "headers"),
)
POLICIES = Internal("services.s3", "_bucket_policies")
IS_PUBLIC = Internal("services.s3", "_policy_is_public", ("policy_text",))
ACTION = Internal("core.iam_actions", "_s3_action", ("method", "path", "query_params"))
BY_POLICY = Internal(
    "core.iam_evaluator", "evaluate_resource_policy", ("doc", "ctx", "service", "named_only", "direct_only")
)
REGION = Internal("core.responses", "get_region", ())


def install() -> None:
    """Ask the policy of a bucket for the caller too, not only for the caller's account."""
    allows: Callable[..., bool] = ALLOWS.current()

    def allowed(
        owner_account: str,
        bucket_name: str,
        key: str,
        method: str,
        query_params: Mapping[str, Any],
        caller: str,
        headers: Mapping[str, str] | None = None,
    ) -> bool:
        policy = POLICIES.current().get_scoped(owner_account, None, bucket_name)
        action = ACTION.current()(method, f"/{bucket_name}/{key}", query_params)
        resource = f"arn:aws:s3:::{bucket_name}/{key}" if key else f"arn:aws:s3:::{bucket_name}"
        decision = _decision(policy, caller, f"s3:{action}", resource) if caller and policy else ""
        if decision == "Deny":
            return False
        if allows(owner_account, bucket_name, key, method, query_params, caller, headers):
            return True
        return decision == "Allow" and not IS_PUBLIC.current()(policy)

    ALLOWS.replace(allowed)


def _decision(policy: str, account: str, action: str, resource: str) -> str:
    """What a policy says of the signer of the request: Allow, Deny or else; its conditions see no key of S3."""
    principal = iam.principal_of(iam.signing_key(), account)
    if getattr(principal, "policies", None) is None:
        return ""  # the account's owner: the base emulator asks for the account
    asked = iam.question(principal, action, resource, REGION.current()())
    return str(BY_POLICY.current()(policy, asked).decision)
