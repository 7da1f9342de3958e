"""The principal that made the present request, and what it may do besides the operation that it called."""

from collections.abc import Mapping
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.services.iam import verdicts

ACCOUNT = Internal("core.responses", "get_account_id", ())
REGION = Internal("core.responses", "get_region", ())
VERIFIED_KEY = Internal("core.iam_evaluator", "_verified_key")
PIN_CALLER = Internal("core.iam_evaluator", "pin_request_caller", ("headers", "query_params"))
CALLER_ARN = Internal("core.iam_evaluator", "caller_arn", ())
CREDENTIAL = Internal("core.iam_evaluator", "resolve_credential", ("access_key_id", "account_id", "session_token"))
ACCESS_KEY = Internal("core.router", "extract_access_key_id", ("headers", "query_params"))
IS_OWNER = Internal("core.iam_evaluator", "is_root_access_key", ("access_key_id",))
ACCOUNT_OF_SESSION = Internal("core.responses", "_account_from_sts_session", ("access_key_id",))


_Request = tuple[dict[str, str], dict[str, Any]]
_request: ContextVar[_Request | None] = ContextVar("iam_request", default=None)


def install() -> None:
    """Find the caller of a request in less time.

    The base emulator finds the caller's ARN for every request, with all its policies; here it is found when something
    asks. And it reads the environment's variables, which do not change here, to learn whether a key is the owner's.
    """
    PIN_CALLER.replace(_remember_request)
    CALLER_ARN.replace(_caller_of_request)
    IS_OWNER.replace(lru_cache(maxsize=1024)(IS_OWNER.current()))


def signing_key() -> str:
    """The access key that signed the present request; '' if it is the owner's, or if there is no signature.

    The base emulator remembers the key of a signature that it verified itself. S3 verifies its presigned URLs, and
    refuses others, before anything asks for the signer.
    """
    verified = str(VERIFIED_KEY.current().get())
    if verified:
        return verified
    request = _request.get()
    access_key = ACCESS_KEY.current()(*request) if request else ""
    return "" if not access_key or IS_OWNER.current()(access_key) else str(access_key)


def caller_may(action: str, resource: str, keys: Mapping[str, str] | None = None) -> bool:
    """Whether the caller may do an action on a resource; the account's owner may do everything.

    `keys` are condition keys, such as `iam:PassedToService`.
    """
    access_key = signing_key()
    if not access_key:
        return True  # the owner
    principal = verdicts.principal_of(access_key, ACCOUNT.current()())
    if not hasattr(principal, "policies"):
        return False  # the key was deleted, or the session has ended
    if principal.policies is None:
        return True
    asked = verdicts.question(principal, action, resource, REGION.current()(), keys)
    return bool(verdicts.answer(principal, asked).decision == "Allow")


def caller_arn() -> str:
    """The ARN of the principal that made the present request."""
    access_key = signing_key()
    account = ACCOUNT.current()()
    principal = verdicts.principal_of(access_key, account) if access_key else None
    return str(getattr(principal, "arn", f"arn:aws:iam::{account}:root"))


def _remember_request(headers: dict[str, str], query_params: dict[str, Any] | None = None) -> None:
    _request.set((headers or {}, query_params or {}))


def _caller_of_request() -> str:
    """The ARN of the principal whose key the present request names; the account's root if there is none."""
    account = str(ACCOUNT.current()())
    request = _request.get()
    access_key = ACCESS_KEY.current()(*request) if request else ""
    if not access_key:
        return f"arn:aws:iam::{account}:root"
    credential = CREDENTIAL.current()(access_key, ACCOUNT_OF_SESSION.current()(access_key) or account)
    return str(getattr(credential, "principal_arn", "") or f"arn:aws:iam::{account}:root")
