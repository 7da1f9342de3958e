"""How AWS services act in a role: they assume the role if it trusts them, and may do what its policies allow."""

import hashlib
from collections.abc import Mapping
from functools import cache

from blueprints.local.base.clients import Caller
from blueprints.local.base.internals import Internal
from blueprints.local.services.iam import verdicts
from blueprints.local.services.iam.role_trust import role_of, trusts

REGISTER_SESSION = Internal("services.sts", "register_session", ("access_key", "session"))


class RoleNotAssumed(Exception):
    """A service cannot assume a role; the message says why, in AWS's words."""


def assume_role(role_arn: str, service: str, session_name: str, region: str, endpoint: str) -> Caller:
    """Assume a role for a service such as `codebuild.amazonaws.com`. Raises RoleNotAssumed."""
    name = role_arn.rsplit("/", 1)[-1]
    role = role_of(role_arn)
    if role is None:
        raise RoleNotAssumed(f"The role {role_arn} does not exist")
    if not trusts(role, service):
        raise RoleNotAssumed(f"{service} is not authorized to perform: sts:AssumeRole on service role {role_arn}")
    access_key, secret, token = _credentials(role_arn, session_name)
    account = role_arn.split(":")[4]
    session = {
        "Arn": f"arn:aws:sts::{account}:assumed-role/{name}/{session_name}",
        "UserId": f"{name}:{session_name}",
        "SecretAccessKey": secret,
        "SessionToken": token,
    }
    REGISTER_SESSION.current()(access_key, session)
    return Caller(access_key, secret, token, region, endpoint)


@cache
def _credentials(role_arn: str, session_name: str) -> tuple[str, str, str]:
    """The access key, its secret and the session token, always the same for a role and a name."""
    digest = hashlib.sha256(f"{role_arn}:{session_name}".encode()).hexdigest()
    secret = hashlib.sha256(f"secret:{digest}".encode()).hexdigest()
    token = hashlib.sha256(f"token:{digest}".encode()).hexdigest()
    return f"ASIA{digest[:16].upper()}", secret, token


def may(
    session: Caller, action: str, arn: str, account: str | None = None, keys: Mapping[str, str] | None = None
) -> bool:
    """Whether a role may do an action on a resource, without a request.

    The ARN is `*` for an action without resource-level permissions; then `account` is the role's. `keys` are the
    condition keys of the service.
    """
    principal = verdicts.principal_of(session.access_key, account or arn.split(":")[4])
    asked = verdicts.question(principal, action, arn, session.region, keys)
    return bool(verdicts.answer(principal, asked).decision == "Allow")
