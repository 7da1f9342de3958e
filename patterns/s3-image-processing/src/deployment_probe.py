"""What both deployment hooks do: put an image into the source bucket, look at what becomes of it, remove it all.

The rule leaves keys under `_probe/` out, so an image there is met by nobody but the version that is told of it; one
under `_check/` goes the way of every other. Both prefixes expire after a day, should a hook be killed.
"""

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pyvips
from botocore.exceptions import ClientError
from image_renditions import RenditionSpec, parse_specs
from rendition_store import manifest_key

from blueprints_shared.deployment_hooks import CheckFailed
from blueprints_shared.settings import parsed

_WIDTH = 320  # pixels; one colour, so that fewer bytes hold it than MaxBytes can forbid


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeSettings:
    """What the template passes to a hook; the image has at most `max_pixels`."""

    source_bucket: str
    renditions_bucket: str
    renditions: tuple[RenditionSpec, ...] = parsed(parse_specs)
    max_pixels: int


@dataclass(slots=True)
class Probe:
    """An image in the source bucket, and where to look for what becomes of it."""

    s3: Any
    settings: ProbeSettings
    key: str
    size: tuple[int, int]
    bytes: int
    etag: str
    version_id: str | None
    in_place: bool = True

    def manifest(self) -> dict[str, Any] | None:
        """The manifest of the image, or None while there is none."""
        try:
            answer = self.s3.get_object(Bucket=self.settings.renditions_bucket, Key=manifest_key(self.key))
        except ClientError as error:
            if error.response["Error"]["Code"] in ("NoSuchKey", "404"):
                return None
            raise
        found: dict[str, Any] = json.loads(answer["Body"].read())
        return found

    def look_at_renditions(self, manifest: dict[str, Any] | None) -> None:
        """Check that every configured rendition exists, opens, agrees with the manifest and is not too large.

        How an image is fitted into the size asked for (scaled, cropped) is decided by `image_renditions` alone.
        """
        if manifest is None or manifest["state"] != "ready":
            raise CheckFailed(f"the image did not become renditions: {_told(manifest)}")
        if manifest["source"]["etag"] != self.etag:
            raise CheckFailed(f"the manifest is of another image: {_told(manifest)}")
        entries = {entry["name"]: entry for entry in manifest["renditions"]}
        for spec in self.settings.renditions:
            if spec.name not in entries:
                raise CheckFailed(f"the manifest names no rendition {spec.name!r}")
            self._look_at(entries[spec.name], spec)

    def _look_at(self, entry: dict[str, Any], spec: RenditionSpec) -> None:
        data = self.s3.get_object(Bucket=self.settings.renditions_bucket, Key=entry["key"])["Body"].read()
        try:
            image = pyvips.Image.new_from_buffer(data, "", fail_on="error").copy_memory()
        except pyvips.Error as error:
            raise CheckFailed(f"rendition {spec.name!r} does not open: {error}") from error
        found, said = (image.width, image.height), (entry["width"], entry["height"])
        if found != said:
            raise CheckFailed(f"rendition {spec.name!r} is {_size(found)} pixels, its manifest says {_size(said)}")
        if max(found) > spec.longest_side:
            raise CheckFailed(f"rendition {spec.name!r} is {_size(found)} pixels, larger than {spec.longest_side}")

    def look_at_tombstone(self, manifest: dict[str, Any] | None) -> None:
        """The image that was removed is known to be gone."""
        if manifest is None or manifest["state"] != "deleted":
            raise CheckFailed(f"the image was removed, its renditions were not: {_told(manifest)}")

    def remove_image(self) -> None:
        """Remove the image, in a bucket with versions its only version, so that no marker stays."""
        if self.in_place:
            version = {"VersionId": self.version_id} if self.version_id else {}
            self.s3.delete_object(Bucket=self.settings.source_bucket, Key=self.key, **version)
            self.in_place = False

    def remove_what_was_made(self) -> None:
        """Remove renditions, manifest and tombstone."""
        bucket = self.settings.renditions_bucket
        made = self.s3.list_objects_v2(Bucket=bucket, Prefix=f"{self.key}/")
        for item in made.get("Contents", ()):
            self.s3.delete_object(Bucket=bucket, Key=item["Key"])


@contextmanager
def image_under(key: str, s3: Any, settings: ProbeSettings) -> Iterator[Probe]:
    """Put an image into the source bucket; on the way out remove it and all that was made of it."""
    width = min(_WIDTH, math.isqrt(settings.max_pixels))
    size = width, max(1, width * 3 // 4)
    blue = pyvips.Image.black(*size, bands=3).linear(1, [30, 90, 160])
    image = blue.cast("uchar").copy(interpretation="srgb")
    data = bytes(image.pngsave_buffer(compression=9, keep=0))
    answer = s3.put_object(Bucket=settings.source_bucket, Key=key, Body=data, ContentType="image/png")
    etag, version = answer["ETag"].strip('"'), answer.get("VersionId")
    probe = Probe(s3, settings, key, size, len(data), etag, version)
    try:
        yield probe
    finally:
        probe.remove_image()
        probe.remove_what_was_made()


def _size(size: tuple[int, int]) -> str:
    return f"{size[0]} x {size[1]}"


def _told(manifest: dict[str, Any] | None) -> str:
    if manifest is None:
        return "there is no manifest"
    return ", ".join(f"{name} {manifest[name]}" for name in ("state", "code", "reason") if manifest.get(name))
