"""The two objects of a batch in the lake bucket, and how an attempt replaces them.

An attempt reads both ETags before anything else, and each of its writes requires the ETag it read (If-Match,
If-None-Match). So S3 refuses a request that arrives late, and an attempt that another one has overtaken. Before it
replaces or deletes an object, an attempt copies it below `replaced/`: it may hold records that this attempt does not.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

from blueprints_shared.streams import sequence_number, shard_id

# The function's policy and the bucket's lifecycle rules in template.yaml name these prefixes too.
DATA = "data"
ERRORS = "errors"
REPLACED = "replaced"
PROBES = "_probe"

_DIGITS = 64  # sequence numbers have 56 digits today; padded, keys sort in the order of the stream
_ENDING = ".ndjson.gz"
_MISSING = {"404", "NoSuchKey", "NotFound"}

ETags = tuple[str | None, str | None]
"""The ETags of a batch's data and errors objects, None if there is no object."""


class BatchKeys(NamedTuple):
    """The keys of a batch's two objects."""

    data: str
    errors: str


def batch_keys(first: Mapping[str, Any], within: str = "") -> BatchKeys:
    """Return the keys of the batch whose first *received* record is `first`; `within` precedes both."""
    name = f"{shard_id(first)}-{sequence_number(first).zfill(_DIGITS)}"
    place = f"{_arrival(first):dt=%Y-%m-%d/hour=%H}/{name}{_ENDING}"
    return BatchKeys(f"{within}{DATA}/{place}", f"{within}{ERRORS}/{place}")


def _arrival(first: Mapping[str, Any]) -> datetime:
    """The arrival time of a record; 1970 if it has none, because the current time would differ between attempts."""
    try:
        return datetime.fromtimestamp(first["kinesis"]["approximateArrivalTimestamp"], UTC)
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)


class Lake:
    """The lake bucket; `s3` is an S3 client."""

    def __init__(self, s3: Any, bucket: str) -> None:
        self._s3 = s3
        self.bucket = bucket

    def etags(self, keys: BatchKeys) -> ETags:
        """Return the ETags of the objects at both keys; call it before any other work on the batch."""
        return self._etag(keys.data), self._etag(keys.errors)

    def commit(self, keys: BatchKeys, etags: ETags, data: bytes | None, errors: bytes | None) -> list[str]:
        """Write both objects, delete one whose content is None, and return the keys of the copies made before.

        Raises ClientError if S3 refuses, for Lambda to retry the batch.
        """
        copies = [self._replace(keys.data, etags[0], data), self._replace(keys.errors, etags[1], errors)]
        return [copy for copy in copies if copy]

    def _replace(self, key: str, etag: str | None, content: bytes | None) -> str | None:
        copy = self._copy(key, etag) if etag else None
        if content is not None:
            condition = {"IfMatch": etag} if etag else {"IfNoneMatch": "*"}
            self._s3.put_object(Bucket=self.bucket, Key=key, Body=content, ContentType="application/gzip", **condition)
        elif etag:
            self._s3.delete_object(Bucket=self.bucket, Key=key, IfMatch=etag)
        return copy

    def _copy(self, key: str, etag: str) -> str:
        """Copy an object below `replaced/`; the ETag in the name keeps earlier copies of the same key."""
        name = etag.strip('"')
        copy = f"{REPLACED}/{key.removesuffix(_ENDING)}-{name}{_ENDING}"
        source = {"Bucket": self.bucket, "Key": key}
        self._s3.copy_object(Bucket=self.bucket, Key=copy, CopySource=source, CopySourceIfMatch=etag)
        return copy

    def _etag(self, key: str) -> str | None:
        try:
            return str(self._s3.head_object(Bucket=self.bucket, Key=key)["ETag"])
        except ClientError as error:
            if error.response["Error"]["Code"] in _MISSING:
                return None
            raise
