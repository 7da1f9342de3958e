"""Opens AVIF and HEIF with libvips, and converts samples that it returns as they are stored."""

from typing import Any

import pyvips

from blueprints_shared.images.formats import heif


def open_heif(data: bytes, fail_on: str) -> Any:
    """Open the primary picture, upright: with one band if it is grey, and not premultiplied by its alpha."""
    image = pyvips.Image.heifload_buffer(data, access="sequential", fail_on=fail_on)
    samples = heif.read_samples(data)
    if samples.premultiplied and image.hasalpha():
        image = image.unpremultiply().rint().cast(image.format)
    return _as_grey(image, samples) if samples.monochrome and image.bands >= 3 else image


def _as_grey(image: Any, samples: heif.Samples) -> Any:
    """Reduce a grey picture to one band, plus alpha: libheif returns three equal bands and ignores limited range."""
    sixteen = image.format == "ushort"
    grey = image[0]
    if not samples.full_range:
        step = 256 if sixteen else 1
        grey = ((grey / step - 16) * (65_535 if sixteen else 255) / 219).rint().cast(image.format)
    if image.hasalpha():
        grey = grey.bandjoin(image[3])
    return grey.copy(interpretation="grey16" if sixteen else "b-w")
