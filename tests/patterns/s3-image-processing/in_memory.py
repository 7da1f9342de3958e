"""An S3 in memory, the events it sends, and an updater on it, to see what happens when steps interleave or fail."""

import hashlib
import io
import itertools
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

from botocore.exceptions import ClientError
from image_renditions import Rendered, Rendition
from rendition_store import RenditionStore
from update_renditions import RenditionUpdater

from blueprints_shared.images import InvalidImage
from blueprints_shared.s3_events import ObjectChange

NO_IMAGE = b"no image"
IMAGES = (b"one image", b"another image")


def s3_error(code, status):
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "S3")


@dataclass
class Stored:
    """One version of an object; `data` is None for a delete marker."""

    data: bytes | None
    version_id: str | None = None
    tagging: str | None = None

    @property
    def etag(self):
        return hashlib.md5(self.data).hexdigest()


@dataclass
class Bucket:
    """Keys to their versions, the current one last. Without versioning there is at most one."""

    versioned: bool = False
    keys: dict = field(default_factory=dict)
    _ids: itertools.count = field(default_factory=itertools.count)

    def put(self, key, data, tagging=None):
        stored = Stored(data, f"v{next(self._ids)}" if self.versioned else None, tagging)
        self.keys[key] = [*(self.keys.get(key, []) if self.versioned else []), stored]
        return stored

    def current(self, key):
        versions = self.keys.get(key)
        return versions[-1] if versions and versions[-1].data is not None else None

    def delete(self, key):
        if self.versioned:
            return self.put(key, None)
        return self.keys.pop(key, None)


class InMemoryS3:
    """The calls that the handler makes. `turn(call, effect)` runs each of them; a test may wait or raise there."""

    def __init__(self, turn=lambda call, effect: effect()):
        self.buckets = {"originals": Bucket(), "renditions": Bucket()}
        self.turn = turn

    def get_object(self, *, Bucket, Key, IfMatch=None):
        def effect():
            stored = self.buckets[Bucket].current(Key)
            if stored is None:
                raise s3_error("NoSuchKey", 404)
            if IfMatch and IfMatch != f'"{stored.etag}"':
                raise s3_error("PreconditionFailed", 412)
            answer = {"ETag": f'"{stored.etag}"', "ContentLength": len(stored.data), "Body": io.BytesIO(stored.data)}
            return answer | ({"VersionId": stored.version_id} if stored.version_id else {})

        return self.turn("get", effect)

    def put_object(self, *, Bucket, Key, Body, IfMatch=None, IfNoneMatch=None, Tagging=None, **_):
        def effect():
            stored = self.buckets[Bucket].current(Key)
            if IfMatch and stored is None:
                raise s3_error("NoSuchKey", 404)
            if (IfMatch and IfMatch != f'"{stored.etag}"') or (IfNoneMatch and stored):
                raise s3_error("PreconditionFailed", 412)
            return {"ETag": f'"{self.buckets[Bucket].put(Key, bytes(Body), Tagging).etag}"'}

        return self.turn("put if" if IfMatch or IfNoneMatch else "put", effect)

    def delete_objects(self, *, Bucket, Delete):
        def effect():
            for item in Delete["Objects"]:
                self.buckets[Bucket].delete(item["Key"])
            return {}

        return self.turn("delete", effect)

    def get_paginator(self, operation):
        assert operation == "list_objects_v2"
        return self

    def paginate(self, *, Bucket, Prefix):
        def effect():
            return [{"Key": key} for key in sorted(self.buckets[Bucket].keys) if key.startswith(Prefix)]

        found = self.turn("list", effect)
        return iter([{"Contents": found[:2]}, {"Contents": found[2:]}] if found else [{}])


def fake_render(data, version=b"1"):
    """Two renditions that contain what they were made from, and by which version of the code."""
    if data == NO_IMAGE:
        raise InvalidImage("not-an-image", "these are words")
    made = data + b" by version " + version
    return Rendered("jpeg", 30, 20, tuple(Rendition(name, 3, 2, made) for name in ("small", "large")))


def updater(s3, version=b"1"):
    render = partial(fake_render, version=version)
    return RenditionUpdater(s3, RenditionStore(s3, "renditions"), render, "webp", max_bytes=100)


def change(kind, key, number, etag=None):
    # S3's sequencers differ in length; trailing zeros must make no difference.
    sequencer = f"{number:06X}".rstrip("0") or "0"
    return ObjectChange(
        kind, "originals", key, sequencer, etag, None, None, None, None, datetime(2026, 11, 12, tzinfo=UTC)
    )
