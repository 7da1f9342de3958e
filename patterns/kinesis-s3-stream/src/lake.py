"""The lake bucket: where a batch's two objects lie, and how they are made to hold what an attempt has for them.

    {prefix}/dt=2026-11-12/hour=10/{shard}-{sequence number}.ndjson.gz    what is stored
    errors/dt=2026-11-12/hour=10/{shard}-{sequence number}.ndjson.gz      what is set aside

Each write names what it replaces (If-Match, If-None-Match): a request of an attempt that has died in the meantime, and
that S3 sees late, is refused instead of undoing what came after.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from blueprints_shared.streams import sequence_number, shard_id

__all__ = ["ERRORS", "BatchKeys", "Lake", "batch_keys"]

ERRORS = "errors"

_DIGITS = 64  # Kinesis' numbers have 56 today; with room to grow, names still sort in the order of the stream
_MISSING = {"404", "NoSuchKey", "NotFound"}


@dataclass(frozen=True, slots=True)
class BatchKeys:
    """The keys of a batch's two objects."""

    data: str
    errors: str


def batch_keys(first: Mapping[str, Any], prefix: str, within: str = "") -> BatchKeys:
    """The keys of the batch of which this is the first record *received*; `within` comes before both."""
    arrived = datetime.fromtimestamp(first["kinesis"]["approximateArrivalTimestamp"], UTC)
    name = f"{shard_id(first)}-{sequence_number(first).zfill(_DIGITS)}"
    place = f"{arrived:dt=%Y-%m-%d/hour=%H}/{name}.ndjson.gz"
    return BatchKeys(f"{within}{prefix}/{place}", f"{within}{ERRORS}/{place}")


class Lake:
    """The bucket, by way of an S3 client."""

    def __init__(self, s3: Any, bucket: str) -> None:
        self._s3 = s3
        self.bucket = bucket

    def settle(self, keys: BatchKeys, data: bytes | None, errors: bytes | None) -> None:
        """Make both keys hold what this attempt has for them; what fails is raised, for Lambda to try again."""
        self._replace(keys.data, data)
        self._replace(keys.errors, errors)

    def _replace(self, key: str, content: bytes | None) -> None:
        found = self._etag(key)
        if content is not None:
            condition = {"IfMatch": found} if found else {"IfNoneMatch": "*"}
            self._s3.put_object(Bucket=self.bucket, Key=key, Body=content, ContentType="application/gzip", **condition)
        elif found:
            self._s3.delete_object(Bucket=self.bucket, Key=key, IfMatch=found)

    def _etag(self, key: str) -> str | None:
        try:
            return str(self._s3.head_object(Bucket=self.bucket, Key=key)["ETag"])
        except ClientError as error:
            if error.response["Error"]["Code"] in _MISSING:
                return None
            raise
