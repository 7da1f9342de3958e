"""Encodes pixels as the bytes of a rendition."""

import itertools
from typing import Any, NamedTuple

EXTENSIONS = {"jpeg": "jpg", "png": "png", "webp": "webp", "avif": "avif"}

_EXIF_XMP_IPTC = 0b111  # libvips' flags of the metadata that a saver keeps
# WebP's quality and the AVIF quality that looks the same (PSNR, SSIM); with equal numbers AVIF is a third larger.
# `scripts/bench encoders` measures it.
_AVIF_QUALITY = ((1, 15), (20, 32), (40, 41), (60, 48), (80, 62), (90, 79), (95, 87), (100, 94))


class Encoding(NamedTuple):
    """How renditions are written: `format` is jpeg, png, webp or avif.

    `quality`, 1 to 100, is that of WebP and JPEG. AVIF is written to look like WebP of that quality; PNG is lossless.
    """

    format: str
    quality: int = 80
    keep_metadata: bool = False


def encode(image: Any, encoding: Encoding) -> bytes:
    """The bytes of an 8-bit image in sRGB or grey, without a colour profile, which sRGB does not need."""
    keep = _EXIF_XMP_IPTC if encoding.keep_metadata else 0
    if encoding.format == "jpeg":
        return bytes(image.jpegsave_buffer(Q=encoding.quality, keep=keep))
    if encoding.format == "webp":
        return bytes(image.webpsave_buffer(Q=encoding.quality, keep=keep))
    if encoding.format == "avif":
        quality = avif_quality(encoding.quality)
        return bytes(image.heifsave_buffer(Q=quality, compression="av1", effort=3, keep=keep))
    if encoding.format == "png":
        return bytes(image.pngsave_buffer(filter="all", keep=keep))
    raise ValueError(f"{encoding.format!r} has an extension and no encoder; write one in image_encoding.py")


def avif_quality(quality: int) -> int:
    """The AVIF quality that is about as close to the original as WebP of `quality`."""
    for (low, at_low), (high, at_high) in itertools.pairwise(_AVIF_QUALITY):
        if quality <= high:
            return round(at_low + (at_high - at_low) * (quality - low) / (high - low))
    return _AVIF_QUALITY[-1][1]
