"""Encodes pixels as JPEG, PNG, WebP or AVIF."""

import itertools
from typing import Any, NamedTuple

EXTENSIONS = {"jpeg": "jpg", "png": "png", "webp": "webp", "avif": "avif"}
"""The formats that can be written, and the extensions of their files."""

_EXIF_XMP_IPTC = 0b111  # libvips' flags of the metadata that a saver keeps
# WebP's quality and the AVIF quality that looks the same (PSNR, SSIM), measured by `scripts/bench encoders`. With equal
# numbers, AVIF would be a third larger.
_AVIF_QUALITY = ((1, 15), (20, 32), (40, 41), (60, 48), (80, 62), (90, 79), (95, 87), (100, 94))


class Encoding(NamedTuple):
    """How an image is written: `format` is jpeg, png, webp or avif.

    `quality`, 1 to 100, is that of WebP and JPEG; AVIF is written to look like WebP of that quality; PNG is lossless.
    `keep_metadata` copies EXIF, XMP and IPTC, without the orientation.
    """

    format: str
    quality: int = 80
    keep_metadata: bool = False


def encode(image: Any, encoding: Encoding) -> bytes:
    """Encode a pyvips.Image of 8 bits in sRGB or grey. JPEG has no transparency, which becomes white.

    Raises ValueError if there is no encoder for the format.
    """
    keep = _EXIF_XMP_IPTC if encoding.keep_metadata else 0
    if encoding.format == "jpeg":
        return bytes(image.jpegsave_buffer(Q=encoding.quality, keep=keep, background=255))
    if encoding.format == "webp":
        return bytes(image.webpsave_buffer(Q=encoding.quality, keep=keep))
    if encoding.format == "avif":
        quality = avif_quality(encoding.quality)
        return bytes(image.heifsave_buffer(Q=quality, compression="av1", effort=3, keep=keep))
    if encoding.format == "png":
        return bytes(image.pngsave_buffer(filter="all", keep=keep))
    raise ValueError(f"there is no encoder for {encoding.format!r}; choose one of {', '.join(EXTENSIONS)}")


def avif_quality(quality: int) -> int:
    """The AVIF quality that is about as close to the original as WebP of `quality`."""
    for (low, at_low), (high, at_high) in itertools.pairwise(_AVIF_QUALITY):
        if quality <= high:
            return round(at_low + (at_high - at_low) * (quality - low) / (high - low))
    return _AVIF_QUALITY[-1][1]
