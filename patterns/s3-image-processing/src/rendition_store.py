"""The renditions bucket: the keys of its objects, and the manifest, which is the only pointer to renditions.

    {key}/manifest.json                                    the state of the object `key`
    {key}/{ETag}/{sequencer}-{attempt}/{name}.{extension}  one set of renditions, written once, cacheable for ever

Each attempt at an event writes a set of its own, so two attempts never share an object. A set becomes visible when a
manifest that names it is committed, by a conditional write that only a later change may win. So a set that is not the
committed one, and whose sequencer is not later, can never become visible. Such sets, and no others, may be deleted at
any time by any attempt.
"""

import hashlib
import json
import random
import re
import secrets
import time
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from botocore.exceptions import ClientError
from image_renditions import Rendition

from blueprints_shared.images import EXTENSIONS
from blueprints_shared.s3_events import is_newer

KEY_LIMIT = 1024  # bytes of UTF-8 that S3 allows
LONGEST_KEY = KEY_LIMIT - 120  # bytes; /ETag/sequencer-attempt/name.extension needs at most 119
COMMIT_ATTEMPTS = 8
TOMBSTONE_TAGS = "state=deleted"  # a lifecycle rule in the template expires objects with this tag

_SET_AND_FILE = re.compile(
    # Any extension: sets in a format that is no longer written are deleted too.
    r"(?P<set>[^/]+/(?P<sequencer>[0-9A-Fa-f]+)-[0-9a-f]{8})/[a-z0-9-]+\.[a-z0-9]+"
)
_LOST_RACE = {"PreconditionFailed", "NoSuchKey", "ConditionalRequestConflict", "412", "404", "409"}


class CommitContended(Exception):
    """Other attempts kept writing the manifest. The invocation fails, and Lambda retries it."""


class Source(NamedTuple):
    """The object that was read. Width and height in pixels, upright; None if it was not decoded."""

    etag: str
    version_id: str | None
    size: int
    kind: str | None = None
    width: int | None = None
    height: int | None = None


class Entry(NamedTuple):
    """One rendition in a manifest: its media type, its size in pixels and in bytes."""

    name: str
    key: str
    type: str
    width: int
    height: int
    bytes: int


class Manifest(NamedTuple):
    """The state of one key: ready (it has renditions), rejected (it has a reason) or deleted (a tombstone)."""

    key: str
    state: Literal["ready", "rejected", "deleted"]
    sequencer: str
    source: Source | None = None
    set: str | None = None
    renditions: tuple[Entry, ...] = ()
    code: str | None = None
    reason: str | None = None

    def supersedes(self, other: "Manifest") -> bool:
        """Whether this replaces `other`.

        Changes that a lifecycle rule makes at the same moment share a sequencer. Of these, a deletion is the last.
        """
        if is_newer(self.sequencer, other.sequencer) or is_newer(other.sequencer, self.sequencer):
            return is_newer(self.sequencer, other.sequencer)
        return self.state == "deleted" and other.state != "deleted"

    def to_json(self) -> bytes:
        """The stored form."""
        stored = {
            "schema": 1,
            **self._asdict(),
            "source": self.source._asdict() if self.source else None,
            "renditions": [entry._asdict() for entry in self.renditions],
        }
        return json.dumps(stored, indent=2, ensure_ascii=False).encode()

    @classmethod
    def from_json(cls, data: bytes) -> "Manifest":
        """Read the stored form; fields that a later version added are ignored."""
        stored = json.loads(data)
        fields = {name: stored[name] for name in cls._fields}
        fields["source"] = Source(**stored["source"]) if stored["source"] else None
        fields["renditions"] = tuple(Entry(**entry) for entry in stored["renditions"])
        return cls(**fields)


class Found(NamedTuple):
    """The manifest as read, and the ETag that a conditional write needs; both None if there is no manifest."""

    manifest: Manifest | None = None
    etag: str | None = None


def manifest_key(key: str) -> str:
    """Where the manifest of `key` lies; for a key that leaves no room for it, under the key's hash."""
    beside = f"{key}/manifest.json"
    if len(beside.encode()) <= KEY_LIMIT:
        return beside
    return f"_too-long/{hashlib.sha256(key.encode()).hexdigest()}.json"


