"""Opening AVIF and HEIF with libvips, which hands out some samples as they are stored."""

from typing import Any

import pyvips
from image_formats import heif


def open_heif(data: bytes, fail_on: str) -> Any:
    """The primary picture, upright: grey where it is grey, its colours never multiplied by its alpha."""
    image = pyvips.Image.heifload_buffer(data, access="sequential", fail_on=fail_on)
    samples = heif.read_samples(data)
    if samples.premultiplied and image.hasalpha():
        image = image.unpremultiply().rint().cast(image.format)
    return _as_grey(image, samples) if samples.monochrome and image.bands >= 3 else image


def _as_grey(image: Any, samples: heif.Samples) -> Any:
    """One band, and alpha if there is any; libheif makes three equal bands of it and overlooks a narrow range."""
    sixteen = image.format == "ushort"
    grey = image[0]
    if not samples.full_range:
        step = 256 if sixteen else 1
        grey = ((grey / step - 16) * (65_535 if sixteen else 255) / 219).rint().cast(image.format)
    if image.hasalpha():
        grey = grey.bandjoin(image[3])
    return grey.copy(interpretation="grey16" if sixteen else "b-w")
