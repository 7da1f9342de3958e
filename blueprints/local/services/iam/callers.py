"""The principal that made the present request, and what it may do besides the operation that it called."""

from collections.abc import Mapping
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.services.iam import verdicts

ACCOUNT = Internal("core.responses", "get_account_id", ())
REGION = Internal("core.responses", "get_region", ())
VERIFIED_KEY = Internal("core.iam_evaluator", "_verified_key")
REQUEST_CALLER = Internal("core.iam_evaluator", "request_caller_arn", ("headers", "query_params"))
CREDENTIAL = Internal("core.iam_evaluator", "resolve_credential", ("access_key_id", "account_id", "session_token"))
ACCESS_KEY = Internal("core.router", "extract_access_key_id", ("headers", "query_params"))
ACCOUNT_OF_SESSION = Internal("core.responses", "_account_from_sts_session", ("access_key_id",))


def install() -> None:
    """Find the ARN of a request's caller without its policies, which the base emulator reads for that too."""
    REQUEST_CALLER.replace(_request_caller)


def caller_may(action: str, resource: str, keys: Mapping[str, str] | None = None) -> bool:
    """Whether the caller may do an action on a resource; the account's owner may do everything.

    `keys` are condition keys, such as `iam:PassedToService`.
    """
    access_key = VERIFIED_KEY.current().get()
    if not access_key:
        return True  # the owner's signatures are not verified
    principal = verdicts.principal_of(access_key, ACCOUNT.current()())
    if getattr(principal, "policies", None) is None:
        return True
    asked = verdicts.question(principal, action, resource, REGION.current()(), keys)
    return bool(verdicts.answer(principal, asked).decision == "Allow")


def caller_arn() -> str:
    """The ARN of the principal that made the present request."""
    access_key = VERIFIED_KEY.current().get()
    account = ACCOUNT.current()()
    principal = verdicts.principal_of(access_key, account) if access_key else None
    return str(getattr(principal, "arn", f"arn:aws:iam::{account}:root"))


def _request_caller(headers: dict[str, str], query_params: dict[str, Any] | None = None) -> str:
    """The ARN of the principal whose key a request names; the account's root if there is none."""
    account = str(ACCOUNT.current()())
    access_key = ACCESS_KEY.current()(headers, query_params or {})
    if not access_key:
        return f"arn:aws:iam::{account}:root"
    credential = CREDENTIAL.current()(access_key, ACCOUNT_OF_SESSION.current()(access_key) or account)
    return str(getattr(credential, "principal_arn", "") or f"arn:aws:iam::{account}:root")
