"""Tells callers that may not list a bucket nothing about keys that it lacks: 403 AccessDenied, not 404 NoSuchKey.

Source: Amazon S3 API Reference, permissions of GetObject and HeadObject.
"""

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from blueprints.local.base.internals import Internal
from blueprints.local.services import iam

HANDLE = Internal(
    "services.s3",
    "handle_request",
    (
        *("method", "path", "headers", "body", "query_params", "signed_path", "enforce_bucket_region", "internal"),
        *("access_point_region", "access_point"),
    ),
)
BUCKETS = Internal("services.s3", "_buckets")
POLICY = Internal("services.s3", "bucket_policy_for_arn", ("resource_arn",))
PARSE_PATH = Internal("services.s3", "_parse_bucket_key", ("path", "headers"))
ERROR = Internal("services.s3", "_error", ("code", "message", "status", "resource", "extra", "headers"))
ANONYMOUS = Internal("core.iam_evaluator", "_anonymous")
ENFORCE = Internal(
    "core.iam_evaluator",
    "enforce",
    ("access_key_id", "iam_action", "service", "region", "resource_arn", "service_context"),
)
REGION = Internal("core.responses", "get_region", ())

_ACTION = "s3:ListBucket"

_Headers = Mapping[str, str]
_Answer = tuple[Any, ...]


def install() -> None:
    """Look again at every answer that there is no such key."""
    handle: Callable[..., Awaitable[_Answer]] = HANDLE.current()

    async def handling(
        method: str, path: str, headers: _Headers, body: bytes, query_params: Mapping[str, Any], **options: Any
    ) -> _Answer:
        answer = await handle(method, path, headers, body, query_params, **options)
        if answer[0] != HTTPStatus.NOT_FOUND or options.get("internal") or "versionId" in query_params:
            return answer
        bucket, key = _object_of(method, path, headers)
        if not key or key in (BUCKETS.current().get(bucket) or {"objects": (key,)})["objects"]:
            return answer
        return _refusal(method, bucket, key) or answer

    HANDLE.replace(handling)


def _object_of(method: str, path: str, headers: _Headers) -> tuple[str, str]:
    """The bucket and the key that a request reads: those of the source, if it copies; no key, if it reads none."""
    source = headers.get("x-amz-copy-source", "")
    if source:
        bucket, _, key = unquote(source.partition("?")[0]).lstrip("/").partition("/")
        return bucket, key
    bucket, key = PARSE_PATH.current()(path, headers)
    return bucket, key if method in ("GET", "HEAD") else ""


def _refusal(method: str, bucket: str, key: str) -> _Answer | None:
    """The answer to a caller that may not list the bucket; None for one that may."""
    arn = f"arn:aws:s3:::{bucket}"
    if ANONYMOUS.current().get():
        policy, _owner = POLICY.current()(arn) or ("", None)
        may_list = iam.policy_allows(policy, "", _ACTION, arn, REGION.current()(), {})
        message = "Access Denied"
    else:
        denied = ENFORCE.current()(iam.signing_key(), _ACTION, "s3", REGION.current()(), arn)
        may_list = denied is None
        message = (
            f"User: {iam.caller_arn()} is not authorized to perform: {_ACTION} on resource: "
            f'"{arn}" because no identity-based policy allows the {_ACTION} action'
        )
    if may_list:
        return None
    status, headers, body = ERROR.current()("AccessDenied", message, HTTPStatus.FORBIDDEN, f"/{bucket}/{key}")
    return status.value, headers, b"" if method == "HEAD" else body
