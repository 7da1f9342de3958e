"""Valid, unsupported and damaged files of each format: how each is read, or the reason why it is rejected."""

import struct
import zlib

import hypothesis.strategies as st
import pytest
import pyvips
from hypothesis import given, settings
from PIL import Image, ImageCms

from blueprints_shared.images import InvalidImage
from blueprints_shared.images.formats import gif as gif_format
from blueprints_shared.images.formats import heif, jpeg, webp
from blueprints_shared.images.formats import png as png_format
from blueprints_shared.images.formats import tiff as tiff_format
from blueprints_shared.images.hevc_decoder import HEIC, decodes_hevc
from blueprints_shared.images.loading import load_shrunk, read_header
from blueprints_shared.images.recognition import READABLE, recognise
from shared.tests.images.gif_files import gif
from shared.tests.images.heif_files import heif_of_av1
from shared.tests.images.jpeg_files import flat, segment, with_gain_map_iso, with_gain_map_xmp, with_pictures
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
from shared.tests.images.png_files import chunk, png
from shared.tests.images.tiff_files import LONG, Directory, plain, tiff

SIZE = (60, 40)


def rejected(data, **options):
    with pytest.raises(InvalidImage) as raised:
        rendered(data, **options)
    return raised.value.code, str(raised.value)


def outcome(data):
    try:
        return rendered(data)
    except InvalidImage as rejection:
        return rejection


