"""Decides who may use a key of KMS for a resource that is encrypted with it: a caller, a role or a service.

A service such as S3 uses a key with the permissions of its caller: the key policy and the caller's own policies are
judged together, with the condition keys of KMS. A key that is disabled or awaits its deletion refuses everybody.
Sources: AWS KMS Developer Guide, "Determining access to AWS KMS keys", "AWS KMS condition keys" and "Grants".
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from blueprints.local.base.internals import Internal
from blueprints.local.services import iam
from blueprints.local.services.kms.keys import ACCOUNT, Key, find, scope_of

ANONYMOUS = Internal("core.iam_evaluator", "_anonymous")
COMBINE = Internal(
    "core.iam_evaluator",
    "combine_resource_policy",
    ("identity", "ctx", "policy", "owner_account", "required", "limits"),
)
BY_POLICY = Internal(
    "core.iam_evaluator", "evaluate_resource_policy", ("doc", "ctx", "service", "named_only", "direct_only")
)
GRANTS = Internal("services.kms", "_grants")

_CONTEXT = "kms:encryptioncontext:"

Reason = Literal["AccessDenied", "Disabled", "InvalidState", "NotFound"]


@dataclass(frozen=True)
class Encryption:
    """How a resource is encrypted: the key, and what its service gives KMS about each use of the key."""

    key: str
    """The key's id, ARN or alias, as the resource names it."""
    service: str
    """The service in `kms:ViaService`, such as `sqs`."""
    resource_arn: str
    context: Mapping[str, str] = field(default_factory=dict)
    """The encryption context."""


