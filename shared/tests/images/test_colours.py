"""Colours of decoded images: profiles, CMYK, bit depths, transparency."""

import io

import pytest
import pyvips
from PIL import Image, ImageCms

from shared.tests.images.pictures import (
    BLUE,
    GREEN,
    RED,
    WHITE,
    assert_corners,
    corner_colours,
    corners,
    encoded,
    opened,
    rendered,
)


class TestColour:
    def test_an_icc_profile_is_converted_to_srgb(self):
        wide = pyvips.Image.new_from_buffer(encoded(corners(), "PNG"), "")
        wide = wide.icc_transform("p3", input_profile="srgb")
        data = wide.pngsave_buffer()
        assert Image.open(io.BytesIO(data)).info["icc_profile"]
        assert corner_colours(Image.open(io.BytesIO(data)))[1] != pytest.approx(GREEN, abs=10)
        image = opened(rendered(data).renditions[1])
        assert "icc_profile" not in image.info
        assert_corners(image)

    def test_a_profile_for_another_colour_model_or_nonsense_is_ignored(self):
        srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
        grey = encoded(Image.new("L", (300, 200), 90), "JPEG", icc_profile=srgb)
        assert opened(rendered(grey).renditions[0]).convert("L").getpixel((5, 5)) == pytest.approx(90, abs=3)
        nonsense = encoded(corners(), "JPEG", quality=95, icc_profile=b"no profile at all" * 20)
        assert_corners(opened(rendered(nonsense).renditions[1]))

    @pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
    def test_cmyk_becomes_rgb(self, kind):
        data = encoded(corners(mode="CMYK"), kind)
        image = opened(rendered(data, output="jpeg", quality=90).renditions[1])
        assert image.mode == "RGB"
        for found, wanted in zip(corner_colours(image), (RED, GREEN, BLUE, WHITE), strict=True):
            # Inks reach fewer colours than a screen does: the hue is what counts.
            assert max(range(3), key=found.__getitem__) == max(range(3), key=wanted.__getitem__)
        assert corner_colours(image)[3] == pytest.approx(WHITE, abs=3)

    def test_sixteen_bits_become_eight(self):
        image = pyvips.Image.new_from_buffer(encoded(corners(), "PNG"), "")
        image = (image * 257).cast("ushort")
        for data in (
            image.copy(interpretation="rgb16").pngsave_buffer(),
            image.copy(interpretation="rgb16").tiffsave_buffer(),
        ):
            assert_corners(opened(rendered(data).renditions[1]))
        grey = ((pyvips.Image.black(50, 50) + 90) * 257).cast("ushort")
        data = grey.copy(interpretation="grey16").pngsave_buffer()
        assert opened(rendered(data).renditions[0]).getpixel((5, 5)) == pytest.approx(90, abs=1)

    @pytest.mark.parametrize("mode", ["L", "LA"])
    def test_grey_stays_grey(self, mode):
        image = opened(rendered(encoded(corners(mode=mode), "PNG")).renditions[1])
        assert image.mode == mode
        assert_corners(image, corner_colours(corners(mode=mode)))

    @pytest.mark.parametrize("kind", ["PNG", "GIF"])
    def test_a_palette_becomes_rgb(self, kind):
        assert_corners(opened(rendered(encoded(corners().quantize(8), kind)).renditions[1]))

    @pytest.mark.parametrize("kind", ["PNG", "TIFF"])
    def test_black_and_white_is_read(self, kind):
        image = Image.new("1", (300, 200))
        image.paste(1, (150, 0, 300, 200))
        assert_corners(opened(rendered(encoded(image, kind)).renditions[1]), [(0, 0, 0), WHITE] * 2)

    def test_transparency_is_kept_or_becomes_white_in_jpeg(self):
        image = corners(mode="RGBA")
        image.paste((0, 0, 0, 0), (0, 0, 150, 200))
        data = encoded(image, "PNG")
        for output in ("png", "webp", "avif"):
            kept = opened(rendered(data, output=output, quality=90).renditions[1]).convert("RGBA")
            assert kept.getpixel((20, 40))[3] < 8
            assert kept.getpixel((100, 20)) == pytest.approx((*GREEN, 255), abs=14)
        flat = opened(rendered(data, output="jpeg", quality=95).renditions[1])
        assert_corners(flat, (WHITE, GREEN, WHITE, WHITE), abs_=10)

    def test_transparent_edges_leave_no_dark_rim(self):
        image = Image.new("RGBA", (300, 200), (0, 0, 0, 0))
        image.paste((*WHITE, 255), (150, 0, 300, 200))
        flat = opened(rendered(encoded(image, "PNG"), output="jpeg", quality=95).renditions[1])
        assert flat.convert("L").getextrema()[0] > 240
