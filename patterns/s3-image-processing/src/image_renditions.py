"""Turns the bytes of an image into its renditions. Does not use AWS.

The image is decoded once, to the size of the largest rendition. Each smaller rendition is made from the one before it.
"""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from blueprints_shared.images import Encoding, encode, open_image

LONGEST_SIDE_LIMIT = 16_383  # pixels, the limit of WebP; the other formats allow more
RENDITIONS_LIMIT = 10

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?")
_PIXELS = re.compile(r"[1-9][0-9]{0,4}")


class RenditionSpec(NamedTuple):
    """A rendition to make: its name, and the most pixels that its longest side may have."""

    name: str
    longest_side: int


class Rendition(NamedTuple):
    """One encoded rendition; width and height in pixels."""

    name: str
    width: int
    height: int
    data: bytes


class Rendered(NamedTuple):
    """The kind, width and height (in pixels, upright) of an image, and its renditions."""

    kind: str
    width: int
    height: int
    renditions: tuple[Rendition, ...]


def render(data: bytes, specs: Sequence[RenditionSpec], encoding: Encoding, max_pixels: int) -> Rendered:
    """Make every rendition of one image, in the order of `specs`. Raises InvalidImage if the image is at fault."""
    file = open_image(data, max_pixels)
    image = None
    made = {}
    for spec in sorted(specs, key=lambda spec: spec.longest_side, reverse=True):
        size = _fit((file.width, file.height), spec.longest_side)
        image = file.load(size) if image is None else _shrink(image, size)
        made[spec.name] = Rendition(spec.name, image.width, image.height, encode(image, encoding))
    return Rendered(file.kind, file.width, file.height, tuple(made[spec.name] for spec in specs))


def _fit(size: tuple[int, int], longest_side: int) -> tuple[int, int]:
    """The size after shrinking to `longest_side`; an image is never enlarged."""
    scale = min(1.0, longest_side / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _shrink(image: Any, size: tuple[int, int]) -> Any:
    if (image.width, image.height) == size:
        return image
    return image.thumbnail_image(size[0], height=size[1], size="force").copy_memory()


def parse_specs(text: str) -> tuple[RenditionSpec, ...]:
    """Read `thumbnail=200,medium=800`. Raises ValueError, which names the part that is wrong and the rule it breaks.

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
