"""Verifies the owner's URLs of signature version 2, which boto3 makes by default in us-east-1.

The base emulator verifies URLs of version 4, and those of version 2 that users and roles signed; the owner's it takes
with any signature, key, method and age.
Source: Amazon S3 User Guide, "Signing and authenticating REST requests", "Query string request authentication".
"""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from blueprints.local.base.internals import Internal

VERIFY = Internal("services.s3", "_verify_presigned_sigv4", ("method", "path", "headers", "query_params"))
ERROR = Internal("services.s3", "_error", ("code", "message", "status", "resource", "extra", "headers"))
BUCKET_OF_HOST = Internal("app", "_extract_s3_vhost_bucket", ("host",))
ACCOUNT = Internal("core.responses", "get_account_id", ())
IS_OWNER = Internal("core.iam_evaluator", "_is_root_key", ("access_key_id",))
REQUEST = Internal("core.iam_evaluator", "SignedRequest")
CHECK = Internal("core.iam_evaluator", "_sigv2_check", ("request", "account_id"))
REFUSAL = Internal("core.iam_evaluator", "AuthError")

_SIGNED = {"AWSAccessKeyId", "Signature", "Expires"}
# urllib and curl send this type by default with a body. Version 2 signs the content type; this one is ignored.
_FORM = "application/x-www-form-urlencoded"
_EXPIRED = "Request has expired"

_Query = dict[str, Any]


def install() -> None:
    """Verify the owner's URLs of version 2; the base emulator verifies all others."""
    verify: Callable[..., Any] = VERIFY.current()

    def verify_either(method: str, path: str, headers: dict[str, str], query_params: _Query) -> Any:
        if query_params and query_params.keys() >= _SIGNED and IS_OWNER.current()(_key(query_params)):
            refusal = _refusal(method, path, headers, query_params)
            if refusal:
                return refusal
        return verify(method, path, headers, query_params)

    VERIFY.replace(verify_either)


def _refusal(method: str, path: str, headers: dict[str, str], query_params: _Query) -> Any:
    checked = _check(method, path, headers, query_params)
    if isinstance(checked, REFUSAL.current()) and headers.get("content-type") == _FORM:
        checked = _check(method, path, {**headers, "content-type": ""}, query_params)
    if not isinstance(checked, REFUSAL.current()):
        return None
    code = "AccessDenied" if checked.message == _EXPIRED else checked.code
    return ERROR.current()(code, checked.message, 403, path)


def _check(method: str, path: str, headers: dict[str, str], query_params: _Query) -> Any:
    """The owner's credential, or the reason why the signature is refused."""
    bucket = BUCKET_OF_HOST.current()(headers.get("host", ""))
    raw_path = quote(path, safe="/~")
    request = REQUEST.current()(
        _key(query_params),
        method,
        raw_path,
        query_params,
        headers,
        sigv2=True,
        auth_path=f"/{bucket}{raw_path}" if bucket else raw_path,
    )
    return CHECK.current()(request, ACCOUNT.current()())


def _key(query_params: _Query) -> str:
    key = query_params["AWSAccessKeyId"]
    return str(key[0] if isinstance(key, list) else key)
