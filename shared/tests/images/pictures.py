"""Pictures that tests make, and what they check in the files made of them."""

import io
from typing import NamedTuple

import pytest
from PIL import Image, ImageDraw

from blueprints_shared.images import Encoding, InvalidImage, encode, open_image

SIDES = {"small": 40, "large": 120}
RED, GREEN, BLUE, WHITE = (220, 20, 30), (20, 200, 40), (30, 40, 210), (255, 255, 255)


class Rendition(NamedTuple):
    name: str
    width: int
    height: int
    data: bytes


class Rendered(NamedTuple):
    kind: str
    width: int
    height: int
    renditions: tuple[Rendition, ...]


def rendered(data, output="png", max_pixels=10**6, sides=SIDES, **options):
    """Open an image and encode it once for each longest side, never enlarged."""
    file, encoding = open_image(data, max_pixels), Encoding(output, **options)
    renditions = []
    for name, side in sides.items():
        scale = min(1.0, side / max(file.width, file.height))
        size = max(1, round(file.width * scale)), max(1, round(file.height * scale))
        renditions.append(Rendition(name, *size, encode(file.load(size), encoding)))
    return Rendered(file.kind, file.width, file.height, tuple(renditions))


def corners(size=(300, 200), mode="RGB"):
    """A picture whose corners (upper left, upper right, lower left, lower right) are red, green, blue and white."""
    image = Image.new("RGB", size)
    draw = ImageDraw.Draw(image)
    half = size[0] // 2, size[1] // 2
    draw.rectangle((0, 0, *half), RED)
    draw.rectangle((half[0], 0, size[0], half[1]), GREEN)
    draw.rectangle((0, half[1], half[0], size[1]), BLUE)
    draw.rectangle((*half, *size), WHITE)
    return image.convert(mode)


def encoded(image, kind, **options):
    """The bytes of a Pillow image as a file of that kind."""
    data = io.BytesIO()
    image.save(data, kind, **options)
    return data.getvalue()


def opened(rendition):
    """The rendition decoded by Pillow; its size has to be the stated one."""
    image = Image.open(io.BytesIO(rendition.data))
    image.load()
    assert image.size == (rendition.width, rendition.height)
    return image


def corner_colours(image):
    image = image.convert("RGB")
    x, y = image.width // 4, image.height // 4
    return [image.getpixel(at) for at in ((x, y), (3 * x, y), (x, 3 * y), (3 * x, 3 * y))]


def assert_corners(image, expected=(RED, GREEN, BLUE, WHITE), abs_=6):
    for found, wanted in zip(corner_colours(image), expected, strict=True):
        assert found == pytest.approx(wanted, abs=abs_)


def error_code(data, **options):
    """The code of the InvalidImage that this file raises, which has to have a message."""
    with pytest.raises(InvalidImage) as raised:
        rendered(data, **options)
    assert str(raised.value)
    return raised.value.code
