"""The condition keys of Amazon S3.

Source: Service Authorization Reference, "Amazon S3", "Condition keys".
"""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl
from xml.etree.ElementTree import ParseError

from blueprints.local.base.internals import Internal
from blueprints.local.services.iam.authorizations.call import Call

TAGS = Internal("services.s3", "object_tags_for_condition", ("bucket_name", "key", "query_params"))
READ_XML = Internal("core.iam_actions", "fromstring")
ENCRYPTION_OF_UPLOAD = Internal("services.s3", "upload_encryption_header", ("upload_id",))

_LISTS = ("ListBucket", "ListBucketVersions")
_LIST_PARAMETERS = ("prefix", "delimiter", "max-keys")
_ACL = (
    "x-amz-acl",
    "x-amz-grant-full-control",
    "x-amz-grant-read",
    "x-amz-grant-read-acp",
    "x-amz-grant-write",
    "x-amz-grant-write-acp",
)
_WRITE = (
    *_ACL,
    "x-amz-copy-source",
    "x-amz-metadata-directive",
    "x-amz-server-side-encryption",
    "x-amz-server-side-encryption-aws-kms-key-id",
    "x-amz-server-side-encryption-customer-algorithm",
    "x-amz-storage-class",
    "x-amz-website-redirect-location",
    "if-match",
    "if-none-match",
)
_HEADERS = {
    "PutObject": _WRITE,
    "CreateBucket": (*_ACL, "x-amz-object-ownership"),
    "PutBucketAcl": _ACL,
    "PutObjectAcl": _ACL,
    "PutObjectVersionAcl": _ACL,
    "DeleteObject": ("if-match",),
}
"""Headers that are condition keys of an action, under their own name."""

_LOCK_HEADERS = {
    "x-amz-object-lock-mode": "s3:object-lock-mode",
    "x-amz-object-lock-retain-until-date": "s3:object-lock-retain-until-date",
    "x-amz-object-lock-legal-hold": "s3:object-lock-legal-hold",
}
_LOCKS = ("PutObject", "PutObjectRetention", "PutObjectLegalHold")
_SEES_TAGS = re.compile(r"(Get|Put|Delete)Object(Version)?(Tagging|Acl|Attributes)?")
_SEES_NO_TAGS = ("PutObject", "DeleteObject", "DeleteObjectVersion")
_SETS_TAGS = ("PutObject", "PutObjectTagging", "PutObjectVersionTagging")
_REGION = re.compile(rb"<LocationConstraint>\s*([^<\s]+)\s*</LocationConstraint>")


def condition_keys(call: Call, action: str, resource: str) -> dict[str, Any]:
    """The keys of a permission that a request needs: an action without prefix, on a bucket or an object."""
    keys = _of_every_request(call)
    if action in _LISTS:
        keys |= {f"s3:{name}": call.parameter(name) for name in _LIST_PARAMETERS if name in call.query}
    keys |= {f"s3:{name}": call.headers[name] for name in _HEADERS.get(action, ()) if call.headers.get(name)}
    if action in _LOCKS:
        keys |= {key: call.headers[name] for name, key in _LOCK_HEADERS.items() if call.headers.get(name)}
    if action == "PutObject" and "uploadId" in call.query:
        keys |= _of_upload(call)
    if action == "CreateBucket" and (region := _REGION.search(call.body)):
        keys["s3:locationconstraint"] = region[1].decode()
    if action in _SETS_TAGS:
        keys |= _of_request_tags(call)
    version = call.parameter("versionId")
    if "Version" in action and version:
        keys["s3:VersionId"] = version
    if _SEES_TAGS.fullmatch(action) and action not in _SEES_NO_TAGS:
        tags = existing_tags(resource, version)
        keys |= {f"s3:ExistingObjectTag/{name}": value for name, value in tags.items()}
    return keys


def existing_tags(resource: str, version: str) -> Mapping[str, str]:
    """The tags of an object, by its ARN and the version; of the newest if that is ''."""
    bucket, _, key = resource.removeprefix("arn:aws:s3:::").partition("/")
    found: Mapping[str, str] = TAGS.current()(bucket, key, {"versionId": [version]} if version else {})
    return found


def _of_every_request(call: Call) -> dict[str, Any]:
    """As of a request that was sent over TLS 1.3, as the SDKs do."""
    keys: dict[str, Any] = {"s3:signatureversion": "AWS4-HMAC-SHA256", "s3:TlsVersion": "1.3"}
    if "x-amz-content-sha256" in call.headers:
        keys["s3:x-amz-content-sha256"] = call.headers["x-amz-content-sha256"]
    if "authorization" in call.headers:
        return {**keys, "s3:authType": "REST-HEADER"}
    keys["s3:authType"] = "REST-QUERY-STRING"
    if "AWSAccessKeyId" in call.query:
        keys["s3:signatureversion"] = "AWS"
    if signed := call.parameter("X-Amz-Date"):
        keys["s3:signatureAge"] = _age(signed)
    return keys


def _age(signed: str) -> str | None:
    """Milliseconds since a URL was signed; None if that is no time, so that the service refuses it."""
    try:
        moment = datetime.strptime(signed, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None
    return str(int((datetime.now(UTC) - moment).total_seconds() * 1000))


def _of_upload(call: Call) -> dict[str, str]:
    """A part and the completion send no header; the encryption is that of the request that began the upload."""
    encryption = ENCRYPTION_OF_UPLOAD.current()(call.parameter("uploadId"))
    return {"s3:x-amz-server-side-encryption": encryption} if encryption else {}


def _of_request_tags(call: Call) -> dict[str, Any]:
    tags = dict(_requested_tags(call))
    if not tags:
        return {}
    values = {f"s3:RequestObjectTag/{name}": value for name, value in tags.items()}
    return {**values, "s3:RequestObjectTagKeys": list(tags)}


def _requested_tags(call: Call) -> Iterable[tuple[str, str]]:
    if "tagging" not in call.query:
        return parse_qsl(call.headers.get("x-amz-tagging", ""), keep_blank_values=True)
    try:
        root = READ_XML.current()(call.body)
    except (ParseError, ValueError):
        return ()  # S3 refuses it
    return [(_child(each, "Key"), _child(each, "Value")) for each in root.iter() if _name(each) == "Tag"]


def _child(element: Any, name: str) -> str:
    return next((each.text or "" for each in element if _name(each) == name), "")


def _name(element: Any) -> str:
    """Without the namespace, which SDKs send and others may not."""
    return str(element.tag).rpartition("}")[2]
