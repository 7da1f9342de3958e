"""The S3 objects of an application: finds them in its template, reads them as SAR does, copies them to deploy."""

import re
from collections.abc import Callable, Iterator
from typing import Any, Protocol
from urllib.parse import unquote, urlparse

from botocore.exceptions import ClientError

from blueprints.local.base.protocol import ServiceError
from blueprints.local.services.iam import policy_allows
from blueprints.sar_rules.limits import READER

_PROPERTIES = {
    "BodyS3Location", "Code", "CodeS3Location", "CodeUri", "Content", "ContentUri", "DefinitionS3Location",
    "DefinitionUri", "SchemaUri", "ScriptLocation",
}  # fmt: skip
_BUCKET_AND_KEY = (("Bucket", "Key"), ("S3Bucket", "S3Key"))


class Objects(Protocol):
    """Reads S3 objects as SAR."""

    def read(self, bucket: str, key: str, account: str) -> bytes:
        """An object's content. Raises ServiceError if SAR may not read it for the account, or it does not exist."""


class S3Objects:
    """Reads objects of the embedded S3 as SAR does on AWS: only if the bucket's policy allows it."""

    def __init__(self, s3_of: Callable[[str], Any]) -> None:
        """`s3_of` makes an S3 client of an account."""
        self._s3_of = s3_of

    def read(self, bucket: str, key: str, account: str) -> bytes:
        """An object's content, after checking the bucket's policy."""
        s3 = self._s3_of(account)
        try:
            policy = s3.get_bucket_policy(Bucket=bucket)["Policy"]
        except ClientError as error:
            raise _no_access(bucket, key, str(error)) from error
        if not may_read(policy, bucket, key, account):
            raise _no_access(bucket, key, f"the bucket's policy does not let {READER} read it for {account}")
        try:
            content: bytes = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        except ClientError as error:
            raise _no_access(bucket, key, str(error)) from error
        return content


def may_read(policy: str, bucket: str, key: str, account: str) -> bool:
    """Whether a bucket's policy lets the repository read an object on behalf of an account."""
    resource = f"arn:aws:s3:::{bucket}/{key}"
    return policy_allows(policy, READER, "s3:GetObject", resource, "us-east-1", {"aws:sourceaccount": account})


def place_of(url: str) -> tuple[str, str]:
    """Bucket and key of an S3 URL in any of its forms; raises ServiceError for any other URL."""
    parsed = urlparse(url)
    host, path = parsed.netloc, unquote(parsed.path.lstrip("/"))
    if parsed.scheme == "s3":
        return host, path
    if parsed.scheme == "https" and re.fullmatch(r"s3[.-]([a-z0-9-]+\.)?amazonaws\.com", host):
        bucket, _, key = path.partition("/")
        return bucket, key
    found = re.fullmatch(r"(.+)\.s3[.-]([a-z0-9-]+\.)?amazonaws\.com", host)
    if parsed.scheme == "https" and found:
        return found[1], path
    raise ServiceError("BadRequestException", f"Invalid S3 URI: {url}")


def locations(value: Any) -> Iterator[tuple[Any, Any, str, str]]:
    """Every S3 location below a resource's properties: what holds it, under which name, its bucket and key."""
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, child in children:
        if name in _PROPERTIES and isinstance(child, str) and child.startswith("s3://"):
            yield value, name, *place_of(child)
        elif name in _PROPERTIES and isinstance(child, dict):
            for bucket, key in _BUCKET_AND_KEY:
                if isinstance(child.get(bucket), str) and isinstance(child.get(key), str):
                    yield value, name, child[bucket], child[key]
        else:
            yield from locations(child)


def relocate(holder: Any, name: Any, bucket: str, key: str) -> None:
    """Write another bucket and key in a location's own form."""
    written = holder[name]
    if isinstance(written, str):
        holder[name] = f"s3://{bucket}/{key}"
        return
    bucket_name, key_name = next(pair for pair in _BUCKET_AND_KEY if pair[0] in written)
    written |= {bucket_name: bucket, key_name: key}
    written.pop("Version", None)
    written.pop("S3ObjectVersion", None)


def _no_access(bucket: str, key: str, why: str) -> ServiceError:
    return ServiceError(
        "BadRequestException",
        f"The AWS Serverless Application Repository does not have read access to bucket '{bucket}', key '{key}'. "
        f"Please update your Amazon S3 bucket policy to grant the service read permissions to the application "
        f"artifacts you have uploaded to your S3 bucket ({why})",
    )
