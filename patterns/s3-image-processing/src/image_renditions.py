"""The image work: bytes in, renditions out. It knows nothing of AWS.

An image is decoded once, shrunk while it is decoded, to the largest rendition; each smaller rendition is made from the
one before it. What is told from the header (kind, pixels, layout) is refused before anything is decoded.
"""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import pyvips
from image_colours import Colours, read_colours, shrink_to_srgb
from image_encoding import Encoding, encode
from image_kind import sniff
from image_loading import as_rejection, check_header, load_shrunk, load_without_end_marker, read_header

# Loaders that libvips itself calls unsafe for strangers' files (SVG, PDF, ImageMagick, …) are switched off for good.
pyvips.block_untrusted_set(True)
# Each image is seen once, so libvips' cache of operations would only hold memory between two invocations.
pyvips.cache_set_max(0)

LONGEST_SIDE_LIMIT = 16_383  # of WebP; the other formats allow more
RENDITIONS_LIMIT = 10
_LARGE = 16_000_000  # pixels

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?")
_PIXELS = re.compile(r"[1-9][0-9]{0,4}")


class RenditionSpec(NamedTuple):
    """A rendition to make: its name, and the length in pixels that its longest side may have."""

    name: str
    longest_side: int


class Rendition(NamedTuple):
    """One encoded rendition; width and height in pixels."""

    name: str
    width: int
    height: int
    data: bytes


class Rendered(NamedTuple):
    """What was found in the input (width and height as people see it, rotation applied), and its renditions."""

    kind: str
    width: int
    height: int
    renditions: tuple[Rendition, ...]


def parse_specs(text: str) -> tuple[RenditionSpec, ...]:
    """Read `thumbnail=200,medium=800`; raise ValueError naming the part that is wrong and the rule it breaks.

    The template's AllowedPattern has the same rules, except that names must differ.
    """
    specs = [_parse_spec(part.strip(" ")) for part in text.split(",")]
    if len(specs) > RENDITIONS_LIMIT:
        raise ValueError(f"{len(specs)} renditions are more than {RENDITIONS_LIMIT}")
    names = [spec.name for spec in specs]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"the name {name!r} occurs twice in {text!r}; each needs its own")
    return tuple(specs)


def _parse_spec(part: str) -> RenditionSpec:
    name, equals, pixels = part.partition("=")
    if not equals:
        raise ValueError(f"{part!r} is not name=pixels, such as thumbnail=200")
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"{part!r} is not name=pixels: the name must be 1 to 32 lower-case letters, digits and hyphens, "
            "with no hyphen at either end"
        )
    if not _PIXELS.fullmatch(pixels) or int(pixels) > LONGEST_SIDE_LIMIT:
        raise ValueError(f"{part!r} is not name=pixels: pixels must be a whole number from 1 to {LONGEST_SIDE_LIMIT}")
    return RenditionSpec(name, int(pixels))


def render(data: bytes, specs: Sequence[RenditionSpec], encoding: Encoding, max_pixels: int) -> Rendered:
    """Make every rendition of one image, in the order of `specs`; raise Rejected when the input is at fault."""
    kind = sniff(data)
    header = read_header(data, kind)
    check_header(header, kind, max_pixels)
    if header.width * header.height > _LARGE:
        _give_memory_back()
    seen = _seen_size(header)
    largest_first = sorted(specs, key=lambda spec: spec.longest_side, reverse=True)
    image = _decode(data, kind, header, _fit(seen, largest_first[0].longest_side), encoding.format)
    made = {}
    for spec in largest_first:
        image = _shrink(image, _fit(seen, spec.longest_side))
        made[spec.name] = Rendition(spec.name, image.width, image.height, encode(image, encoding))
    return Rendered(kind, *seen, tuple(made[spec.name] for spec in specs))


def _give_memory_back() -> None:
    """Return to the system what earlier images freed: glibc keeps some, which a large image would come on top of."""
    import ctypes  # large images are few

    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # only glibc has it
    if trim:
        trim(0)


def _seen_size(header: Any) -> tuple[int, int]:
    """Width and height once upright: EXIF orientations 5 to 8 lie on their side."""
    turned = header.get_typeof("orientation") and header.get("orientation") >= 5
    return (header.height, header.width) if turned else (header.width, header.height)


def _fit(size: tuple[int, int], longest_side: int) -> tuple[int, int]:
    """The size after shrinking to `longest_side`; the size itself when that would enlarge."""
    scale = min(1.0, longest_side / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _decode(data: bytes, kind: str, header: Any, size: tuple[int, int], output_format: str) -> Any:
    """Decode, shrink, turn upright and bring to 8-bit sRGB (or grey), held in memory."""
    colours = read_colours(data, kind, header)
    try:
        return _prepare(load_shrunk(data, kind, header, size), size, colours, output_format)
    except pyvips.Error as error:
        unended = load_without_end_marker(data, header, size) if kind == "jpeg" else None
        if unended is None:
            raise as_rejection(error, data, kind) from error
        return _prepare(unended, size, colours, output_format)


def _prepare(image: Any, size: tuple[int, int], colours: Colours, output_format: str) -> Any:
    image = shrink_to_srgb(image, size, colours)
    if output_format == "jpeg" and image.hasalpha():
        image = image.flatten(background=255)
    # The decoder returns its rows once, in order; every rendition except the first needs them again.
    return image.copy_memory()


def _shrink(image: Any, size: tuple[int, int]) -> Any:
    if (image.width, image.height) == size:
        return image
    return image.thumbnail_image(size[0], height=size[1], size="force").copy_memory()
