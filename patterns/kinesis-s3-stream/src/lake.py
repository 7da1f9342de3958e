"""The two objects of a batch in the lake bucket, and how an attempt makes them hold what it has for them.

An attempt looks at both keys before it does anything else, and each of its writes names what it then found there
(If-Match, If-None-Match). So a request that S3 sees late, and an attempt that was overtaken by another while it still
ran, are refused instead of undoing what came after. Of what is replaced or removed a copy is kept below `replaced/`: it
may hold more than the attempt, and should the rest never be delivered again, nothing is lost.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from blueprints_shared.streams import sequence_number, shard_id

__all__ = ["ERRORS", "REPLACED", "BatchKeys", "Lake", "batch_keys"]

ERRORS = "errors"
REPLACED = "replaced"

_DIGITS = 64  # Kinesis' numbers have 56 today; with room to grow, names still sort in the order of the stream
_ENDING = ".ndjson.gz"
_MISSING = {"404", "NoSuchKey", "NotFound"}

Found = tuple[str | None, str | None]
"""The ETags of a batch's two objects, None where there is none."""


@dataclass(frozen=True, slots=True)
class BatchKeys:
    """The keys of a batch's two objects."""

    data: str
    errors: str


def batch_keys(first: Mapping[str, Any], prefix: str, within: str = "") -> BatchKeys:
    """The keys of the batch of which this is the first record *received*; `within` comes before both."""
    name = f"{shard_id(first)}-{sequence_number(first).zfill(_DIGITS)}"
    place = f"{_arrival(first):dt=%Y-%m-%d/hour=%H}/{name}{_ENDING}"
    return BatchKeys(f"{within}{prefix}/{place}", f"{within}{ERRORS}/{place}")


def _arrival(first: Mapping[str, Any]) -> datetime:
    """When a record arrived; 1970 if it does not say, as the current time would differ between attempts."""
    try:
        return datetime.fromtimestamp(first["kinesis"]["approximateArrivalTimestamp"], UTC)
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)


class Lake:
    """The bucket, by way of an S3 client."""

    def __init__(self, s3: Any, bucket: str) -> None:
        self._s3 = s3
        self.bucket = bucket

    def look(self, keys: BatchKeys) -> Found:
        """What lies at both keys; to be asked before anything else is done about the batch."""
        return self._etag(keys.data), self._etag(keys.errors)

    def settle(self, keys: BatchKeys, found: Found, data: bytes | None, errors: bytes | None) -> list[str]:
        """Make both keys hold what this attempt has for them; what fails is raised, for Lambda to try again.

        Returns the keys of the copies of what lay there.
        """
        copies = [self._replace(keys.data, found[0], data), self._replace(keys.errors, found[1], errors)]
        return [copy for copy in copies if copy]

    def _replace(self, key: str, found: str | None, content: bytes | None) -> str | None:
        copy = self._keep(key, found) if found else None
        if content is not None:
            condition = {"IfMatch": found} if found else {"IfNoneMatch": "*"}
            self._s3.put_object(Bucket=self.bucket, Key=key, Body=content, ContentType="application/gzip", **condition)
        elif found:
            self._s3.delete_object(Bucket=self.bucket, Key=key, IfMatch=found)
        return copy

    def _keep(self, key: str, found: str) -> str:
        """Copy what lies there, under a name of its own: there may be other copies of that key."""
        name = found.strip('"')
        copy = f"{REPLACED}/{key.removesuffix(_ENDING)}-{name}{_ENDING}"
        source = {"Bucket": self.bucket, "Key": key}
        self._s3.copy_object(Bucket=self.bucket, Key=copy, CopySource=source, CopySourceIfMatch=found)
        return copy

    def _etag(self, key: str) -> str | None:
        try:
            return str(self._s3.head_object(Bucket=self.bucket, Key=key)["ETag"])
        except ClientError as error:
            if error.response["Error"]["Code"] in _MISSING:
                return None
            raise
