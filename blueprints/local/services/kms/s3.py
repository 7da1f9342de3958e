"""S3 objects that are encrypted with a key of KMS: writes need GenerateDataKey, reads need Decrypt.

The base emulator stores which key an object names, checks no permission, and refuses `aws:kms` without a key.
Sources: Amazon S3 User Guide, "Using server-side encryption with AWS KMS keys", and the permissions of CopyObject,
CreateMultipartUpload, UploadPart and CompleteMultipartUpload in the API reference.
"""

from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from typing import Any
from urllib.parse import unquote

from blueprints.local.base.internals import Internal
from blueprints.local.services import iam
from blueprints.local.services.kms.keys import ACCOUNT
from blueprints.local.services.kms.permissions import Encryption, KeyRefused, require, require_caller, usable

HANDLE = Internal(
    "services.s3",
    "handle_request",
    (
        *("method", "path", "headers", "body", "query_params", "signed_path", "enforce_bucket_region", "internal"),
        *("access_point_region", "access_point"),
    ),
)
RESOLVE_WRITE = Internal("services.s3", "_resolve_sse_write_headers", ("headers", "bucket_name"))
GET = Internal("services.s3", "_get_object", ("bucket_name", "key", "headers", "query_params"))
COPY = Internal("services.s3", "_copy_object", ("bucket_name", "dest_key", "headers"))
COPY_PART = Internal("services.s3", "_upload_part_copy", ("bucket_name", "dest_key", "query_params", "headers"))
UPLOAD_PART = Internal("services.s3", "_upload_part", ("bucket_name", "key", "body", "query_params", "headers"))
COMPLETE = Internal(
    "services.s3", "_complete_multipart_upload", ("bucket_name", "key", "body", "query_params", "headers")
)
UPLOADS = Internal("services.s3", "_multipart_uploads")
DEFAULT_OF_BUCKET = Internal("services.s3", "_bucket_default_sse_headers", ("bucket_name",))
BUCKETS = Internal("services.s3", "_buckets")
VERSIONS = Internal("services.s3", "_object_versions")
BUCKET_ENCRYPTION = Internal("services.s3", "_bucket_encryption")
PARSE_PATH = Internal("services.s3", "_parse_bucket_key", ("path", "headers"))
ACCESS_KEY = Internal("services.s3", "_request_access_key", ("method", "key", "headers", "query_params", "body"))
ERROR = Internal("services.s3", "_error", ("code", "message", "status", "resource", "extra", "headers"))
ANONYMOUS = Internal("core.iam_evaluator", "_anonymous")

_ALGORITHM = "x-amz-server-side-encryption"
_KEY = "x-amz-server-side-encryption-aws-kms-key-id"
_BUCKET_KEY = "x-amz-server-side-encryption-bucket-key-enabled"
_DUAL_LAYER = "aws:kms:dsse"
_CODES = {
    "AccessDenied": ("AccessDenied", 403),
    "Disabled": ("KMS.DisabledException", 400),
    "InvalidState": ("KMS.KMSInvalidStateException", 400),
    "NotFound": ("KMS.NotFoundException", 400),
}

_Headers = Mapping[str, str]
_Answer = tuple[Any, ...]

_object_arn: ContextVar[str] = ContextVar("object_arn", default="")
"""The object of the request, for code of the base emulator that gets the bucket alone."""
_signer: ContextVar[str] = ContextVar("form_signer", default="")
"""The access key that signed the form of a browser's upload, which the base emulator verifies."""


