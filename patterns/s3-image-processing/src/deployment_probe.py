"""What both deployment hooks do: put an image into the source bucket, check its renditions, remove everything again.

The event rule ignores keys under `_probe/`, so an image there reaches only the version that the hook invokes. An image
under `_check/` is handled like a user's. If a hook is killed, lifecycle rules expire both prefixes after a day.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pyvips
from image_renditions import RenditionSpec, parse_specs
from rendition_store import Entry, Manifest, RenditionStore

from blueprints_shared.deployment_hooks import CheckFailed
from blueprints_shared.settings import parsed

_SIZE = 320, 240  # pixels, of one colour, which takes fewer bytes than the least MAX_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeSettings:
    """The environment variables that the template sets for a hook."""

    source_bucket: str
    renditions_bucket: str
    renditions: tuple[RenditionSpec, ...] = parsed(parse_specs)


@dataclass(slots=True)
class Probe:
    """An image in the source bucket, and the checks of its renditions. Checks raise CheckFailed."""

    s3: Any
    settings: ProbeSettings
    key: str
    bytes: int
    etag: str
    version_id: str | None
    in_place: bool = True

    def manifest(self) -> Manifest | None:
        """The manifest of the image, or None if there is none yet."""
        return RenditionStore(self.s3, self.settings.renditions_bucket).read_manifest(self.key).manifest

    def check_renditions(self, manifest: Manifest | None) -> None:
        """Check that every configured rendition exists, can be decoded, agrees with the manifest and is not too large.

        Whether it is scaled, cropped or framed is left to `image_renditions`.
        """
        if manifest is None or manifest.state != "ready":
            raise CheckFailed(f"the image did not become renditions: {_describe(manifest)}")
        if manifest.source is None or manifest.source.etag != self.etag:
            raise CheckFailed(f"the manifest is of another image: {_describe(manifest)}")
        entries = {entry.name: entry for entry in manifest.renditions}
        for spec in self.settings.renditions:
            if spec.name not in entries:
                raise CheckFailed(f"the manifest names no rendition {spec.name!r}")
            self._check_rendition(entries[spec.name], spec)

    def _check_rendition(self, entry: Entry, spec: RenditionSpec) -> None:
        data = self.s3.get_object(Bucket=self.settings.renditions_bucket, Key=entry.key)["Body"].read()
        try:
            image = pyvips.Image.new_from_buffer(data, "", fail_on="error").copy_memory()
        except pyvips.Error as error:
            raise CheckFailed(f"rendition {spec.name!r} cannot be decoded: {error}") from error
        size = f"rendition {spec.name!r} is {image.width} x {image.height} pixels"
        if (image.width, image.height) != (entry.width, entry.height):
            raise CheckFailed(f"{size}, its manifest says {entry.width} x {entry.height}")
        if max(image.width, image.height) > spec.longest_side:
            raise CheckFailed(f"{size}, larger than {spec.longest_side}")

    def check_tombstone(self, manifest: Manifest | None) -> None:
        """Check that the manifest says that the image was deleted."""
        if manifest is None or manifest.state != "deleted":
            raise CheckFailed(f"the image was removed, its renditions were not: {_describe(manifest)}")

    def remove_image(self) -> None:
        """Remove the image; in a bucket with versions its only version, so that no delete marker stays."""
        if self.in_place:
            version = {"VersionId": self.version_id} if self.version_id else {}
            self.s3.delete_object(Bucket=self.settings.source_bucket, Key=self.key, **version)
            self.in_place = False

    def remove_renditions(self) -> None:
        """Remove renditions, manifest and tombstone."""
        bucket = self.settings.renditions_bucket
        for item in self.s3.list_objects_v2(Bucket=bucket, Prefix=f"{self.key}/").get("Contents", ()):
            self.s3.delete_object(Bucket=bucket, Key=item["Key"])


@contextmanager
def probe_image(key: str, s3: Any, settings: ProbeSettings) -> Iterator[Probe]:
    """Put an image into the source bucket; at the end, remove it and everything made from it."""
    blue = pyvips.Image.black(*_SIZE, bands=3).linear(1, [30, 90, 160])
    image = blue.cast("uchar").copy(interpretation="srgb")
    data = bytes(image.pngsave_buffer(compression=9, keep=0))
    answer = s3.put_object(Bucket=settings.source_bucket, Key=key, Body=data, ContentType="image/png")
    probe = Probe(s3, settings, key, len(data), answer["ETag"].strip('"'), answer.get("VersionId"))
    try:
        yield probe
    finally:
        probe.remove_image()
        probe.remove_renditions()


def _describe(manifest: Manifest | None) -> str:
    if manifest is None:
        return "there is no manifest"
    reason = f", code {manifest.code}, reason {manifest.reason}" if manifest.code else ""
    return f"state {manifest.state}{reason}"
