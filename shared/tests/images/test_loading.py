"""Which files are read, and why others are rejected."""

import struct
import zlib

import pytest
import pyvips
from PIL import Image

from blueprints_shared.images import EXTENSIONS
from blueprints_shared.images.recognition import recognise
from shared.tests.images.pictures import (
    BLUE,
    RED,
    assert_corners,
    corners,
    encoded,
    error_code,
    opened,
    rendered,
)


class TestKinds:
    @pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "AVIF"])
    @pytest.mark.parametrize("output", EXTENSIONS)
    def test_every_readable_kind_becomes_every_format(self, kind, output):
        result = rendered(encoded(corners(), kind), output=output, quality=90)
        assert (result.kind, result.width, result.height) == (kind.lower(), 300, 200)
        assert [item.name for item in result.renditions] == ["small", "large"]
        for item in result.renditions:
            assert opened(item).format == output.upper()
        assert_corners(opened(result.renditions[1]), abs_=14)

    def test_a_progressive_jpeg_is_read(self):
        assert_corners(opened(rendered(encoded(corners(), "JPEG", quality=95, progressive=True)).renditions[1]))

    def test_a_big_endian_tiff_is_read(self):
        data = pyvips.Image.new_from_buffer(encoded(corners(), "PNG"), "").tiffsave_buffer(bigtiff=True)
        assert_corners(opened(rendered(data).renditions[1]))

    @pytest.mark.parametrize(
        ("data", "code"),
        [
            (b"", "empty"),
            (b"\xff", "not-an-image"),
            (b"these are words", "not-an-image"),
            (b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"></svg>', "not-an-image"),
            (b"%PDF-1.7\n", "not-an-image"),
            (b"BM" + bytes(60), "not-an-image"),
            (b"\0\0\0\x18ftypisom\0\0\2\0isomiso2", "not-an-image"),
            (b"\xff\xd8\xff<svg/>", "damaged"),
            (b"RIFF\x04\0\0\0WEBP", "damaged"),
            (b"GIF89a", "damaged"),
            (b"II*\0\xff\xff\xff\xff", "damaged"),
            (b"\0\0\0\x18ftypheic\0\0\0\0heicmif1" + bytes(40), "unsupported-codec"),
        ],
    )
    def test_a_file_that_is_not_an_image_is_rejected_by_its_bytes(self, data, code):
        assert error_code(data) == code

    def test_untrusted_loaders_are_disabled(self):
        svg = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"></svg>'
        with pytest.raises(pyvips.Error):
            pyvips.Image.svgload_buffer(svg)

    def test_avif_and_heif_are_told_apart_by_their_brands(self):
        assert recognise(b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf") == "avif"
        assert recognise(b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic") == "heif"


class TestDamage:
    @pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "AVIF"])
    @pytest.mark.parametrize("share", [0.05, 0.3, 0.6, 0.95])
    def test_a_truncated_image_is_rejected(self, kind, share):
        noise = Image.effect_noise((300, 200), 60).convert("RGB")
        data = encoded(noise, kind)
        assert error_code(data[: int(len(data) * share)]) == "damaged"

    def test_a_file_that_continues_as_another_kind_is_rejected(self):
        assert error_code(b"\x89PNG\r\n\x1a\n" + encoded(corners(), "JPEG")) == "damaged"

    def test_lack_of_memory_is_not_blamed_on_the_image(self, monkeypatch):
        def out_of_memory(*args, **kwargs):
            raise pyvips.Error("unable to call", "out of memory --- size == 12MB")

        monkeypatch.setattr(pyvips.Image, "thumbnail_image", out_of_memory)
        with pytest.raises(pyvips.Error):
            rendered(encoded(corners(), "PNG"))


class TestLimits:
    def test_a_decompression_bomb_is_rejected_before_it_is_decoded(self):
        def chunk(kind, data):
            return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

        header = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
        rows = zlib.compress(bytes(10**6))
        bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
        assert error_code(bomb, max_pixels=64_000_000) == "too-many-pixels"

    def test_the_limit_itself_is_allowed(self):
        data = encoded(corners((300, 200)), "PNG")
        assert rendered(data, max_pixels=60_000).width == 300
        assert error_code(data, max_pixels=59_999) == "too-many-pixels"

    @pytest.mark.parametrize("bands", [3, 7])
    def test_samples_that_are_not_colours_are_rejected(self, bands):
        image = pyvips.Image.black(20, 20, bands=bands)
        data = (image.cast("float") if bands == 3 else image).tiffsave_buffer()
        assert error_code(data) == "unsupported-layout"


class TestPages:
    @pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
    def test_the_first_frame_of_an_animation_is_read(self, kind):
        first, second = Image.new("RGB", (300, 200), RED), Image.new("RGB", (300, 200), BLUE)
        data = encoded(first, kind, save_all=True, append_images=[second, second], duration=100)
        result = rendered(data, output="webp", quality=90)
        assert (result.width, result.height) == (300, 200)
        image = opened(result.renditions[1])
        assert getattr(image, "n_frames", 1) == 1
        assert image.convert("RGB").getpixel((60, 40)) == pytest.approx(RED, abs=8)

    def test_the_first_page_of_a_document_is_read(self):
        data = encoded(corners(), "TIFF", save_all=True, append_images=[Image.new("RGB", (50, 50), BLUE)])
        assert_corners(opened(rendered(data).renditions[1]))
