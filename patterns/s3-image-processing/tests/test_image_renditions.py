"""The image work on its own: bytes in, renditions out; every result is decoded again and looked at."""

import io
import struct
import zlib

import pytest
import pyvips
from image_renditions import LONGEST_SIDE_LIMIT, Encoding, Rejected, RenditionSpec, parse_specs, render, sniff
from PIL import Image, ImageCms, ImageDraw

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


class TestKinds:
    @pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "AVIF"])
    @pytest.mark.parametrize("output", ["jpeg", "png", "webp", "avif"])
    def test_every_readable_kind_becomes_every_format(self, kind, output):
        result = rendered(encoded(corners(), kind), output=output, quality=90)
        assert (result.kind, result.width, result.height) == (kind.lower(), 300, 200)
        assert [(item.name, item.width, item.height) for item in result.renditions] == [
            ("small", 40, 27),
            ("large", 120, 80),
        ]
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
    def test_what_is_no_image_is_refused_by_its_bytes(self, data, code):
        assert rejection(data) == code

    def test_untrusted_loaders_are_off(self):
        svg = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"></svg>'
        with pytest.raises(pyvips.Error):
            pyvips.Image.svgload_buffer(svg)

    def test_avif_and_heif_are_told_apart_by_their_brands(self):
        assert sniff(b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf") == "avif"
        assert sniff(b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic") == "heif"


class TestDamage:
    @pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "AVIF"])
    @pytest.mark.parametrize("share", [0.05, 0.3, 0.6, 0.95])
    def test_a_truncated_image_is_rejected(self, kind, share):
        noise = Image.effect_noise((300, 200), 60).convert("RGB")
        data = encoded(noise, kind)
        assert rejection(data[: int(len(data) * share)]) == "damaged"

    def test_a_file_that_goes_on_as_another_kind_is_rejected(self):
        assert rejection(b"\x89PNG\r\n\x1a\n" + encoded(corners(), "JPEG")) == "damaged"

    def test_a_machine_out_of_memory_is_no_fault_of_the_image(self, monkeypatch):
        def out_of_memory(*args, **kwargs):
            raise pyvips.Error("unable to call", "out of memory --- size == 12MB")

        monkeypatch.setattr(pyvips.Image, "thumbnail_image", out_of_memory)
        with pytest.raises(pyvips.Error):
            rendered(encoded(corners(), "PNG"))


class TestLimits:
    def test_a_decompression_bomb_is_refused_before_it_is_decoded(self):
        def chunk(kind, data):
            return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

        header = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
        rows = zlib.compress(bytes(10**6))
        bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
        assert rejection(bomb, max_pixels=64_000_000) == "too-many-pixels"

    def test_the_limit_itself_is_allowed(self):
        data = encoded(corners((300, 200)), "PNG")
        assert rendered(data, max_pixels=60_000).width == 300
        assert rejection(data, max_pixels=59_999) == "too-many-pixels"

    @pytest.mark.parametrize("bands", [3, 7])
    def test_samples_that_are_no_colours_are_rejected(self, bands):
        image = pyvips.Image.black(20, 20, bands=bands)
        data = (image.cast("float") if bands == 3 else image).tiffsave_buffer()
        assert rejection(data) == "unsupported-layout"


class TestSizes:
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
        assert [item.width for item in rendered(encoded(corners(), "PNG"), specs).renditions] == [30, 30]


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
        assert image.size == (120, 80)
        assert image.getexif().get(0x0112, 1) == 1
        assert_corners(image)


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

    def test_a_profile_that_does_not_fit_does_not_cost_the_image(self):
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
    def test_a_palette_becomes_colours(self, kind):
        assert_corners(opened(rendered(encoded(corners().quantize(8), kind)).renditions[1]))

    @pytest.mark.parametrize("kind", ["PNG", "TIFF"])
    def test_black_and_white_is_read(self, kind):
        image = Image.new("1", (300, 200))
        image.paste(1, (150, 0, 300, 200))
        assert_corners(opened(rendered(encoded(image, kind)).renditions[1]), [(0, 0, 0), WHITE] * 2)

    def test_transparency_is_kept_where_the_format_has_it_and_white_where_not(self):
        image = corners(mode="RGBA")
        image.paste((0, 0, 0, 0), (0, 0, 150, 200))
        data = encoded(image, "PNG")
        for output in ("png", "webp", "avif"):
            kept = opened(rendered(data, output=output, quality=90).renditions[1]).convert("RGBA")
            assert kept.getpixel((20, 40))[3] < 8
            assert kept.getpixel((100, 20)) == pytest.approx((*GREEN, 255), abs=14)
        flat = opened(rendered(data, output="jpeg", quality=95).renditions[1])
        assert_corners(flat, (WHITE, GREEN, WHITE, WHITE), abs_=10)

    def test_clear_edges_leave_no_dark_rim(self):
        image = Image.new("RGBA", (300, 200), (0, 0, 0, 0))
        image.paste((*WHITE, 255), (150, 0, 300, 200))
        flat = opened(rendered(encoded(image, "PNG"), output="jpeg", quality=95).renditions[1])
        assert flat.convert("L").getextrema()[0] > 240


class TestPages:
    @pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
    def test_of_an_animation_the_first_frame_is_taken(self, kind):
        first, second = Image.new("RGB", (300, 200), RED), Image.new("RGB", (300, 200), BLUE)
        data = encoded(first, kind, save_all=True, append_images=[second, second], duration=100)
        result = rendered(data, output="webp", quality=90)
        assert (result.width, result.height) == (300, 200)
        image = opened(result.renditions[1])
        assert getattr(image, "n_frames", 1) == 1
        assert image.convert("RGB").getpixel((60, 40)) == pytest.approx(RED, abs=8)

    def test_of_a_document_the_first_page_is_taken(self):
        data = encoded(corners(), "TIFF", save_all=True, append_images=[Image.new("RGB", (50, 50), BLUE)])
        assert_corners(opened(rendered(data).renditions[1]))


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
