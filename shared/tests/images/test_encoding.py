"""With equal quality, AVIF is the smallest and looks no worse."""

import math
from pathlib import Path

import pytest
import pyvips

from blueprints_shared.images.encoding import Encoding, avif_quality, encode

PHOTO = Path(__file__).parents[3] / "patterns" / "s3-image-processing" / "photo.jpg"
FORMATS = ("avif", "webp", "jpeg")


def clouds(width=640, height=480):
    """Noise in octaves, as in `benchmarks/photos.py`."""
    light = pyvips.Image.black(width, height) + 118
    for seed, (scale, sigma) in enumerate([(128, 50), (32, 25), (8, 12), (2, 5)], start=3):
        noise = pyvips.Image.gaussnoise(width // scale + 2, height // scale + 2, mean=0, sigma=sigma, seed=seed)
        light += noise.resize(scale, kernel="cubic").crop(0, 0, width, height)
    tint = pyvips.Image.gaussnoise(5, 4, mean=0, sigma=18, seed=9).resize(128, kernel="cubic").crop(0, 0, width, height)
    return light.bandjoin([light + tint, light - tint]).cast("uchar").copy(interpretation="srgb")


@pytest.fixture(scope="module", params=["photo.jpg", "clouds"])
def picture(request):
    if request.param == "clouds":
        return clouds().copy_memory()
    image = pyvips.Image.new_from_file(str(PHOTO)).autorot()
    return image.thumbnail_image(640).colourspace("srgb").copy_memory()


def psnr(picture, data):
    difference = pyvips.Image.new_from_buffer(data, "") - picture
    return 10 * math.log10(255**2 / (difference * difference).avg())


@pytest.mark.parametrize("quality", [30, 60, 80, 90, 95])
def test_with_equal_quality_avif_is_smallest_and_as_close_to_the_original(picture, quality):
    made = {each: encode(picture, Encoding(each, quality)) for each in FORMATS}
    assert len(made["avif"]) < len(made["webp"]) < len(made["jpeg"])
    assert psnr(picture, made["avif"]) > psnr(picture, made["webp"]) - 1


def test_avif_quality_rises_with_quality():
    steps = [avif_quality(quality) for quality in range(1, 101)]
    assert steps == sorted(steps)
    assert (steps[0], steps[-1]) == (15, 94)