def quarters(values, bits=8):
    """A sample with one value of 0 to 255 per quarter, scaled to that many bits."""
    top = (1 << bits) - 1
    return lambda x, y: round(values[(x >= SIZE[0] // 2) + 2 * (y >= SIZE[1] // 2)] * top / 255)


def rgb(bits=8):
    return [quarters([colour[band] for colour in (RED, GREEN, BLUE, WHITE)], bits) for band in range(3)]


def grey(bits=8):
    return [quarters([0, 100, 200, 255], bits)]


def converted(mode):
    """The samples of the picture in another colour model."""
    image = corners(SIZE)
    if mode == "LAB":
        profiles = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
        image = ImageCms.profileToProfile(image, *profiles, outputMode="LAB")
    else:
        image = image.convert(mode)
    pixels = image.load()
    return [lambda x, y, band=band: pixels[min(x, SIZE[0] - 1), min(y, SIZE[1] - 1)][band] for band in range(3)]


def signed(sample, factor=1):
    return lambda x, y: (sample(x, y) - 128) * factor & (0xFF if factor == 1 else 0xFFFF)


def scaled(sample, factor):
    return lambda x, y: sample(x, y) * factor


LIGHTNESS, *AB = converted("LAB")
YCBCR = converted("YCbCr")
OPAQUE = quarters([255] * 4)
HALF = struct.unpack("<I", struct.pack("<f", 0.5))[0]
PREVIEW = plain((16, 8), [lambda x, y: 0] * 3, t254=1)

READ = {
    "tiff, RGB": plain(SIZE, rgb()),
    "tiff, RGB of 16 bits": plain(SIZE, rgb(16), 16),
    "tiff, RGB with alpha": plain(SIZE, [*rgb(), OPAQUE], t338=2),
    "tiff, RGB with a mask of an editor": plain(SIZE, [*rgb(), quarters([0] * 4)], t338=0),
    "tiff, RGB with a mask and alpha": plain(SIZE, [*rgb(), quarters([0] * 4), OPAQUE], t338=[0, 2]),
    "tiff, RGB of 16 bits with a mask": plain(SIZE, [*rgb(16), quarters([0] * 4)], 16, t338=0),
    "tiff, a plane per colour": plain(SIZE, rgb(), planar=True),
    "tiff, tiles": plain(SIZE, rgb(), tile=16),
    "tiff, deflate": plain(SIZE, rgb(), squeeze=zlib.compress, t259=8),
    "tiff, CIELAB": plain(SIZE, [LIGHTNESS, *map(signed, AB)], t262=8),
    "tiff, CIELAB of 16 bits": plain(SIZE, [scaled(LIGHTNESS, 257), *(signed(s, 256) for s in AB)], 16, t262=8),
    "tiff, CIELAB with alpha": plain(SIZE, [LIGHTNESS, *map(signed, AB), OPAQUE], t262=8, t338=2),
    "tiff, ICCLAB": plain(SIZE, [LIGHTNESS, *AB], t262=9),
    "tiff, ICCLAB of 16 bits": plain(SIZE, [scaled(sample, 256) for sample in (LIGHTNESS, *AB)], 16, t262=9),
    "tiff, CIELAB with a mask": plain(SIZE, [LIGHTNESS, *map(signed, AB), quarters([0] * 4)], t262=8, t338=0),
    "tiff, YCbCr without JPEG": plain(SIZE, YCBCR, t262=6, t530=[1, 1]),
    "tiff, YCbCr of 16 bits": plain(SIZE, [scaled(sample, 257) for sample in YCBCR], 16, t262=6, t530=[1, 1]),
    "tiff, YCbCr with a plane per sample": plain(SIZE, YCBCR, t262=6, t530=[1, 1], planar=True),
    "tiff, YCbCr with alpha": plain(SIZE, [*YCBCR, OPAQUE], t262=6, t530=[1, 1], t338=2),
    "tiff, YCbCr with a mask": plain(SIZE, [*YCBCR, quarters([0] * 4)], t262=6, t530=[1, 1], t338=0),
}
NOT_SUPPORTED = {
    **{f"tiff, RGB of {bits} bits": (plain(SIZE, rgb(bits), bits), "layout", f"{bits} bits") for bits in (1, 2, 4, 12)},
    **{f"tiff, grey of {bits} bits": (plain(SIZE, grey(bits), bits), "layout", f"{bits} bits") for bits in (3, 6, 12)},
    "tiff, palette of 6 bits": (plain(SIZE, grey(6), 6, t262=3, t320=[0] * 192), "layout", "6 bits"),
    "tiff, RGB of 32 bits": (plain(SIZE, rgb(32), 32), "layout", "uint"),
    "tiff, floating point": (plain(SIZE, [lambda x, y: HALF] * 3, 32, t339=[3] * 3), "layout", "float"),
    "tiff, signed": (plain(SIZE, rgb(7), 8, t339=[2] * 3), "layout", "char"),
    "tiff, tiles with a plane per colour": (plain(SIZE, rgb(), tile=16, planar=True), "layout", "plane of tiles"),
    "tiff, ITULAB": (plain(SIZE, [LIGHTNESS, *AB], t262=10), "layout", "3 samples"),
    "tiff, lightness alone": (plain(SIZE, [LIGHTNESS], t262=8), "layout", "L*a*b*"),
    "tiff, a mask": (plain(SIZE, grey(1), 1, t262=4), "layout", "mask"),
    "tiff, Zstandard": (plain(SIZE, rgb(), t259=50000), "codec", "Zstandard"),
    "tiff, LZMA": (plain(SIZE, rgb(), t259=34925), "codec", "LZMA"),
    "tiff, JPEG XL": (plain(SIZE, rgb(), t259=50002), "codec", "JPEG XL"),
    "tiff, old-style JPEG": (plain(SIZE, rgb(), t262=6, t259=6), "codec", "old-style JPEG"),
    "tiff, YCbCr with subsampled colours": (plain(SIZE, rgb(), t262=6, t530=[2, 2]), "layout", "subsampled"),
    "tiff, YCbCr that says nothing of its chroma": (plain(SIZE, rgb(), t262=6), "layout", "subsampled"),
    "tiff, an unknown colour model": (plain(SIZE, rgb(), t262=99), "layout", "neither grey nor colours"),
    "tiff, LogLuv": (plain(SIZE, rgb(16), 16, t262=32845, t259=34676), "layout", "float"),
    "tiff, five inks": (plain(SIZE, [OPAQUE] * 5, t262=5, t332=2), "layout", "5 samples"),
    "tiff, an unknown compression": (plain(SIZE, rgb(), t259=12345), "codec", "12345"),
}  # fmt: skip


class TestTiff:
    @pytest.mark.parametrize("name", READ)
    def test_is_read_with_the_right_colours(self, name):
        result = rendered(tiff(READ[name]))
        assert (result.kind, result.width, result.height) == ("tiff", *SIZE)
        image = opened(result.renditions[1])
        assert_corners(image)
        assert image.convert("RGBA").getchannel("A").getextrema() == (255, 255)

    @pytest.mark.parametrize("order", ["<", ">"])
    def test_lab_is_read_in_either_byte_order(self, order):
        samples = [scaled(LIGHTNESS, 257), *(signed(sample, 256) for sample in AB)]
        assert_corners(opened(rendered(tiff(plain(SIZE, samples, 16, order=order, t262=8), order=order)).renditions[1]))

    @pytest.mark.parametrize("order", ["<", ">"])
    def test_lab_is_read_if_its_tag_has_32_bits(self, order):
        page = plain(SIZE, [LIGHTNESS, *map(signed, AB)], order=order)
        page.tags[262] = LONG, [8]
        assert_corners(opened(rendered(tiff(page, order=order)).renditions[1]))

    @pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
    @pytest.mark.parametrize("zero", ["white", "black"])
    def test_grey_is_read_in_every_common_depth(self, bits, zero):
        values = [0, 85, 170, 255] if bits > 1 else [0, 0, 255, 255]
        stored = [255 - value for value in values] if zero == "white" else values
        page = plain(SIZE, [quarters(stored, bits)], bits, t262=int(zero == "black"))
        image = opened(rendered(tiff(page)).renditions[1])
        assert image.mode == "L"
        assert [red for red, _, _ in corner_colours(image)] == pytest.approx(values, abs=1)

    @pytest.mark.parametrize("meaning", [1, 2])
    def test_alpha_is_kept_whether_premultiplied_or_not(self, meaning):
        red = lambda x, y: 128 if meaning == 1 else 255  # noqa: E731 - a sample
        page = plain(SIZE, [red, lambda x, y: 0, lambda x, y: 0, lambda x, y: 128], t338=meaning)
        assert opened(rendered(tiff(page)).renditions[1]).getpixel((5, 5)) == pytest.approx((255, 0, 0, 128), abs=2)

    @pytest.mark.parametrize("name", NOT_SUPPORTED)
    def test_an_unsupported_file_is_not_called_damaged(self, name):
        page, code, words = NOT_SUPPORTED[name]
        found, reason = rejected(tiff(page))
        assert found == f"unsupported-{code}"
        assert words in reason

    @pytest.mark.parametrize("compression", ["lzma", "zstd"])
    @pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "CMYK"])
    def test_whole_files_of_an_unsupported_compression_are_not_called_damaged(self, compression, mode):
        assert rejected(encoded(corners(mode=mode), "TIFF", compression=compression))[0] == "unsupported-codec"

    def test_a_preview_and_a_mask_before_the_picture_are_skipped(self):
        behind = tiff(PREVIEW, plain(SIZE, grey(1), 1, t254=4, t262=4), plain(SIZE, rgb()))
        below = Directory(PREVIEW.tags, PREVIEW.blocks, children=[PREVIEW, plain(SIZE, rgb())])
        for data in (behind, tiff(below)):
            result = rendered(data)
            assert (result.width, result.height) == SIZE
            assert_corners(opened(result.renditions[1]))

    def test_circular_directories_end(self):
        data = bytearray(tiff(plain(SIZE, rgb())))
        at = struct.unpack_from("<I", data, 4)[0]
        count = struct.unpack_from("<H", data, at)[0]
        struct.pack_into("<I", data, at + 2 + 12 * count, at)
        assert_corners(opened(rendered(bytes(data)).renditions[1]))


def raw_below_preview(**tags):
    sensor = plain(SIZE, grey(16), 16, **tags)
    return Directory(PREVIEW.tags, PREVIEW.blocks, children=[sensor])


def with_make(page, make):
    return Directory({**page.tags, 271: (2, make)}, page.blocks, page.tiled, page.children)


CAMERA_RAWS = {
    "NEF": (tiff(with_make(raw_below_preview(t262=32803, t259=34713), b"NIKON CORPORATION\0")), "NIKON CORPORATION"),
    "NEF, big endian": (
        tiff(with_make(raw_below_preview(t262=32803, order=">"), b"NIKON CORPORATION\0"), order=">"),
        "NIKON CORPORATION",
    ),
    "DNG": (tiff(Directory({**PREVIEW.tags, 50706: (1, b"\1\4\0\0")}, PREVIEW.blocks)), "DNG"),
    "3FR, two levels down": (
        tiff(Directory(PREVIEW.tags, PREVIEW.blocks, children=[raw_below_preview(t262=32803)])),
        "TIFF",
    ),
    "behind many previews": (tiff(*[PREVIEW] * 20, plain(SIZE, grey(16), 16, t262=32803)), "TIFF"),
    "DNG, linear": (tiff(raw_below_preview(t262=34892)), "TIFF"),
    "ARW": (tiff(with_make(raw_below_preview(t259=32767), b"SONY\0")), "SONY"),
    "PEF": (tiff(with_make(plain(SIZE, grey(16), 16, t262=32803, t259=65535), b"PENTAX\0")), "PENTAX"),
    "SRW, on the second page": (tiff(PREVIEW, plain(SIZE, grey(16), 16, t262=32803, t259=32770)), "TIFF"),
    "CR2": (b"II*\0\x10\0\0\0CR\2\0" + bytes(60), "CR2"),
    "CR3": (b"\0\0\0\x18ftypcrx \0\0\0\1crx isom" + bytes(40), "CR3"),
    "IIQ": (b"II*\0\x10\0\0\0IIIITwaR" + bytes(60), "IIQ"),
    "RAF": (b"FUJIFILMCCD-RAW 0201" + bytes(60), "RAF"),
    "ORF": (b"IIRO\x08\0\0\0" + bytes(60), "ORF"),
    "RW2": (b"IIU\0\x18\0\0\0" + bytes(60), "RW2"),
    "X3F": (b"FOVb\0\0\2\0" + bytes(60), "X3F"),
    "IIQ, Leaf": (b"IIIITwaR" + bytes(60), "IIQ"),
    "MRW": (b"\0MRM" + bytes(60), "MRW"),
    "CRW": (b"II\x1a\0\0\0HEAPCCDR" + bytes(60), "CRW"),
}


class TestCameraRaw:
    @pytest.mark.parametrize("name", CAMERA_RAWS)
    def test_is_rejected_by_name_instead_of_reading_its_preview(self, name):
        data, words = CAMERA_RAWS[name]
        code, reason = rejected(data)
        assert code == "camera-raw"
        assert words in reason

    @pytest.mark.parametrize("pixel", [(73, 73, 73), (77, 77, 77), (67, 82, 9)])
    def test_pixels_that_begin_like_the_mark_of_a_raw_file_are_read(self, pixel):
        image = (pyvips.Image.black(*SIZE, bands=3) + pixel).cast("uchar").copy(interpretation="srgb")
        data = image.tiffsave_buffer()
        assert data[8:11] == bytes(pixel)
        assert opened(rendered(data).renditions[1]).getpixel((9, 9)) == pixel


GAIN_MAPS = {
    "XMP": with_gain_map_xmp,
    "ISO 21496-1": with_gain_map_iso,
    "several pictures": lambda primary: with_pictures(primary, encoded(Image.new("L", (75, 50)), "JPEG")),
}


class TestGainMaps:
    """Ultra HDR JPEGs: libvips has a loader of its own for them."""

    @pytest.mark.parametrize("form", GAIN_MAPS)
    @pytest.mark.parametrize("orientation", [1, 6])
    def test_are_read_as_their_primary_picture(self, form, orientation):
        exif = Image.Exif()
        exif[0x0112] = orientation
        stored = corners((600, 400)) if orientation == 1 else corners((600, 400)).rotate(90, expand=True)
        data = GAIN_MAPS[form](encoded(stored, "JPEG", quality=95, exif=exif))
        guessed = pyvips.Image.new_from_buffer(data, "").get("vips-loader")
        assert guessed.startswith("jpeg" if form == "several pictures" else "uhdr")
        result = rendered(data)
        assert (result.kind, result.width, result.height) == ("jpeg", 600, 400)
        alone = data[: data.index(b"\xff\xd8\xff", 2)]
        assert result.renditions == rendered(alone).renditions
        assert_corners(opened(result.renditions[1]))

    @pytest.mark.parametrize("form", GAIN_MAPS)
    def test_are_shrunk_while_they_are_decoded(self, form):
        data = GAIN_MAPS[form](encoded(corners((600, 400)), "JPEG"))
        shrunk = load_shrunk(data, "jpeg", read_header(data, "jpeg"), (120, 80))
        assert (shrunk.width, shrunk.height) == (150, 100)

    @pytest.mark.parametrize("form", GAIN_MAPS)
    @pytest.mark.parametrize("output", ["jpeg", "png", "webp", "avif"])
    @pytest.mark.parametrize("keep", [False, True])
    def test_leave_no_gain_map_in_the_output(self, form, output, keep):
        noise = encoded(Image.effect_noise((600, 400), 90).convert("RGB"), "JPEG")
        for item in rendered(GAIN_MAPS[form](noise), output=output, keep_metadata=keep).renditions:
            image = pyvips.Image.new_from_buffer(item.data, "")
            assert not [name for name in image.get_fields() if name.startswith("gainmap")]
            assert b"MPF\0" not in item.data
            assert item.data.count(b"\xff\xd8\xff") == (output == "jpeg")

    def test_are_damaged_if_their_picture_is_truncated(self):
        data = with_gain_map_xmp(encoded(Image.effect_noise((300, 200), 90).convert("RGB"), "JPEG"))
        assert rejected(data[: len(data) // 2])[0] == "damaged"


JPEG_PROCESSES = {
    "12 bits": (flat(frame=0xC1, bits=12), "layout", "12 bits"),
    "12 bits in colours": (flat(frame=0xC1, bits=12, components=3), "layout", "12 bits"),
    "lossless, 16 bits": (flat(frame=0xC3, bits=16), "layout", "16 bits"),
    "hierarchical": (flat(frame=0xC5), "codec", "hierarchical"),
    "arithmetic-coded, lossless": (flat(frame=0xCB), "codec", "lossless"),
    "JPEG-LS": (flat(frame=0xF7), "codec", "JPEG-LS"),
    "two components": (flat(components=2), "layout", "2 samples"),
    "a height that follows the pixels": (flat().replace(b"\x08\0\x18\0\x28", b"\x08\0\0\0\x28"), "codec", "DNL"),
    "odd sampling": (
        flat(components=3).replace(b"\2\x11\0", b"\2\x21\0").replace(b"\1\x11\0", b"\1\x31\0"),
        "codec",
        "sampling",
    ),
}


class TestJpeg:
    @pytest.mark.parametrize("frame", [0xC0, 0xC1, 0xC3])
    @pytest.mark.parametrize("components", [1, 3])
    def test_baseline_extended_and_lossless_are_read(self, frame, components):
        image = opened(rendered(flat(frame=frame, components=components)).renditions[1])
        assert corner_colours(image) == [(128, 128, 128)] * 4

    @pytest.mark.parametrize("name", JPEG_PROCESSES)
    def test_an_unsupported_file_is_not_called_damaged(self, name):
        data, code, words = JPEG_PROCESSES[name]
        found, reason = rejected(data)
        assert found == f"unsupported-{code}"
        assert words in reason

    @pytest.mark.parametrize("progressive", [False, True])
    @pytest.mark.parametrize("subsampling", [0, 2])
    @pytest.mark.parametrize("size", [(300, 200), (301, 203), (96, 24)])
    def test_a_missing_end_marker_changes_nothing(self, progressive, subsampling, size):
        noise = Image.effect_noise(size, 60).convert("RGB")
        data = encoded(noise, "JPEG", progressive=progressive, subsampling=subsampling)
        assert rendered(data[:-2]).renditions == rendered(data).renditions
        assert rendered(data[:-1]).renditions == rendered(data).renditions

    @pytest.mark.parametrize("subsampling", [0, 2])
    def test_missing_pixels_are_damage(self, subsampling):
        data = encoded(Image.effect_noise((96, 24), 60).convert("RGB"), "JPEG", subsampling=subsampling)
        for missing in range(5, 40):
            assert rejected(data[:-missing])[0] == "damaged"

    def test_a_missing_scan_is_damage(self):
        data = encoded(Image.effect_noise((96, 24), 60).convert("RGB"), "JPEG", progressive=True)
        last = data.rindex(b"\xff\xda")
        table = data.rfind(b"\xff\xc4", 0, last)
        for cut in (last, table):
            assert rejected(data[:cut])[0] == "damaged"

    def test_an_end_marker_inside_a_comment_is_ignored(self):
        data = encoded(corners(), "JPEG", quality=95)
        data = data[:2] + segment(0xFE, b"\xff\xd9 \xff\xda") + data[2:]
        assert_corners(opened(rendered(data[:-2]).renditions[1]))


class TestStrips:
    """Shrinking while decoding stops at one pixel."""

    @pytest.mark.parametrize("kind", ["JPEG", "WEBP", "PNG", "GIF", "TIFF", "AVIF"])
    @pytest.mark.parametrize("size", [(1, 4000), (3, 8000), (4000, 1), (7, 4000), (8, 9000), (16000, 2), (1, 1)])
    def test_are_rendered(self, kind, size):
        result = rendered(encoded(Image.new("RGB", size, RED), kind))
        assert (result.width, result.height) == size
        for item in result.renditions:
            assert max(item.width, item.height) <= min(max(size), {"small": 40, "large": 120}[item.name])
            assert opened(item).convert("RGB").getpixel((0, 0)) == pytest.approx(RED, abs=3)

    def test_on_their_side_become_upright(self):
        exif = Image.Exif()
        exif[0x0112] = 6
        result = rendered(encoded(Image.new("RGB", (4000, 3), RED), "JPEG", exif=exif))
        assert (result.width, result.height) == (3, 4000)
        assert all(1 <= item.width <= item.height for item in result.renditions)


PNG_FAULTS = {
    "a bit depth that PNG lacks": (png(depth=3), "damaged", "bit depth 3"),
    "a colour type that PNG lacks": (png(colour=5), "damaged", "colour type 5"),
    "a compression method that PNG lacks": (png(methods=(1, 0, 0)), "damaged", "compression 1"),
    "a filter method that PNG lacks": (png(methods=(0, 1, 0)), "damaged", "filter 1"),
    "an interlacing method that PNG lacks": (png(methods=(0, 0, 2)), "damaged", "interlacing 2"),
    "no width": (png(size=(0, 10)), "damaged", "0 x 10"),
    "more width than PNG allows": (png(size=(3_000_000_000, 1), data=b""), "damaged", "3000000000 x 1"),
    "no palette": (png(colour=3), "damaged", "palette"),
    "no pixels": (png(data=b""), "damaged", "before its pixels"),
    "no header": (png()[:8] + png()[33:], "damaged", "IHDR"),
    "a short header": (png()[:8] + chunk(b"IHDR", bytes(4)) + png()[33:], "damaged", "4 bytes"),
    "pixels with a wrong checksum": (png(data=chunk(b"IDAT", zlib.compress(bytes(610)), 1)), "damaged", "IDAT"),
    "too few pixels": (png(data=chunk(b"IDAT", zlib.compress(bytes(200)))), "damaged", "pixels"),
    "pixels that are not compressed": (png(data=chunk(b"IDAT", bytes(610))), "damaged", "pixels"),
    "a length beyond the file": (png(before=b"\xff\xff\xff\xfftEXt"), "damaged", "tEXt"),
    "a necessary chunk that is unknown and damaged": (png(before=chunk(b"IDaT", b"", 5)), "damaged", "IDaT"),
    "half a chunk's header": (png()[:36], "damaged", "before its pixels"),
    "a necessary chunk that is unknown": (png(before=chunk(b"ABCD", b"")), "unsupported-codec", "ABCD"),
    "Apple's variant": (png()[:8] + chunk(b"CgBI", b"P\0 \2") + png()[8:], "unsupported-codec", "CgBI"),
}
PNG_BLEMISHES = {
    "no end": png(end=b""),
    "half an end": png(end=b"\0\0\0\0IE"),
    "an end with a wrong checksum": png(end=chunk(b"IEND", b"", 5)),
    "bytes behind the end": png() + b"more",
    "a comment with a wrong checksum": png(before=chunk(b"tEXt", b"a\0b", 5)),
    "a comment without a key": png(before=chunk(b"tEXt", b"\0\0")),
    "EXIF that is none": png(before=chunk(b"eXIf", b"nothing")),
    "an odd resolution": png(before=chunk(b"pHYs", b"\0")),
}


class TestPng:
    @pytest.mark.parametrize("name", PNG_FAULTS)
    def test_a_fault_is_named(self, name):
        data, code, words = PNG_FAULTS[name]
        found, reason = rejected(data)
        assert found == code
        assert words in reason

    @pytest.mark.parametrize("name", PNG_BLEMISHES)
    def test_a_blemish_that_browsers_ignore_is_ignored(self, name):
        assert corner_colours(opened(rendered(PNG_BLEMISHES[name]).renditions[0])) == [(0, 0, 0)] * 4


class TestGif:
    @pytest.mark.parametrize("clear", [False, True])
    @pytest.mark.parametrize("frame", [(10, 10, 20, 20), (0, 0, 40, 20), (20, 0, 20, 40), (39, 39, 1, 1)])
    @pytest.mark.parametrize("frames", [1, 2])
    def test_the_canvas_around_the_first_frame_is_transparent(self, frame, clear, frames):
        left, top, width, height = frame
        image = opened(rendered(gif(frame, clear=clear, frames=frames)).renditions[1]).convert("RGBA")
        assert image.size == (40, 40)
        for x, y in ((x, y) for x in range(40) for y in range(40)):
            inside = left <= x < left + width and top <= y < top + height
            assert image.getpixel((x, y)) == ((0, 255, 0, 255) if inside else (0, 0, 0, 0))

    def test_the_canvas_around_the_first_frame_is_white_in_jpeg(self):
        image = opened(rendered(gif((0, 0, 40, 20)), output="jpeg", quality=95).renditions[1])
        assert image.getpixel((20, 35)) == pytest.approx(WHITE, abs=3)
        assert image.getpixel((20, 5)) == pytest.approx((0, 255, 0), abs=6)

    def test_a_first_frame_without_pixels_leaves_the_canvas_transparent(self):
        image = opened(rendered(gif((5, 5, 0, 0))).renditions[1])
        assert image.size == (40, 40)
        assert image.getchannel("A").getextrema() == (0, 0)

    def test_a_frame_that_fills_the_canvas_needs_no_alpha(self):
        assert opened(rendered(gif((0, 0, 40, 40))).renditions[1]).mode == "RGB"

    def test_a_missing_end_marker_changes_nothing(self):
        frame = (10, 10, 20, 20)
        assert rendered(gif(frame, trailer=b"")).renditions == rendered(gif(frame)).renditions


def webp_of_odd_length():
    """A WebP whose chunk of pixels has an odd length, so that a byte pads it."""
    files = (encoded(corners((60, 40 + more)), "WEBP", lossless=True) for more in range(100))
    return next(data for data in files if data[16] % 2)


class TestWebp:
    @pytest.mark.parametrize("more", [-1, 0, 1, 2, 10**6])
    @pytest.mark.parametrize("padded", [False, True])
    def test_a_wrong_length_or_a_missing_pad_byte_changes_nothing(self, more, padded):
        whole = webp_of_odd_length()
        data = whole[:4] + struct.pack("<I", len(whole) - 8 + more) + whole[8 : None if padded else -1]
        assert rendered(data).renditions == rendered(whole).renditions

    @pytest.mark.parametrize("missing", [1, 2, 3, 20])
    def test_missing_pixels_are_damage(self, missing):
        for whole in (webp_of_odd_length()[:-1], encoded(NOISE, "WEBP")):
            for length in (len(whole) - 8, len(whole) - 8 - missing):
                data = whole[:4] + struct.pack("<I", length) + whole[8:-missing]
                assert rejected(data)[0] == "damaged"


class TestAvif:
    @pytest.mark.parametrize("mode", ["RGB", "RGBA"])
    def test_of_an_animation_the_first_frame_is_taken(self, mode):
        second = Image.new(mode, (300, 200), BLUE)
        data = encoded(corners(mode=mode), "AVIF", save_all=True, append_images=[second, second], quality=90)
        assert data[8:12] == b"avis"
        result = rendered(data)
        assert (result.kind, result.width, result.height) == ("avif", 300, 200)
        assert_corners(opened(result.renditions[1]))

    @pytest.mark.parametrize("bits", [8, 10, 12])
    def test_is_read_in_every_depth(self, bits):
        image = pyvips.Image.new_from_buffer(encoded(corners(), "PNG"), "")
        data = image.heifsave_buffer(compression="av1", bitdepth=bits, Q=90)
        assert_corners(opened(rendered(data).renditions[1]))

    @pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:0", "4:0:0"])
    @pytest.mark.parametrize("range_", ["full", "limited"])
    def test_limited_range_becomes_full_range(self, subsampling, range_):
        image = corners(SIZE, "L").convert("RGB")
        data = encoded(image, "AVIF", quality=100, subsampling=subsampling, range=range_)
        assert_corners(opened(rendered(data).renditions[1]), corner_colours(image), abs_=3)

    @pytest.mark.parametrize("pixel", [(200, 100, 50, 128), (255, 255, 255, 64), (20, 200, 40, 200)])
    @pytest.mark.parametrize("premultiplied", [False, True])
    def test_premultiplied_colours_are_divided_by_alpha(self, pixel, premultiplied):
        data = encoded(Image.new("RGBA", SIZE, pixel), "AVIF", quality=100, alpha_premultiplied=premultiplied)
        assert opened(rendered(data).renditions[1]).getpixel((9, 9)) == pytest.approx(pixel, abs=4)

    @pytest.mark.parametrize("orientation", [1, 6])
    def test_grey_stays_grey(self, orientation):
        exif = Image.Exif()
        exif[0x0112] = orientation
        image = opened(rendered(encoded(corners(SIZE, "L"), "AVIF", quality=95, exif=exif)).renditions[1])
        assert image.mode == "L"
        assert image.size == (SIZE if orientation == 1 else SIZE[::-1])


def heif_of(codec):
    """A file whose item names another codec; its pixels are still AV1."""
    return heif_of_av1(pyvips.Image.black(16, 16, bands=3).copy(interpretation="srgb")).replace(b"av01", codec)


HEIF_CODECS = {b"avc1": "H.264", b"j2k1": "JPEG 2000", b"jpeg": "JPEG", b"unci": "uncompressed", b"vvc1": "VVC"}


class TestHeif:
    @pytest.mark.parametrize("codec", HEIF_CODECS)
    def test_an_unsupported_codec_is_named(self, codec):
        code, reason = rejected(heif_of(codec))
        assert code == "unsupported-codec"
        assert HEIF_CODECS[codec] in reason

    @pytest.mark.parametrize("brand", [b"avci", b"j2ki", b"vvic", b"mif2"])
    def test_another_brand_of_pictures_is_not_called_a_video(self, brand):
        data = heif_of_av1(pyvips.Image.black(16, 16, bands=3).copy(interpretation="srgb"))
        assert rejected(data.replace(b"mif1", brand).replace(b"miaf", brand))[0] == "unsupported-codec"

    @pytest.mark.skipif(not decodes_hevc(), reason="this libvips has no HEVC decoder: see HEIC in docs/images.md")
    def test_heic_is_read_by_a_libvips_with_a_decoder(self):
        result = rendered(HEIC)
        assert (result.kind, result.width, result.height) == ("heif", 64, 48)
        assert opened(result.renditions[1]).getpixel((5, 5)) == pytest.approx(RED, abs=4)
        assert {rejected(HEIC[:length])[0] for length in (len(HEIC) - 30, 200, 40)} == {"damaged"}

    @pytest.mark.skipif(decodes_hevc(), reason="this libvips has an HEVC decoder")
    @pytest.mark.parametrize("length", [len(HEIC), len(HEIC) - 30, 200, 40])
    def test_heic_is_rejected_with_advice_by_a_libvips_without_a_decoder(self, length):
        code, reason = rejected(HEIC[:length])
        assert code == "unsupported-codec"
        assert "HEIC" in reason
        assert "take the picture as JPEG" in reason
        assert "deploy a libvips that has one" in reason

    def test_a_picture_that_libvips_decodes_is_read_whatever_its_brand(self):
        data = heif_of_av1(pyvips.Image.new_from_buffer(encoded(corners(), "PNG"), ""))
        result = rendered(data)
        assert (result.kind, result.width, result.height) == ("heif", 300, 200)
        assert_corners(opened(result.renditions[1]))
        assert rejected(data[:-200])[0] == "damaged"


def with_ispe(width, height):
    data = bytearray(pyvips.Image.black(16, 16, bands=3).copy(interpretation="srgb").heifsave_buffer(compression="av1"))
    struct.pack_into(">II", data, data.index(b"ispe") + 8, width, height)
    return bytes(data)


TOO_LARGE = {
    "jpeg": flat().replace(b"\x08\0\x18\0\x28", b"\x08\xff\xff\xff\xff"),
    "png": png(size=(2**31 - 1, 2**31 - 1), data=chunk(b"IDAT", zlib.compress(bytes(100)))),
    "tiff": tiff(plain(SIZE, rgb(), t256=65_535, t257=65_535)),
    "tiff, 32 bits": tiff(Directory({**plain(SIZE, rgb()).tags, 256: (LONG, [2**31]), 257: (LONG, [2**31])}, [b"-"])),
    "avif": with_ispe(100_000, 100_000),
    "avif, 32 bits": with_ispe(2**31, 2**31),
}


class TestSizes:
    @pytest.mark.parametrize("name", TOO_LARGE)
    def test_an_image_too_large_for_libvips_is_not_called_damaged(self, name):
        code, reason = rejected(TOO_LARGE[name])
        assert code == "too-many-pixels"
        assert " x " in reason


NAMED = {
    b"\xff\x0a" + bytes(60): "JPEG XL",
    b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(60): "JPEG XL",
    b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(60): "JPEG 2000",
    b"BM" + bytes(60): "BMP",
    b"\0\0\1\0\1\0" + bytes(60): "ICO",
    b"8BPS\0\1" + bytes(60): "Photoshop",
    b"%PDF-1.7\n": "PDF",
    b"\n  <svg/>": "SVG",
    b"\0\0\0\x18ftypisom\0\0\2\0isomiso2": "video",
    b"these are words\r\n": "are text, not jpeg, png, webp, gif, tiff, avif or heif",
    bytes(300): "all zero",
    b"\0\0\1\0moov" + bytes(60): "video",
    b"RIFF\0\0\1\0AVI " + bytes(60): "video",
    b"<!DOCTYPE html><html>": "HTML",
    b"/9j/4AAQSkZJRgABAQ": "Base64",
    b"data:image/png;base64,iVBORw0KGgo": "Base64",
    b"------WebKitFormBoundary\r\n": "form",
    "\xff\xd8\xff\xe0\0\x10JFIF".encode(): "sent as text",
    b"\xff\xd8\xff\xe0\0\x10JFIF".decode(errors="replace").encode(): "sent as text",
    b"\x89PNG\r\n\x1a\n".decode(errors="replace").encode(): "sent as text",
}


class TestOthers:
    @pytest.mark.parametrize("data", NAMED)
    def test_an_unsupported_kind_is_named(self, data):
        code, reason = rejected(data)
        assert code == "not-an-image"
        assert NAMED[data] in reason


NOISE = Image.effect_noise((72, 40), 60).convert("RGB")
WHOLE = {
    "jpeg": encoded(NOISE, "JPEG"),
    "jpeg, colours in full": encoded(NOISE, "JPEG", subsampling=0),
    "jpeg, progressive": encoded(NOISE, "JPEG", progressive=True),
    "jpeg, restarts": encoded(NOISE, "JPEG", restart_marker_rows=1),
    "jpeg, a gain map": with_gain_map_xmp(encoded(NOISE, "JPEG")),
    "webp, lossless": encoded(NOISE, "WEBP", lossless=True),
    "webp, two frames": encoded(NOISE, "WEBP", save_all=True, append_images=[Image.new("RGB", NOISE.size)]),
    "png": encoded(NOISE, "PNG"),
    "webp": encoded(NOISE, "WEBP"),
    "gif": encoded(NOISE, "GIF"),
    "gif, two frames": gif((0, 0, 20, 20), frames=2),
    "tiff": encoded(NOISE, "TIFF", compression="tiff_lzw"),
    "avif": encoded(NOISE, "AVIF"),
    "avif, two frames": encoded(NOISE, "AVIF", save_all=True, append_images=[NOISE]),
}
RENDERED = {name: rendered(data).renditions for name, data in WHOLE.items()}


class TestTruncation:
    @pytest.mark.parametrize("name", WHOLE)
    @given(st.data())
    @settings(max_examples=25, deadline=None)
    def test_every_prefix_is_read_like_the_whole_file_or_rejected_with_a_reason(self, name, data):
        whole = WHOLE[name]
        near_the_end = st.integers(max(0, len(whole) - 12), len(whole) - 1)
        length = data.draw(st.integers(0, len(whole) - 1) | near_the_end)
        found = outcome(whole[:length])
        if isinstance(found, InvalidImage):
            codes = {"empty"} if not length else {"damaged", "not-an-image"} if length < 32 else {"damaged"}
            assert found.code in codes
            assert len(str(found).split()) > 3
        else:
            assert found.renditions == RENDERED[name]


def changed(draw, whole):
    """The file with a few bytes replaced and its end cut off."""
    data = bytearray(whole)
    for at, value in draw(st.lists(st.tuples(st.integers(0, len(whole) - 1), st.integers(0, 255)), max_size=6)):
        data[at] = value
    return bytes(data[: draw(st.integers(14, len(whole)))])


FORMAT_READERS = {
    "jpeg": (WHOLE["jpeg, progressive"], lambda data: (jpeg.find_unsupported(data), jpeg.has_every_scan(data))),
    "png": (png(colour=3, before=chunk(b"PLTE", bytes(3))), png_format.find_fault),
    "gif": (gif((1, 2, 3, 4)), gif_format.first_frame),
    "heif": (HEIC, lambda data: (heif.holds_hevc(data), heif.read_samples(data), heif.find_unsupported(data))),
    "webp": (webp_of_odd_length(), webp.with_true_length),
    "tiff": (tiff(PREVIEW, raw_below_preview(t262=32803)), tiff_format.read_directories),
    "big tiff": (pyvips.Image.black(8, 8).tiffsave_buffer(bigtiff=True), tiff_format.read_directories),
}


class TestFormatReaders:
    """They get files that decoders have rejected, and must not fail on them."""

    @pytest.mark.parametrize("name", FORMAT_READERS)
    @given(st.data())
    @settings(max_examples=200, deadline=None)
    def test_any_bytes_can_be_parsed(self, name, data):
        whole, read = FORMAT_READERS[name]
        read(changed(data.draw, whole))

    @given(st.data())
    @settings(max_examples=200, deadline=None)
    def test_any_bytes_are_recognised_or_rejected(self, data):
        whole, _ = FORMAT_READERS[data.draw(st.sampled_from(sorted(FORMAT_READERS)))]
        try:
            kind = recognise(changed(data.draw, whole))
        except InvalidImage as rejection:
            kind = rejection.code
        assert kind in (*READABLE, "not-an-image", "camera-raw")

    @given(st.data())
    @settings(max_examples=100, deadline=None)
    def test_any_tiff_has_a_picture_or_no_pages(self, data):
        pages = tiff_format.read_directories(changed(data.draw, FORMAT_READERS["tiff"][0]))
        picture = tiff_format.find_picture(pages)
        tiff_format.find_camera_raw(pages)
        assert (picture is None) == (not pages)
        if picture:
            tiff_format.find_unsupported(picture.directory)
            tiff_format.visible_samples(picture.directory)
