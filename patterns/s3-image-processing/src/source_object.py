"""Reading the source: the object that an event tells of, or the one that is there now."""

from types import TracebackType
from typing import Any, NamedTuple

from botocore.exceptions import ClientError
from image_rejections import Rejected
from rendition_store import Source

from blueprints_shared.s3_events import ObjectChange


class SourceObject(NamedTuple):
    """An object opened for reading: its header is here, its body is still on the way."""

    etag: str
    version_id: str | None
    size: int
    body: Any

    def read(self, max_bytes: int) -> bytes:
        """The whole body; raises Rejected, before anything is downloaded, when it is larger than `max_bytes`."""
        if self.size > max_bytes:
            raise Rejected("too-many-bytes", f"{self.size:,} bytes; the limit is {max_bytes:,}")
        return bytes(self.body.read())

    def describe(self) -> Source:
        """As a manifest records it."""
        return Source(self.etag, self.version_id, self.size)

    def matches(self, source: Source | None) -> bool:
        """Whether `source` was this very object."""
        return source is not None and (source.etag, source.version_id) == (self.etag, self.version_id)

    def __enter__(self) -> "SourceObject":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.body.close()


def open_source(s3: Any, change: ObjectChange) -> SourceObject | None:
    """Open the object a creation tells of, or after a deletion the one in place; None when it is gone or another."""
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