def install() -> None:
    """Check the caller's permission on the key at every write and read of an encrypted object."""
    HANDLE.replace(_handling(HANDLE.current()))
    RESOLVE_WRITE.replace(_resolving(RESOLVE_WRITE.current()))
    get, copy, copy_part = GET.current(), COPY.current(), COPY_PART.current()
    part, complete = UPLOAD_PART.current(), COMPLETE.current()

    def get_object(bucket_name: str, key: str, headers: _Headers, query_params: Any = None) -> _Answer:
        version = _first((query_params or {}).get("versionId"))
        return _read_refusal(bucket_name, key, version) or get(bucket_name, key, headers, query_params)

    def copy_object(bucket_name: str, dest_key: str, headers: _Headers) -> _Answer:
        return _source_refusal(headers) or copy(bucket_name, dest_key, headers)

    def upload_part_copy(bucket_name: str, dest_key: str, query_params: Any, headers: _Headers) -> _Answer:
        refused = _source_refusal(headers) or _upload_refusal(query_params)
        return refused or copy_part(bucket_name, dest_key, query_params, headers)

    def upload_part(bucket_name: str, key: str, body: bytes, query_params: Any, headers: _Headers) -> _Answer:
        return _upload_refusal(query_params) or part(bucket_name, key, body, query_params, headers)

    def complete_upload(
        bucket_name: str, key: str, body: bytes, query_params: Any, headers: _Headers | None = None
    ) -> _Answer:
        return _upload_refusal(query_params) or complete(bucket_name, key, body, query_params, headers)

    GET.replace(get_object)
    COPY.replace(copy_object)
    COPY_PART.replace(upload_part_copy)
    UPLOAD_PART.replace(upload_part)
    COMPLETE.replace(complete_upload)


def _handling(handle: Callable[..., Awaitable[_Answer]]) -> Callable[..., Awaitable[_Answer]]:
    async def handling(
        method: str, path: str, headers: _Headers, body: bytes, query_params: Any, **options: Any
    ) -> _Answer:
        bucket, key = PARSE_PATH.current()(path, headers)
        token = _object_arn.set(f"arn:aws:s3:::{bucket}/{key}")
        is_form = method == "POST" and not key and headers.get("content-type", "").startswith("multipart/form-data")
        signer = _signer.set(ACCESS_KEY.current()(method, key, headers, query_params, body) if is_form else "")
        try:
            return await handle(method, path, headers, body, query_params, **options)
        finally:
            _signer.reset(signer)
            _object_arn.reset(token)

    return handling


def _resolving(resolve: Callable[..., tuple[Any, Any]]) -> Callable[..., tuple[Any, Any]]:
    def resolving(headers: _Headers, bucket_name: str) -> tuple[Any, Any]:
        asked = headers.get(_ALGORITHM, "")
        if asked.startswith("aws:kms"):
            key = headers.get(_KEY) or "alias/aws/s3"
            found, error = resolve({**headers, _ALGORITHM: "aws:kms", _KEY: key}, bucket_name)
        else:
            found, error = resolve(headers, bucket_name)
        if error is not None or not str(found.get(_ALGORITHM, "")).startswith("aws:kms"):
            return found, error
        return _with_key({**found, _ALGORITHM: asked or found[_ALGORITHM]}, headers, bucket_name)

    return resolving


def _with_key(found: dict[str, str], headers: _Headers, bucket: str) -> tuple[dict[str, str] | None, Any]:
    """The headers to keep with an object, with the key's ARN; or None and the answer that refuses the write."""
    object_arn = _object_arn.get() or f"arn:aws:s3:::{bucket}"
    if _has_bucket_key(headers, bucket) and found[_ALGORITHM] != _DUAL_LAYER:
        found[_BUCKET_KEY] = "true"
    encryption = _encryption(found, object_arn)
    try:
        _require_writer(encryption)
        return {**found, _KEY: usable(encryption).arn}, None
    except KeyRefused as refused:
        return None, _answer(refused, object_arn)


def _require_writer(encryption: Encryption) -> None:
    """Check who writes: who signed the form, or else the request. Raises KeyRefused."""
    signer = _signer.get()
    if signer:
        require(iam.principal_of(signer, ACCOUNT.current()()), encryption, "GenerateDataKey")
    else:
        require_caller(encryption, "GenerateDataKey")


