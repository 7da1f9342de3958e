"""Opens a TIFF with libvips: the page to show, with YCbCr and L*a*b* converted to RGB."""

from typing import Any

import pyvips

from blueprints_shared.images.errors import InvalidImage
from blueprints_shared.images.formats import tiff

_MOST_BANDS = 5  # four inks and alpha


def open_tiff(data: bytes, fail_on: str) -> Any:
    """Open the picture. Raises pyvips.Error if there is none, InvalidImage if libvips would read wrong colours."""
    picture = tiff.find_picture(tiff.read_directories(data))
    if picture is None:
        return _load(data, fail_on)
    page = picture.directory
    if tiff.holds_ycbcr(page) and tiff.is_subsampled(page):
        raise InvalidImage(
            "unsupported-layout", "a TIFF in YCbCr with subsampled colours that is not compressed by JPEG"
        )
    needs_conversion = tiff.holds_lab(page) or tiff.holds_ycbcr(page)
    readable = tiff.as_rgb(data, page) if needs_conversion else data
    image = _without_extra_samples(_load(readable, fail_on, **picture.options), page)
    if not needs_conversion:
        return image
    colours = _ycbcr_to_srgb(image) if tiff.holds_ycbcr(page) else _lab_to_srgb(image, page.first(tiff.PHOTOMETRIC))
    return colours.bandjoin(_in_8_bits(image[3])) if image.bands == 4 else colours


def _load(data: bytes, fail_on: str, **options: int) -> Any:
    return pyvips.Image.tiffload_buffer(data, access="sequential", fail_on=fail_on, **options)


def _without_extra_samples(image: Any, page: tiff.Directory) -> Any:
    visible = tiff.visible_samples(page)
    if not visible or len(visible) == image.bands or image.bands > _MOST_BANDS:
        return image
    return image[visible[0]].bandjoin([image[at] for at in visible[1:]]).copy(interpretation=image.interpretation)


def _ycbcr_to_srgb(image: Any) -> Any:
    """Convert full-range BT.601, the default of TIFF."""
    scale = 1 if image.format == "uchar" else 1 / 257
    centred = image[:3].linear([scale] * 3, [0, -128, -128])
    red_green_blue = centred.recomb([[1, 0, 1.402], [1, -0.344136, -0.714136], [1, 1.772, 0]])
    return red_green_blue.rint().cast("uchar").copy(interpretation="srgb")


def _lab_to_srgb(image: Any, photometric: int) -> Any:
    """Convert L*a*b* of 8 or 16 bits: in CIELAB a and b are signed, in ICCLAB 128 is added to them."""
    step = 1 if image.format in ("uchar", "char") else 256
    lightest = 255 * (step if photometric == tiff.ICCLAB or step == 1 else 257)
    unsigned = image[0].copy(format="uchar" if step == 1 else "ushort")
    lightness = unsigned * (100 / lightest)
    if photometric == tiff.CIELAB:
        colours = [image[band].copy(format="char" if step == 1 else "short") / step for band in (1, 2)]
    else:
        colours = [image[band] / step - 128 for band in (1, 2)]
    rgb = lightness.bandjoin(colours).copy(interpretation="lab").icc_export(output_profile="srgb", depth=8)
    rgb.remove("icc-profile-data")
    return rgb


def _in_8_bits(samples: Any) -> Any:
    return samples if samples.format == "uchar" else (samples / 257).rint().cast("uchar")
