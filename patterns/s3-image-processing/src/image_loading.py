"""Opening an image with libvips: its header first, then its pixels, shrunk while they are decoded."""

import math
from typing import Any

import pyvips
from image_rejections import Rejected, as_rejection


def read_header(data: bytes, kind: str) -> Any:
    """Open the image without decoding its pixels; raises Rejected when its bytes are not of `kind`, or damaged."""
    try:
        header = pyvips.Image.new_from_buffer(data, "", access="sequential", fail_on="error")
    except pyvips.Error as error:
        raise as_rejection(error, kind) from error
    loader = header.get("vips-loader")
    if not loader.startswith({"avif": "heif"}.get(kind, kind)):
        raise Rejected("not-an-image", f"the bytes begin like {kind} and go on like something else")
    return header


def check_header(header: Any, kind: str, max_pixels: int) -> None:
    """Raise Rejected for an image of more than `max_pixels`, or whose samples are not colours."""
    pixels = header.width * header.height
    if pixels > max_pixels:
        raise Rejected(
            "too-many-pixels", f"{header.width} x {header.height} is {pixels:,} pixels; the limit is {max_pixels:,}"
        )
    if header.format not in ("uchar", "ushort") or header.bands > 5 or header.interpretation == "multiband":
        raise Rejected(
            "unsupported-layout", f"{kind} with {header.bands} bands of {header.format} is not a picture for the eye"
        )


def load_shrunk(data: bytes, kind: str, header: Any, size: tuple[int, int]) -> Any:
    """Open the image and let the decoder shrink it by a power of two; a better filter does the rest, at least a fifth.

    `size` is the width and height in pixels that the image will have. Pixels are decoded when they are used.
    """
    spare = max(header.width, header.height) / (1.2 * max(size))
    factor = 2 ** min(3, max(0, math.floor(math.log2(spare))))
    loading = {"jpeg": {"shrink": factor}, "webp": {"scale": 1 / factor}}.get(kind, {})
    return pyvips.Image.new_from_buffer(data, "", access="sequential", fail_on="error", **loading)