def object_encryption(bucket: str, key: str) -> Encryption | None:
    """How an object is encrypted; None for one without a key of KMS, or that does not exist."""
    kept = _kept_headers(bucket, key, "")
    if not str(kept.get(_ALGORITHM, "")).startswith("aws:kms"):
        return None
    return _encryption(kept, f"arn:aws:s3:::{bucket}/{key}")


def new_object_encryption(bucket: str, key: str) -> Encryption | None:
    """How an object that is written without a choice of its own is encrypted; None without a key of KMS."""
    default = DEFAULT_OF_BUCKET.current()(bucket)
    if not str(default.get(_ALGORITHM, "")).startswith("aws:kms"):
        return None
    kept = {**default, _BUCKET_KEY: str(_has_bucket_key({}, bucket)).lower()}
    return _encryption(kept, f"arn:aws:s3:::{bucket}/{key}")


def _has_bucket_key(headers: _Headers, bucket: str) -> bool:
    asked = headers.get(_BUCKET_KEY)
    if asked is not None:
        return asked.lower() == "true"
    return "<bucketkeyenabled>true" in str(BUCKET_ENCRYPTION.current().get(bucket) or "").lower()


def _encryption(kept: _Headers, object_arn: str) -> Encryption:
    """With a bucket key, the encryption context is the bucket: S3 asks KMS once for many objects."""
    bucket_arn = object_arn.split("/", 1)[0]
    context = {"aws:s3:arn": bucket_arn if kept.get(_BUCKET_KEY) == "true" else object_arn}
    return Encryption(kept.get(_KEY) or "alias/aws/s3", "s3", object_arn, context)


def _read_refusal(bucket: str, key: str, version: str) -> _Answer | None:
    kept = _kept_headers(bucket, key, version)
    if not str(kept.get(_ALGORITHM, "")).startswith("aws:kms"):
        return None
    object_arn = f"arn:aws:s3:::{bucket}/{key}"
    if ANONYMOUS.current().get():
        message = "Requests specifying Server Side Encryption with AWS KMS managed keys must be made with a signature."
        return tuple(ERROR.current()("InvalidArgument", message, 400, object_arn))
    return _decrypt_refusal(_encryption(kept, object_arn))


def _kept_headers(bucket: str, key: str, version: str) -> _Headers:
    """The headers that are kept with an object, or with a version of it; nothing for one that does not exist."""
    if version and version != "null":
        versions = VERSIONS.current().get((bucket, key)) or ()
        record = next((each for each in versions if each["version_id"] == version), None)
    else:
        record = (BUCKETS.current().get(bucket) or {}).get("objects", {}).get(key)
    return (record or {}).get("preserved_headers") or {}


def _source_refusal(headers: _Headers) -> _Answer | None:
    path, _, query = headers.get("x-amz-copy-source", "").lstrip("/").partition("?")
    bucket, _, key = unquote(path).partition("/")
    version = unquote(query.removeprefix("versionId=")) if query.startswith("versionId=") else ""
    return _read_refusal(bucket, key, version)


def _upload_refusal(query_params: Any) -> _Answer | None:
    """S3 decrypts the data key of a multipart upload for every part, and to put the parts together."""
    upload = UPLOADS.current().get(_first(query_params.get("uploadId"))) or {}
    kept = upload.get("preserved_headers") or {}
    if not str(kept.get(_ALGORITHM, "")).startswith("aws:kms"):
        return None
    return _decrypt_refusal(_encryption(kept, f"arn:aws:s3:::{upload['bucket']}/{upload['key']}"))


def _decrypt_refusal(encryption: Encryption) -> _Answer | None:
    try:
        require_caller(encryption, "Decrypt")
    except KeyRefused as refused:
        return _answer(refused, encryption.resource_arn)
    return None


def _answer(refused: KeyRefused, object_arn: str) -> _Answer:
    code, status = _CODES[refused.reason]
    return tuple(ERROR.current()(code, str(refused), status, f"/{object_arn.split(':::')[1]}"))


def _first(value: Any) -> str:
    return str(value[0] if isinstance(value, list) else value or "")
