"""Converts the colours that a file declares to sRGB."""

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import pyvips

if TYPE_CHECKING:
    from blueprints_shared.images.colour_coding import Coding

_PROFILE = "icc-profile-data"
_KINDS_WITH_CODING = ("png", "avif", "heif")


class Colours(NamedTuple):
    """How samples are converted to sRGB: by an ICC profile, by a declared coding, or not at all.

    `cmyk`: the samples are inks; if the file has no usable profile, libvips' own is used.
    """

    profile: bytes | None = None
    coding: "Coding | None" = None
    cmyk: bool = False


def read_colours(data: bytes, kind: str, header: Any) -> Colours:
    """Read how the file declares its colours. An unusable profile is ignored, as in browsers."""
    if header.interpretation == "cmyk":
        return Colours(_usable_profile(header), cmyk=True)
    profile, coding = _usable_profile(header), None
    if kind in _KINDS_WITH_CODING:
        # Imported here, since JPEG does not need it and every cold start would pay for it.
        from blueprints_shared.images.colour_coding import SRGB, read_signals

        signals = read_signals(data, kind)
        if signals.stronger or not profile:
            profile, coding = None, signals.stronger or signals.weaker
        coding = None if coding == SRGB else coding
    if profile and not _changes_colours(profile, _model(header)):
        profile = None
    return Colours(profile, coding)


def shrink_to_srgb(image: Any, size: tuple[int, int], colours: Colours) -> Any:
    """Shrink an image to `size` (width and height in pixels), rotate it upright and convert it to 8-bit sRGB or grey.

    Colours are converted only if they would change, since that doubles the work.
    """
    if colours.coding:
        from blueprints_shared.images.coded_light import to_srgb  # few images need it

        return to_srgb(_shrink_samples(image, size), colours.coding)
    if image.get_typeof(_PROFILE) and not colours.profile:
        image = image.copy()
        image.remove(_PROFILE)
    options = {"input_profile": "cmyk", "output_profile": "srgb"} if colours.cmyk else {}
    if colours.profile and _model(image) != "grey":
        options["output_profile"] = "srgb"
    image = image.thumbnail_image(size[0], height=size[1], size="force", **options)
    image = image.colourspace("b-w" if image.interpretation in ("b-w", "grey16") else "srgb")
    if colours.profile and _model(image) == "grey":
        return _through_table(image, _grey_table(colours.profile))
    return image


def _shrink_samples(image: Any, size: tuple[int, int]) -> Any:
    """Shrink and rotate an image of 8 or 16 bits. thumbnail_image would convert 16 bits to 8 before the colours."""
    turned = image.get_typeof("orientation") and image.get("orientation") >= 5
    width, height = size[::-1] if turned else size
    sample, alpha = image.format, image.hasalpha()
    if alpha:
        image = image.premultiply()
    image = image.resize(width / image.width, vscale=height / image.height)
    if alpha:
        image = image.unpremultiply().cast(sample)
    return image.copy_memory().autorot()


def _through_table(image: Any, table: Any) -> Any:
    """Map the grey of an 8-bit image through a table, and keep its alpha."""
    if not image.hasalpha():
        return image.maplut(table).copy(interpretation="b-w")
    return image[0].maplut(table).bandjoin(image[1]).copy(interpretation="b-w")


# ── ICC profiles ────────────────────────────────────────────────────────────────────────────────────────────────────

_Model = Literal["grey", "rgb", "cmyk", "other"]
_MODELS: dict[str, _Model] = {
    **dict.fromkeys(("b-w", "grey16"), "grey"),
    **dict.fromkeys(("srgb", "rgb", "rgb16"), "rgb"),
    "cmyk": "cmyk",
}


def _model(image: Any) -> _Model:
    return _MODELS.get(image.interpretation, "other")


def _usable_profile(header: Any) -> bytes | None:
    """The embedded profile, or None if it is broken or made for another colour model."""
    if not header.get_typeof(_PROFILE):
        return None
    profile: bytes = header.get(_PROFILE)
    return profile if _is_usable(profile, _model(header)) else None


@lru_cache(maxsize=32)
def _is_usable(profile: bytes, model: _Model) -> bool:
    if profile[16:20] != {"grey": b"GRAY", "rgb": b"RGB ", "cmyk": b"CMYK"}.get(model, profile[16:20]):
        return False
    if model == "other":
        return True
    probe = _probe(model)
    try:
        return bool((_converted(probe, profile) - _converted(probe, profile, instead="p3")).abs().max() == 0)
    except pyvips.Error:
        return False


@lru_cache(maxsize=32)
def _changes_colours(profile: bytes, model: _Model) -> bool:
    """Whether the profile changes any of a few thousand colours by more than one step. Many profiles are sRGB."""
    if model not in ("grey", "rgb"):
        return True
    probe = _probe(model)
    return bool((_converted(probe, profile) - probe).abs().max() > 1)


def _probe(model: _Model) -> Any:
    """An image of colours from the whole range of the model."""
    if model == "grey":
        return pyvips.Image.identity().copy(interpretation="b-w")
    place = pyvips.Image.xyz(16, 256)
    bands = [place[0], (place[1] / 16).floor(), place[1] % 16]
    if model == "cmyk":
        bands.append((place[0] + place[1]) % 16)
    image = (bands[0].bandjoin(bands[1:]) * 17).cast("uchar")
    return image.copy(interpretation="cmyk" if model == "cmyk" else "srgb")


def _converted(image: Any, profile: bytes, instead: str = "srgb") -> Any:
    """Convert the image to sRGB; if libvips cannot use the profile, it silently uses `instead`."""
    image = image.copy()
    image.set_type(pyvips.GValue.blob_type, _PROFILE, profile)
    return image.icc_transform("srgb", embedded=True, input_profile=instead)


def _grey_table(profile: bytes) -> Any:
    """A table from each of 256 samples to the grey of sRGB."""
    return _converted(_probe("grey"), profile)[0]
