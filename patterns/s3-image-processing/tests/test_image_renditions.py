"""From bytes to renditions, without AWS: every rendition is decoded again and looked at."""

import io

import pytest
from image_renditions import LONGEST_SIDE_LIMIT, RenditionSpec, parse_specs, render
from PIL import Image

from blueprints_shared.images import Encoding

RED, BLUE = (220, 20, 30), (30, 40, 210)


def rendered(size=(300, 200), specs="small=40,large=120", kind="PNG", output="png", **options):
    """The renditions of a red picture."""
    data = io.BytesIO()
    Image.new("RGB", size, RED).save(data, kind, **options)
    return render(data.getvalue(), parse_specs(specs), Encoding(output), 10**7).renditions


def opened(rendition):
    image = Image.open(io.BytesIO(rendition.data))
    image.load()
    assert image.size == (rendition.width, rendition.height)
    return image


class TestSizes:
    """How an image is fitted into a rendition: what a copy that crops or frames has to change."""

    def test_an_image_is_never_enlarged(self):
        assert [(item.width, item.height) for item in rendered((60, 30))] == [(40, 20), (60, 30)]

    @pytest.mark.parametrize("size", [(1, 1), (3000, 1), (1, 3000), (2, 700)])
    def test_a_side_never_becomes_zero(self, size):
        for item in rendered(size):
            assert min(item.width, item.height) >= 1
            assert opened(item).convert("RGB").getpixel((0, 0)) == RED

    @pytest.mark.parametrize("kind", ["JPEG", "WEBP", "PNG"])
    @pytest.mark.parametrize("size", [(1000, 667), (1013, 759), (240, 119)])
    def test_each_rendition_has_the_source_shape_to_the_pixel(self, kind, size):
        for item in rendered(size, kind=kind):
            longest = {"small": 40, "large": 120}[item.name]
            assert (item.width, item.height) == (longest, round(size[1] * longest / size[0]))

    @pytest.mark.parametrize("specs", ["b=10,a=30,c=20", "one=30,two=30"])
    def test_renditions_come_in_the_order_asked_for(self, specs):
        assert [item.name for item in rendered(specs=specs)] == [spec.name for spec in parse_specs(specs)]


def test_a_photo_on_its_side_becomes_upright_renditions_without_metadata():
    upright = Image.new("RGB", (300, 200), RED)
    upright.paste(BLUE, (150, 0, 300, 200))
    exif = Image.Exif()
    exif[0x0112] = 6
    exif.get_ifd(0x8825)[1] = "N"
    data = io.BytesIO()
    upright.rotate(90, expand=True).save(data, "JPEG", quality=95, exif=exif)
    for output in ("jpeg", "png", "webp", "avif"):
        for item in render(data.getvalue(), parse_specs("a=40,b=120"), Encoding(output), 10**7).renditions:
            image = opened(item)
            assert not image.getexif()
            for share, colour in ((0.25, RED), (0.75, BLUE)):
                pixel = image.convert("RGB").getpixel((int(image.width * share), image.height // 2))
                assert pixel == pytest.approx(colour, abs=15)


class TestSpecs:
    def test_are_read(self):
        assert parse_specs("thumbnail=200, x-2=1") == (RenditionSpec("thumbnail", 200), RenditionSpec("x-2", 1))

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "a",
            "a=",
            "a=0",
            "=5",
            "A=5",
            "a/b=5",
            "a=5;b=6",
            "a=5,",
            "a=5,a=6",
            "-=5",
            f"a={LONGEST_SIDE_LIMIT + 1}",
        ],
    )
    def test_an_error_names_what_is_wrong(self, text):
        with pytest.raises(ValueError, match=r"is not name=pixels|occurs twice"):
            parse_specs(text)
