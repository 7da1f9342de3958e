"""What the policies say when a service asks for a principal, without a request of the principal's own.

The policies are those of the principal and that of the resource, combined as for a request.
"""

from collections.abc import Mapping
from typing import Any

from blueprints.local.base.internals import Internal

PRINCIPAL = Internal("core.iam_evaluator", "resolve_principal", ("access_key_id", "account_id", "credential"))
ACCOUNT = Internal("core.responses", "get_account_id", ())
REGION = Internal("core.responses", "get_region", ())
SCOPE = Internal("core.responses", "request_scope", ("account_id", "region"))
ACCOUNT_OF_KEY = Internal("core.iam_evaluator", "find_iam_access_key_account", ("access_key_id",))
CONTEXT = Internal("core.iam_evaluator", "EvalContext")
EVALUATE = Internal("core.iam_evaluator", "evaluate", ("ctx", "policies", "limits"))
POLICY_OF = Internal("core.iam_evaluator", "_resource_policy", ("service", "resource_arn"))
MUST_ALLOW = Internal("core.iam_evaluator", "_POLICY_REQUIRED")
COMBINE = Internal(
    "core.iam_evaluator",
    "combine_resource_policy",
    ("identity", "ctx", "policy", "owner_account", "required", "limits"),
)


def principal_of(access_key: str, account: str) -> Any:
    """The principal that an access key belongs to; an AuthError of the base emulator if there is none.

    `account` counts for the owner's keys: each account has them. A user or session of another account is found too.
    """
    owner = ACCOUNT_OF_KEY.current()(access_key) or account
    if owner == ACCOUNT.current()():
        return PRINCIPAL.current()(access_key, owner)
    with SCOPE.current()(owner, REGION.current()()):  # where the base emulator looks for inline policies
        return PRINCIPAL.current()(access_key, owner)


def question(principal: Any, action: str, resource: str, region: str, keys: Mapping[str, Any] | None = None) -> Any:
    """The evaluation context of an action on a resource; `*` for an action without resource-level permissions.

    `keys` are condition keys, such as `iam:PassedToService`.
    """
    return CONTEXT.current()(
        principal_arn=principal.arn,
        principal_type=principal.type,
        principal_account=principal.account,
        action=action,
        resource_arn=resource,
        region=region,
        principal_keys=principal.keys,
        service_context={name.lower(): value for name, value in (keys or {}).items()},
    )


def answer(principal: Any, context: Any) -> Any:
    """The evaluation's result. Any `decision` but `Allow` is a denial."""
    result = EVALUATE.current()(context, principal.policies or [], *principal.limits)
    service = context.action.partition(":")[0]
    attached = POLICY_OF.current()(service, context.resource_arn)
    if attached is None:
        return result
    required = service in MUST_ALLOW.current()
    return COMBINE.current()(result, context, *attached, required=required, limits=principal.limits)