def new_set(etag: str, sequencer: str) -> str:
    """A name for a set that no other attempt uses."""
    return f"{etag}/{sequencer}-{secrets.token_hex(4)}"


class RenditionStore:
    """Reads and writes the renditions bucket through an S3 client."""

    def __init__(self, s3: Any, bucket: str) -> None:
        self._s3 = s3
        self.bucket = bucket

    def read_manifest(self, key: str) -> Found:
        """The manifest committed last, or Found() if there is none."""
        try:
            answer = self._s3.get_object(Bucket=self.bucket, Key=manifest_key(key))
        except ClientError as error:
            if _code(error) in ("NoSuchKey", "404"):
                return Found()
            raise
        return Found(Manifest.from_json(answer["Body"].read()), answer["ETag"])

    def write_set(self, key: str, set_name: str, renditions: tuple[Rendition, ...], kind: str) -> tuple[Entry, ...]:
        """Store renditions, which no manifest names yet; return their manifest entries."""
        return tuple(self._write(f"{key}/{set_name}", rendition, kind) for rendition in renditions)

    def _write(self, folder: str, rendition: Rendition, kind: str) -> Entry:
        key, media_type = f"{folder}/{rendition.name}.{EXTENSIONS[kind]}", f"image/{kind}"
        self._s3.put_object(
            Bucket=self.bucket,
            Key=key,
            Body=rendition.data,
            ContentType=media_type,
            CacheControl="public, max-age=31536000, immutable",
        )
        return Entry(rendition.name, key, media_type, rendition.width, rendition.height, len(rendition.data))

    def commit(self, manifest: Manifest, found: Found) -> Manifest:
        """Write `manifest`, unless a later one is in place. Returns the manifest that is in place afterwards."""
        for attempt in range(COMMIT_ATTEMPTS):
            if found.manifest and not manifest.supersedes(found.manifest):
                return found.manifest
            if self.replace(manifest, found):
                return manifest
            time.sleep(random.uniform(0, 0.02 * 2**attempt))  # noqa: S311
            found = self.read_manifest(manifest.key)
        raise CommitContended(f"the manifest of {manifest.key!r} was written by others {COMMIT_ATTEMPTS} times")

    def replace(self, manifest: Manifest, found: Found) -> bool:
        """Write `manifest` if the one in place is still `found`; return whether it was written."""
        condition = {"IfMatch": found.etag} if found.etag else {"IfNoneMatch": "*"}
        tags = {"Tagging": TOMBSTONE_TAGS} if manifest.state == "deleted" else {}
        try:
            self._s3.put_object(
                Bucket=self.bucket,
                Key=manifest_key(manifest.key),
                Body=manifest.to_json(),
                ContentType="application/json",
                CacheControl="no-cache",
                **condition,
                **tags,
            )
        except ClientError as error:
            if _code(error) in _LOST_RACE:
                return False
            raise
        return True

    def delete_superseded(self, manifest: Manifest) -> None:
        """Delete every set that can no longer become visible, now that `manifest` is committed."""
        keys = [{"Key": key} for key in self._superseded(manifest)]
        for start in range(0, len(keys), 1000):
            answer = self._s3.delete_objects(
                Bucket=self.bucket, Delete={"Objects": keys[start : start + 1000], "Quiet": True}
            )
            if answer.get("Errors"):
                raise RuntimeError(f"superseded renditions of {manifest.key!r} remain: {answer['Errors'][:3]}")

    def _superseded(self, manifest: Manifest) -> Iterator[str]:
        prefix = f"{manifest.key}/"
        if len(prefix.encode()) > KEY_LIMIT:
            return
        for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix):
            for item in page.get("Contents", ()):
                # Objects of another form belong to other keys that begin with this one.
                match = _SET_AND_FILE.fullmatch(item["Key"], len(prefix))
                if match and match["set"] != manifest.set and not is_newer(match["sequencer"], manifest.sequencer):
                    yield item["Key"]


def _code(error: ClientError) -> str:
    return str(error.response["Error"]["Code"])