class KeyRefused(Exception):
    """A key cannot be used; the message says why, in the words of KMS."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason: Reason = reason


def require_caller(encryption: Encryption, *operations: str) -> None:
    """Check that the caller of the present request may use the key. Raises KeyRefused.

    `operations` are KMS operations, such as `Decrypt`. The account's owner is judged by the key policy alone. A request
    without a signature cannot use a key.
    """
    if ANONYMOUS.current().get():
        raise KeyRefused("AccessDenied", f"A request without a signature cannot use the key {encryption.key}.")
    require(iam.principal_of(iam.signing_key(), ACCOUNT.current()()), encryption, *operations)


def require(principal: Any, encryption: Encryption, *operations: str) -> None:
    """Check that a principal may use the key for a resource through its service. Raises KeyRefused."""
    key = usable(encryption)
    for operation in operations:
        _require(principal, key, encryption, f"kms:{operation}")


def caller_may_change(policy: str, account: str) -> bool:
    """Whether a key policy, as JSON text, lets the caller of the present request change it, or the whole account."""
    principal = iam.principal_of(iam.signing_key(), account)
    asked = iam.question(principal, "kms:PutKeyPolicy", f"arn:aws:kms:us-east-1:{account}:key/new", "us-east-1")
    return bool(BY_POLICY.current()(policy, asked).decision == "Allow")


def usable(encryption: Encryption) -> Key:
    """The key of a resource. Raises KeyRefused if it is missing, disabled or pending deletion."""
    key = find(encryption.key, encryption.resource_arn)
    if key is None:
        raise KeyRefused("NotFound", f"Invalid keyId '{encryption.key}'")
    if key.state == "Disabled":
        raise KeyRefused("Disabled", f"{key.arn} is disabled.")
    if key.state != "Enabled":
        state = {"PendingDeletion": "pending deletion", "PendingImport": "pending import"}.get(key.state, key.state)
        raise KeyRefused("InvalidState", f"{key.arn} is {state}.")
    return key


def service_may(service: str, source_arn: str, account: str, encryption: Encryption, *operations: str) -> bool:
    """Whether the key policy lets an AWS service such as `sns.amazonaws.com` use the key for a source."""
    try:
        key = usable(encryption)
    except KeyRefused:
        return False
    keys = {
        **{name.lower(): value for name, value in _condition_keys(key, encryption).items()},
        "aws:sourcearn": source_arn,
        "aws:sourceaccount": account,
        "aws:principalisawsservice": "true",
    }
    return all(
        iam.policy_allows(key.policy, service, f"kms:{each}", key.arn, key.arn.split(":")[3], keys)
        for each in operations
    )


def _require(principal: Any, key: Key, encryption: Encryption, action: str) -> None:
    keys = {**_condition_keys(key, encryption), "kms:CallerAccount": principal.account, "aws:ViaAWSService": "true"}
    asked = iam.question(principal, action, key.arn, key.arn.split(":")[3], keys)
    by_key = BY_POLICY.current()(key.policy, asked)
    if principal.policies is None:  # the account's owner
        result = by_key
    else:
        identity = iam.answer(principal, asked)
        result = COMBINE.current()(
            identity, asked, key.policy, key.arn.split(":")[4], required=True, limits=principal.limits
        )
    if result.decision == "Allow":
        return
    why = _reason(result, action, by_identity=by_key.decision == "Allow")
    message = f"User: {principal.arn} is not authorized to perform: {action} on resource: {key.arn} {why}"
    raise KeyRefused("AccessDenied", message)


def _condition_keys(key: Key, encryption: Encryption) -> dict[str, Any]:
    context = {f"kms:EncryptionContext:{name}": value for name, value in encryption.context.items()}
    return {
        **context,
        "kms:EncryptionContextKeys": list(encryption.context),
        "kms:ResourceAliases": list(key.aliases),
        "kms:ViaService": f"{encryption.service}.{key.arn.split(':')[3]}.amazonaws.com",
    }


def _reason(result: Any, action: str, *, by_identity: bool) -> str:
    if result.decision == "Deny":
        return f"with an explicit deny in {'a resource' if result.resource_policy_arn else 'an identity'}-based policy"
    return f"because no {'identity' if by_identity else 'resource'}-based policy allows the {action} action"


def install() -> None:
    """Let grants in where neither the key policy nor the caller's own policies allow a call to KMS or deny it."""
    combine: Callable[..., Any] = COMBINE.current()

    def combined(
        identity: Any, ctx: Any, policy: Any, owner_account: str | None, required: bool = False, limits: Any = ()
    ) -> Any:
        result = combine(identity, ctx, policy, owner_account, required=required, limits=limits)
        if required and result.decision == "ImplicitDeny" and _granted(ctx):
            return replace(result, decision="Allow")
        return result

    COMBINE.replace(combined)


def _granted(asked: Any) -> bool:
    names, operation = set(_names_of(asked.principal_arn)), asked.action.removeprefix("kms:")
    context = {
        name.removeprefix(_CONTEXT): value for name, value in asked.service_context.items() if name.startswith(_CONTEXT)
    }
    with scope_of(asked.resource_arn):
        return any(
            grant["KeyId"] == asked.resource_arn
            and grant["GranteePrincipal"] in names
            and operation in grant["Operations"]
            and _constraints_hold(grant.get("Constraints") or {}, context)
            for grant in GRANTS.current().values()
        )


def _names_of(principal_arn: str) -> Iterator[str]:
    """A principal's ARN, and the ARN of its role without a path if it is a session of a role."""
    yield principal_arn
    if ":assumed-role/" in principal_arn:
        account, name = principal_arn.split(":")[4], principal_arn.split("/")[1]
        yield f"arn:aws:iam::{account}:role/{name}"


def _constraints_hold(constraints: Mapping[str, Any], context: Mapping[str, str]) -> bool:
    """Whether the encryption context is the one that a grant is limited to; IAM compares names without their case."""
    equal, part = (
        {name.lower(): value for name, value in constraints[kind].items()} if kind in constraints else None
        for kind in ("EncryptionContextEquals", "EncryptionContextSubset")
    )
    return (equal is None or equal == context) and (part is None or part.items() <= context.items())
