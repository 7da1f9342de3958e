"""Global condition keys that describe the principal, the resource's tags and how the request came.

Sources: IAM User Guide, "AWS global condition context keys" and "IAM and AWS STS condition context keys", federation.
"""

from collections.abc import Callable
from typing import Any

from blueprints.local.base.internals import Internal

KEY_VALUE = Internal("core.iam_evaluator", "_resolve_condition_key", ("key", "ctx"))
ROLES = Internal("services.iam", "_roles")
KEYS_OF_PRINCIPAL = Internal("core.iam_evaluator", "_principal_keys", ("credential",))
SESSIONS = Internal("services.sts", "_sessions")
TAGS = Internal("services.tagging", "resource_tags", ("arn",))

_COGNITO = {
    "cognito-identity.amazonaws.com:sub": "_identity_id",
    "cognito-identity.amazonaws.com:aud": "_identity_pool_id",
    "cognito-identity.amazonaws.com:amr": "_cognito_amr",
}
"""Keys of sessions of an identity pool, and where the base emulator keeps their values."""
_RESOURCE_TAG = "aws:resourcetag/"
_TYPES = {"Root": "Account"}
"""Values of `aws:PrincipalType` that differ from the base emulator's types."""


def install() -> None:
    """Give the keys that the base emulator lacks or has otherwise."""
    original: Callable[[str, Any], Any] = KEY_VALUE.current()

    def value(key: str, context: Any) -> Any:
        name = key.lower()
        own = _OWN.get(name)
        found = own(context) if own else original(key, context)
        if found is None and name.startswith(_RESOURCE_TAG):
            return _resource_tag(name.removeprefix(_RESOURCE_TAG), context)
        return found

    KEY_VALUE.replace(value)
    KEYS_OF_PRINCIPAL.replace(_with_cognito(KEYS_OF_PRINCIPAL.current()))


def _with_cognito(keys_of: Callable[[Any], dict[str, Any]]) -> Callable[[Any], dict[str, Any]]:
    """Also give the keys of the identity that an identity pool gave credentials to."""

    def keys(credential: Any) -> dict[str, Any]:
        session = SESSIONS.current().get(credential.access_key_id) or {}
        found = {name: session.get(member) for name, member in _COGNITO.items()}
        return {**keys_of(credential), **{name: value for name, value in found.items() if value}}

    return keys


def _resource_tag(name: str, context: Any) -> str | None:
    """The value of a tag of the resource; IAM compares names of tags without their case.

    The base emulator knows it only if an identity policy asks for it, and not if the resource's policy does, a
    permissions boundary or a session policy.
    """
    tags = TAGS.current()(context.resource_arn) or {}
    return next((str(value) for given, value in tags.items() if given.lower() == name), None)


def role_arn(session_arn: str, account: str) -> str:
    """The ARN of the role of an assumed-role session, with the role's path."""
    name = session_arn.split("/")[1] if "/" in session_arn else ""
    role = ROLES.current().get_scoped(account, None, name) or {}
    return str(role.get("Arn") or f"arn:aws:iam::{account}:role/{name}")


def _principal_arn(context: Any) -> str | None:
    if ":assumed-role/" in context.principal_arn:
        return role_arn(context.principal_arn, context.principal_account)
    return None if context.principal_arn == "*" else str(context.principal_arn)


def _principal_account(context: Any) -> str | None:
    return str(context.principal_account) if context.principal_account else None


def _principal_type(context: Any) -> str | None:
    if context.principal_type == "Service":
        return None
    return _TYPES.get(context.principal_type) or str(context.principal_type)


def _is_service(context: Any) -> str:
    return "true" if context.principal_type == "Service" else "false"


def _via_service(context: Any) -> str:
    """Whether a service made the request with its caller's credentials; the service says so in the context."""
    return str(context.service_context.get("aws:viaawsservice", "false"))


_OWN: dict[str, Callable[[Any], Any]] = {
    "aws:principalarn": _principal_arn,
    "aws:principalaccount": _principal_account,
    "aws:principaltype": _principal_type,
    "aws:principalisawsservice": _is_service,
    "aws:viaawsservice": _via_service,
}
