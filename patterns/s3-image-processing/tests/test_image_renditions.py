"""The image work on its own: bytes in, renditions out; every result is decoded again and looked at."""

import platform
import subprocess
import sys

import pytest
from image_renditions import LONGEST_SIDE_LIMIT, RenditionSpec, parse_specs
from pictures import RED, assert_corners, corners, encoded, opened, rendered
from PIL import Image
from template_facts import code_folder


class TestSizes:
    """How an image is fitted into a rendition: what a copy that crops or frames has to change."""

    def test_an_image_is_never_enlarged(self):
        result = rendered(encoded(corners((60, 30)), "PNG"))
        assert [(item.width, item.height) for item in result.renditions] == [(40, 20), (60, 30)]

    @pytest.mark.parametrize("size", [(1, 1), (3000, 1), (1, 3000), (2, 700)])
    def test_a_side_never_becomes_zero(self, size):
        for item in rendered(encoded(Image.new("RGB", size, RED), "PNG")).renditions:
            assert min(item.width, item.height) >= 1
            assert opened(item).convert("RGB").getpixel((0, 0)) == RED

    @pytest.mark.parametrize("kind", ["JPEG", "WEBP", "PNG"])
    @pytest.mark.parametrize("size", [(1000, 667), (1013, 759), (240, 119)])
    def test_each_rendition_has_the_source_shape_to_the_pixel(self, kind, size):
        for item in rendered(encoded(corners(size), kind), max_pixels=10**7).renditions:
            longest = {"small": 40, "large": 120}[item.name]
            assert (item.width, item.height) == (longest, round(size[1] * longest / size[0]))

    def test_renditions_come_in_the_order_asked_for(self):
        specs = parse_specs("b=10,a=30,c=20")
        assert [item.name for item in rendered(encoded(corners(), "PNG"), specs).renditions] == ["b", "a", "c"]

    def test_renditions_of_one_size_are_all_made(self):
        specs = parse_specs("one=30,two=30")
        assert [item.name for item in rendered(encoded(corners(), "PNG"), specs).renditions] == ["one", "two"]


class TestOrientation:
    """What EXIF says about lying cameras is done to the pixels, then forgotten."""

    @pytest.mark.parametrize("orientation", range(1, 9))
    @pytest.mark.parametrize("kind", ["JPEG", "WEBP", "PNG", "TIFF"])
    def test_every_orientation_comes_out_upright(self, orientation, kind):
        turn = {
            1: None,
            2: Image.Transpose.FLIP_LEFT_RIGHT,
            3: Image.Transpose.ROTATE_180,
            4: Image.Transpose.FLIP_TOP_BOTTOM,
            5: Image.Transpose.TRANSPOSE,
            6: Image.Transpose.ROTATE_90,
            7: Image.Transpose.TRANSVERSE,
            8: Image.Transpose.ROTATE_270,
        }[orientation]
        stored = corners() if turn is None else corners().transpose(turn)
        exif = Image.Exif()
        exif[0x0112] = orientation
        result = rendered(encoded(stored, kind, exif=exif, **({} if kind in ("PNG", "TIFF") else {"quality": 95})))
        assert (result.width, result.height) == (300, 200)
        image = opened(result.renditions[1])
        assert image.getexif().get(0x0112, 1) == 1
        assert_corners(image)


