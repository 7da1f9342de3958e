"""Amazon S3: a request may need several permissions, by its parameters and headers.

s3_keys   the condition keys of S3
Source: Service Authorization Reference, "Amazon S3"; S3 User Guide, "Required permissions for Amazon S3 API
operations".
"""

import re
from collections.abc import Iterator

from blueprints.local.base.internals import Internal
from blueprints.local.services.iam.authorizations.call import Authorization, Call
from blueprints.local.services.iam.authorizations.s3_keys import condition_keys, existing_tags

ACTION = Internal("core.iam_actions", "_s3_action", ("method", "path", "query_params"))
SOURCE = Internal("core.iam_actions", "_s3_source_object", ("headers",))
DELETED = Internal("core.iam_actions", "_s3_batch_delete_targets", ("bucket", "body"))
MERGED_HEADERS = Internal("services.s3", "_merge_hoisted_amz_headers", ("headers", "query_params"))
ACCESS_POINT = Internal("services.s3", "access_point_for_alias", ("alias",))
MORE_CHECKS = Internal(
    "core.iam_actions", "s3_additional_checks", ("method", "path", "headers", "body", "query_params")
)
ACCESS_POINTS = Internal("core.iam_actions", "s3_access_point_resources", ("resource_arn",))

_GRANTS = ("x-amz-acl", "x-amz-grant-full-control", "x-amz-grant-read", "x-amz-grant-read-acp", "x-amz-grant-write-acp")
_PERMISSIONS_OF_HEADERS = {
    "PutObject": {
        "PutObjectTagging": ("x-amz-tagging",),
        "PutObjectAcl": _GRANTS,
        "PutObjectRetention": ("x-amz-object-lock-mode", "x-amz-object-lock-retain-until-date"),
        "PutObjectLegalHold": ("x-amz-object-lock-legal-hold",),
    },
    "CreateBucket": {
        "PutBucketAcl": (*_GRANTS, "x-amz-grant-write"),
        "PutBucketObjectLockConfiguration": ("x-amz-bucket-object-lock-enabled",),
        "PutBucketVersioning": ("x-amz-bucket-object-lock-enabled",),
        "PutBucketOwnershipControls": ("x-amz-object-ownership",),
    },
}
"""By action: what a request needs besides it, if it has one of these headers."""

_WITHOUT_EFFECT = {"CreateBucket": {("x-amz-acl", "private"), ("x-amz-bucket-object-lock-enabled", "false")}}
"""By action: headers whose value is the default, and needs nothing."""

_WITH_GET_OBJECT = {"GetObjectAttributes": "GetObject", "GetObjectVersionAttributes": "GetObjectVersion"}
_GOVERNED = ("DeleteObject", "DeleteObjectVersion", "PutObjectRetention")
_BYPASS = "x-amz-bypass-governance-retention"
_ALL_BUCKETS = "arn:aws:s3:::*"
"""What S3 names as the resource when all buckets are listed, although the action has no resource type."""
_ROLE = re.compile(rb"<Role>\s*(arn:[^<\s]+)\s*</Role>")


def authorizations(call: Call) -> list[Authorization]:
    """Everything that a request needs; nothing for one that S3 does not know."""
    if "X-Amz-Signature" in call.query:
        call.headers = MERGED_HEADERS.current()(call.headers, call.query)
    bucket, _, key = call.path.removeprefix("/").partition("/")
    action = ACTION.current()(call.method, "/b/k" if key else f"/{bucket}", call.query)
    if not action:
        return []
    found = [
        Authorization(name if ":" in name else f"s3:{name}", resource, condition_keys(call, name, resource))
        for name, resource in _needed(call, action, bucket, key)
    ]
    return [each for one in found for each in _through_access_point(one)]


def _needed(call: Call, action: str, bucket: str, key: str) -> Iterator[tuple[str, str]]:
    """Actions and resources."""
    if not bucket:
        yield action, _ALL_BUCKETS
        return
    if not key and "delete" in call.query and call.method == "POST":
        yield from _batch_of_deletions(call, bucket)
        return
    resource = f"arn:aws:s3:::{bucket}/{key}" if key else f"arn:aws:s3:::{bucket}"
    yield action, resource
    if action in _WITH_GET_OBJECT:
        yield _WITH_GET_OBJECT[action], resource
    if action in _GOVERNED and call.headers.get(_BYPASS, "").lower() == "true":
        yield "BypassGovernanceRetention", resource
    if action == "PutReplicationConfiguration" and (role := _ROLE.search(call.body)):
        yield "iam:PassRole", role[1].decode()
    if "x-amz-copy-source" in call.headers and key:
        yield from _copied(call, resource)
    if "uploadId" not in call.query:
        yield from _by_headers(call, action, resource)


def _by_headers(call: Call, action: str, resource: str) -> Iterator[tuple[str, str]]:
    without_effect = _WITHOUT_EFFECT.get(action, ())
    for needed, headers in _PERMISSIONS_OF_HEADERS.get(action, {}).items():
        given = {(name, call.headers[name].lower()) for name in headers if call.headers.get(name)}
        if given.difference(without_effect):
            yield needed, resource


def _copied(call: Call, target: str) -> Iterator[tuple[str, str]]:
    """A copy reads its source; with the source's tags, unless the request replaces them or copies a part."""
    source = SOURCE.current()(call.headers)
    if not source:
        return
    resource, version = source
    of_version = "Version" if version else ""
    yield f"GetObject{of_version}", resource
    replaces = call.headers.get("x-amz-tagging-directive", "COPY").upper() == "REPLACE"
    if not replaces and "uploadId" not in call.query and existing_tags(resource, version):
        yield f"GetObject{of_version}Tagging", resource
        yield "PutObjectTagging", target


def _batch_of_deletions(call: Call, bucket: str) -> Iterator[tuple[str, str]]:
    bypasses = call.headers.get(_BYPASS, "").lower() == "true"
    for resource, version in DELETED.current()(bucket, call.body):
        yield ("DeleteObjectVersion" if version else "DeleteObject"), resource
        if bypasses:
            yield "BypassGovernanceRetention", resource


def _through_access_point(needed: Authorization) -> list[Authorization]:
    """Through an access point's alias, a permission is needed on the access point and on its bucket."""
    alias, slash, key = needed.resource.removeprefix("arn:aws:s3:::").partition("/")
    access_point = ACCESS_POINT.current()(alias)
    if access_point is None:
        return [needed]
    arn, bucket, keys = access_point
    keys = {**needed.keys, **keys}
    return [
        Authorization(needed.action, f"{arn}/object/{key}" if slash else arn, keys),
        Authorization(needed.action, f"arn:aws:s3:::{bucket}{slash}{key}", keys),
    ]


def _no_more_checks(*request: object) -> list[tuple[str, str]]:  # noqa: ARG001 - the internal's parameters
    return []


def _unchanged(resource_arn: str) -> list[tuple[str, dict[str, str]]]:
    return [(resource_arn, {})]


SERVICES = {"s3": authorizations}
SUPERSEDED = {MORE_CHECKS: _no_more_checks, ACCESS_POINTS: _unchanged}
