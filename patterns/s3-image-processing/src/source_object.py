"""Reads the source bucket: the object that an event names, or the one in place now."""

from typing import Any, NamedTuple

from botocore.exceptions import ClientError
from rendition_store import Manifest, Source

from blueprints_shared.images import InvalidImage
from blueprints_shared.s3_events import ObjectChange


class SourceObject(NamedTuple):
    """An object opened for reading; `body` is S3's stream, which is not read yet."""

    etag: str
    version_id: str | None
    size: int
    body: Any

    def read(self, max_bytes: int) -> bytes:
        """Read the body. Raises InvalidImage, before anything is downloaded, if it is larger than `max_bytes`."""
        if self.size > max_bytes:
            raise InvalidImage("too-many-bytes", f"{self.size:,} bytes; the limit is {max_bytes:,}")
        return bytes(self.body.read())

    def describe(self) -> Source:
        """The object as a manifest records it."""
        return Source(self.etag, self.version_id, self.size)

    def is_source_of(self, manifest: Manifest) -> bool:
        """Whether the manifest was made from this object."""
        source = manifest.source
        return source is not None and (source.etag, source.version_id) == (self.etag, self.version_id)


def open_source(s3: Any, change: ObjectChange) -> SourceObject | None:
    """Open the created object, or after a deletion the object in place now; None if it is gone or was replaced."""
    condition = {"IfMatch": f'"{change.etag}"'} if change.kind == "created" else {}
    try:
        answer = s3.get_object(Bucket=change.bucket, Key=change.key, **condition)
    except ClientError as error:
        if error.response["Error"]["Code"] in ("NoSuchKey", "PreconditionFailed", "404", "412"):
            return None
        raise
    return SourceObject(
        etag=answer["ETag"].strip('"'),
        version_id=answer.get("VersionId"),
        size=answer["ContentLength"],
        body=answer["Body"],
    )