class TestMetadata:
    @pytest.fixture
    def tagged(self):
        exif = Image.Exif()
        exif[0x010F] = "Maker"
        exif[0x0112] = 6
        exif.get_ifd(0x8825)[1] = "N"
        exif.get_ifd(0x8825)[2] = (46.0, 21.0, 49.0)
        return encoded(corners().rotate(90, expand=True), "JPEG", exif=exif, xmp=b"<x:xmpmeta>secret</x:xmpmeta>")

    @pytest.mark.parametrize("output", ["jpeg", "png", "webp", "avif"])
    def test_nothing_of_it_is_left(self, tagged, output):
        for item in rendered(tagged, output=output).renditions:
            image = opened(item)
            assert not image.getexif()
            assert not {"exif", "xmp", "icc_profile", "XML:com.adobe.xmp"} & set(image.info)
            assert b"secret" not in item.data
            assert b"Maker" not in item.data

    @pytest.mark.parametrize("output", ["jpeg", "png", "webp", "avif"])
    def test_it_is_kept_on_request_but_for_the_orientation(self, tagged, output):
        for item in rendered(tagged, output=output, keep_metadata=True).renditions:
            exif = opened(item).getexif()
            assert exif[0x010F] == "Maker"
            assert exif.get_ifd(0x8825)[1] == "N"
            assert exif.get(0x0112, 1) == 1


class TestQuality:
    def test_more_quality_is_more_bytes(self):
        data = encoded(Image.effect_noise((300, 200), 40).convert("RGB"), "PNG")
        for output in ("jpeg", "webp", "avif"):
            low, high = (rendered(data, output=output, quality=quality).renditions[1].data for quality in (20, 95))
            assert len(low) < len(high)

    def test_a_format_without_an_encoder_is_not_written_as_another(self):
        with pytest.raises(ValueError, match="'gif' has an extension and no encoder"):
            rendered(encoded(corners(), "PNG"), output="gif")

    def test_the_same_input_gives_the_same_bytes(self):
        data = encoded(corners(), "JPEG")
        assert rendered(data, output="webp") == rendered(data, output="webp")


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
    def test_what_is_wrong_is_named(self, text):
        with pytest.raises(ValueError, match=r"is not name=pixels|occurs twice"):
            parse_specs(text)


class TestMemory:
    def test_what_earlier_images_left_is_given_back_before_a_large_one(self, monkeypatch):
        import image_renditions

        given_back = []
        monkeypatch.setattr(image_renditions, "_give_memory_back", lambda: given_back.append(1))
        rendered(encoded(Image.new("L", (300, 200)), "PNG"))
        assert not given_back
        monkeypatch.setattr(image_renditions, "_LARGE", 50_000)
        rendered(encoded(Image.new("L", (300, 200)), "PNG"))
        assert given_back

    @pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc keeps what is freed and can be told")
    def test_freed_memory_goes_back_to_the_system(self):
        """A block in use above the freed ones keeps glibc from returning them by itself."""
        script = """
import ctypes, os, image_renditions
from pathlib import Path


def resident():
    return int(Path('/proc/self/statm').read_text().split()[1]) * os.sysconf('SC_PAGE_SIZE')


libc = ctypes.CDLL(None)
libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
libc.memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
blocks = [libc.malloc(2**16) for _ in range(1000)]
for block in blocks:
    libc.memset(block, 1, 2**16)
for block in blocks[:-1]:
    libc.free(block)
before = resident()
image_renditions._give_memory_back()
print(before - resident())
"""
        done = subprocess.run(
            [sys.executable, "-c", script], cwd=code_folder(), capture_output=True, text=True, check=True
        )
        assert int(done.stdout) > 50 * 2**20


class TestStart:
    def test_an_ordinary_jpeg_imports_no_module_that_other_images_need(self, tmp_path):
        photo = tmp_path / "photo.jpg"
        photo.write_bytes(encoded(corners(), "JPEG"))
        script = (
            "import sys; from pathlib import Path; from image_encoding import Encoding; "
            "from image_renditions import parse_specs, render; "
            "render(Path(sys.argv[1]).read_bytes(), parse_specs('a=40'), Encoding('webp'), 10**6); "
            "print(*{'coded_light', 'colour_coding', 'heif_loading', 'tiff_loading'} & set(sys.modules), "
            "*(name for name in sys.modules if name.startswith('image_formats')))"
        )
        done = subprocess.run(
            [sys.executable, "-c", script, photo], cwd=code_folder(), capture_output=True, text=True, check=True
        )
        assert done.stdout.split() == []
