"""Pictures that tests make, and what they look at in the renditions made of them."""

import io

import pytest
from image_rejections import Rejected
from image_renditions import Encoding, parse_specs, render
from PIL import Image, ImageDraw

SPECS = parse_specs("small=40,large=120")
RED, GREEN, BLUE, WHITE = (220, 20, 30), (20, 200, 40), (30, 40, 210), (255, 255, 255)


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
    data = io.BytesIO()
    image.save(data, kind, **options)
    return data.getvalue()


def rendered(data, specs=SPECS, output="png", max_pixels=10**6, **options):
    return render(data, specs, Encoding(output, **options), max_pixels)


def opened(rendition):
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


def rejection(data, **options):
    with pytest.raises(Rejected) as raised:
        rendered(data, **options)
    assert str(raised.value)
    return raised.value.code
