"""The renditions bucket: where things lie in it, and the manifest, which is the only pointer to them.

    {key}/manifest.json                                    what is true of the object `key` now
    {key}/{ETag}/{sequencer}-{attempt}/{name}.{extension}  one set of renditions, written once, cacheable for ever

Each attempt at an event writes a set of its own, so two attempts never share an object. A set becomes visible when a
manifest that names it is committed, by a conditional write that only a later change may win. Hence a set whose
sequencer is not after the committed one's, and which is not the committed set, can never become visible: it can be
removed at any time by anyone, and nothing else may be.
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
from image_encoding import EXTENSIONS
from image_renditions import Rendition

from blueprints_shared.s3_events import is_newer

KEY_LIMIT = 1024  # bytes of UTF-8 that S3 allows
COMMIT_ATTEMPTS = 8
TOMBSTONE_TAGS = "state=deleted"  # the template's lifecycle rule expires what carries this tag

_ETAG_ROOM = 32 + len("-10000")
_SEQUENCER_ROOM = 32
_ATTEMPT_BYTES = 4
_EXTENSION_ROOM = max(map(len, EXTENSIONS.values()))
_SET_AND_FILE = re.compile(
    # Any extension: sets in formats that are no longer written are deleted too.
    r"(?P<set>[^/]+/(?P<sequencer>[0-9A-Fa-f]+)-[0-9a-f]{8})/[a-z0-9-]+\.[a-z0-9]+"
)
_CHANGED_MEANWHILE = {"PreconditionFailed", "NoSuchKey", "412", "404"}
_WRITTEN_AT_ONCE = {"ConditionalRequestConflict", "409"}


class CommitContended(Exception):
    """Others kept writing the manifest; the invocation fails and Lambda retries it."""


class Source(NamedTuple):
    """The object that was read. Width and height in pixels, upright; None when it was not decoded."""

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
    """What is true of one key: ready (it has renditions), rejected (it has a reason) or deleted (a tombstone)."""

    key: str
    state: Literal["ready", "rejected", "deleted"]
    sequencer: str
    source: Source | None = None
    set: str | None = None
    renditions: tuple[Entry, ...] = ()
    code: str | None = None
    reason: str | None = None

    def outranks(self, other: "Manifest") -> bool:
        """Whether this is to replace `other`.

        Changes that a lifecycle rule makes at one moment share a sequencer; among them a deletion is last.
        """
        if self.sequencer_equals(other.sequencer):
            return self.state == "deleted" and other.state != "deleted"
        return is_newer(self.sequencer, other.sequencer)

    def sequencer_equals(self, sequencer: str) -> bool:
        """Whether two sequencers mean the same change."""
        return not is_newer(self.sequencer, sequencer) and not is_newer(sequencer, self.sequencer)

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
        return cls(
            key=stored["key"],
            state=stored["state"],
            sequencer=stored["sequencer"],
            source=Source(**stored["source"]) if stored["source"] else None,
            set=stored["set"],
            renditions=tuple(Entry(**entry) for entry in stored["renditions"]),
            code=stored["code"],
            reason=stored["reason"],
        )


class Found(NamedTuple):
    """The manifest as read, and the ETag a conditional write needs; both None when there is none."""

    manifest: Manifest | None = None
    etag: str | None = None


def manifest_key(key: str) -> str:
    """Where the manifest of `key` lies; for a key that leaves no room for it, under the key's hash."""
    beside = f"{key}/manifest.json"
    if len(beside.encode()) <= KEY_LIMIT:
        return beside
    return f"_too-long/{hashlib.sha256(key.encode()).hexdigest()}.json"


def longest_key() -> int:
    """Bytes of the longest source key whose renditions fit S3's limit, for names of up to 32 characters."""
    return KEY_LIMIT - len("////.-") - _ETAG_ROOM - _SEQUENCER_ROOM - 2 * _ATTEMPT_BYTES - 32 - _EXTENSION_ROOM


def new_set(etag: str, sequencer: str) -> str:
    """The name of a set that no other attempt has."""
    return f"{etag}/{sequencer}-{secrets.token_hex(_ATTEMPT_BYTES)}"


class RenditionStore:
    """The renditions bucket, by way of an S3 client."""

    def __init__(self, s3: Any, bucket: str) -> None:
        self._s3 = s3
        self.bucket = bucket

    def read_manifest(self, key: str) -> Found:
        """The manifest committed last, or Found() when there is none."""
        try:
            answer = self._s3.get_object(Bucket=self.bucket, Key=manifest_key(key))
        except ClientError as error:
            if _code(error) in ("NoSuchKey", "404"):
                return Found()
            raise
        return Found(Manifest.from_json(answer["Body"].read()), answer["ETag"])

    def write_set(self, key: str, set_name: str, renditions: tuple[Rendition, ...], kind: str) -> tuple[Entry, ...]:
        """Store renditions (not yet visible) and return their manifest entries."""
        entries = []
        for rendition in renditions:
            entry = Entry(
                name=rendition.name,
                key=f"{key}/{set_name}/{rendition.name}.{EXTENSIONS[kind]}",
                type=f"image/{kind}",
                width=rendition.width,
                height=rendition.height,
                bytes=len(rendition.data),
            )
            self._s3.put_object(
                Bucket=self.bucket,
                Key=entry.key,
                Body=rendition.data,
                ContentType=entry.type,
                CacheControl="public, max-age=31536000, immutable",
            )
            entries.append(entry)
        return tuple(entries)

    def commit(self, manifest: Manifest, found: Found) -> Manifest:
        """Make `manifest` true, or give way to one that outranks it; returns the one that stands."""
        for attempt in range(COMMIT_ATTEMPTS):
            if found.manifest and not manifest.outranks(found.manifest):
                return found.manifest
            if self.replace(manifest, found):
                return manifest
            time.sleep(random.uniform(0, 0.02 * 2**attempt))  # noqa: S311
            found = self.read_manifest(manifest.key)
        raise CommitContended(f"the manifest of {manifest.key!r} was written by others {COMMIT_ATTEMPTS} times")

    def replace(self, manifest: Manifest, found: Found) -> bool:
        """Write `manifest` if the one in place is still `found`; False when it is not."""
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
            if _code(error) in _CHANGED_MEANWHILE | _WRITTEN_AT_ONCE:
                return False
            raise
        return True

    def remove_superseded(self, manifest: Manifest) -> None:
        """Remove every set that can never be visible again, now that `manifest` is committed."""
        doomed = [{"Key": key} for key in self._superseded(manifest)]
        for start in range(0, len(doomed), 1000):
            answer = self._s3.delete_objects(
                Bucket=self.bucket, Delete={"Objects": doomed[start : start + 1000], "Quiet": True}
            )
            if answer.get("Errors"):
                raise RuntimeError(f"superseded renditions of {manifest.key!r} remain: {answer['Errors'][:3]}")

    def _superseded(self, manifest: Manifest) -> Iterator[str]:
        prefix = f"{manifest.key}/"
        if len(prefix.encode()) > KEY_LIMIT:
            return
        for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix):
            for item in page.get("Contents", ()):
                # What lies under the prefix and has another shape belongs to other keys that begin like this one.
                match = _SET_AND_FILE.fullmatch(item["Key"], len(prefix))
                if match and match["set"] != manifest.set and not is_newer(match["sequencer"], manifest.sequencer):
                    yield item["Key"]


def _code(error: ClientError) -> str:
    return str(error.response["Error"]["Code"])
