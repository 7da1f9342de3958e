"""What `load` and `encode` do besides colours: rotation, metadata, quality, memory and imports."""

import platform
import subprocess
import sys

import pytest
from PIL import Image

from blueprints_shared.images import image_file
from shared.tests.images.pictures import assert_corners, corners, encoded, opened, rendered


class TestOrientation:
    """The rotation that EXIF asks for is applied to the pixels, and then dropped."""

    @pytest.mark.parametrize("orientation", range(1, 9))
    @pytest.mark.parametrize("kind", ["JPEG", "WEBP", "PNG", "TIFF"])
    def test_every_orientation_becomes_upright(self, orientation, kind):
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
    def test_is_removed(self, tagged, output):
        for item in rendered(tagged, output=output).renditions:
            image = opened(item)
            assert not image.getexif()
            assert not {"exif", "xmp", "icc_profile", "XML:com.adobe.xmp"} & set(image.info)
            assert b"secret" not in item.data
            assert b"Maker" not in item.data

    @pytest.mark.parametrize("output", ["jpeg", "png", "webp", "avif"])
    def test_is_kept_on_request_without_the_orientation(self, tagged, output):
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

    def test_a_format_without_an_encoder_is_an_error(self):
        with pytest.raises(ValueError, match="no encoder for 'gif'"):
            rendered(encoded(corners(), "PNG"), output="gif")

    def test_the_same_input_gives_the_same_bytes(self):
        data = encoded(corners(), "JPEG")
        assert rendered(data, output="webp") == rendered(data, output="webp")


class TestMemory:
    def test_memory_of_earlier_images_is_returned_before_a_large_one(self, monkeypatch):
        returned = []
        monkeypatch.setattr(image_file, "_return_freed_memory", lambda: returned.append(1))
        rendered(encoded(Image.new("L", (300, 200)), "PNG"))
        assert not returned
        monkeypatch.setattr(image_file, "_LARGE", 50_000)
        rendered(encoded(Image.new("L", (300, 200)), "PNG"))
        assert returned

    @pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has malloc_trim")
    def test_freed_memory_goes_back_to_the_system(self):
        """A block in use above the freed ones keeps glibc from returning them by itself."""
        script = """
import ctypes, os
from blueprints_shared.images import image_file
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
image_file._return_freed_memory()
print(before - resident())
"""
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
        assert int(done.stdout) > 50 * 2**20


class TestStart:
    def test_an_ordinary_jpeg_imports_no_module_that_other_images_need(self, tmp_path):
        photo = tmp_path / "photo.jpg"
        photo.write_bytes(encoded(corners(), "JPEG"))
        script = (
            "import sys; from pathlib import Path; from blueprints_shared.images import *; "
            "file = open_image(Path(sys.argv[1]).read_bytes(), 10**6); encode(file.load((40, 27)), Encoding('webp')); "
            "print(*(name for name in sys.modules if name.startswith('blueprints_shared.images')))"
        )
        done = subprocess.run([sys.executable, "-c", script, photo], capture_output=True, text=True, check=True)
        modules = {name.removeprefix("blueprints_shared.images").lstrip(".") for name in done.stdout.split()}
        assert modules == {"", "colours", "encoding", "errors", "image_file", "loading", "recognition"}
