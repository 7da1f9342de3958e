"""Every way in which a file declares its colours is compared with the formula of its standard."""

import io
import struct

import pytest
import pyvips
from PIL import Image

from shared.tests.images.coded_images import (
    BT2020_TO_BT709,
    P3_TO_BT709,
    avif,
    bt709_to_light,
    chrm,
    chunk,
    cicp,
    flat,
    gama,
    grey_profile,
    hlg_to_light,
    icc_profile,
    light_to_pq,
    light_to_srgb,
    png,
    pq_to_light,
    srgb_to_light,
    times,
)
from shared.tests.images.pictures import rendered

SKIN, LEAF, SKY, DARK = (0.80, 0.55, 0.42), (0.25, 0.60, 0.20), (0.35, 0.55, 0.85), (0.10, 0.06, 0.14)
COLOURS = [SKIN, LEAF, SKY, DARK]
P3_WHITE_AND_PRIMARIES = (0.3127, 0.3290, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060)
SRGB_WHITE_AND_PRIMARIES = (0.3127, 0.3290, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)


def colour(data, at=(16, 12)):
    """A pixel of the image, decoded and encoded as PNG."""
    (made,) = rendered(data, sides={"only": 32}).renditions
    pixel = Image.open(io.BytesIO(made.data)).getpixel(at)
    return pixel if isinstance(pixel, tuple) else (pixel,)


def as_stored(pixel):
    return [255 * value for value in pixel]


def from_light(light):
    return [light_to_srgb(each) for each in light]


class TestGamma:
    @pytest.mark.parametrize("pixel", COLOURS)
    @pytest.mark.parametrize("gamma", [1.0, 1 / 1.8, 1 / 2.6, 0.3])
    @pytest.mark.parametrize("bits", [8, 16])
    def test_gama_is_applied(self, pixel, gamma, bits):
        expected = from_light([value ** (1 / gamma) for value in pixel])
        assert colour(png(flat(pixel, bits), gama(gamma))) == pytest.approx(expected, abs=3 if bits == 8 else 1)

    @pytest.mark.parametrize("value", [0.1, 0.5, 0.9])
    def test_grey_stays_grey(self, value):
        expected = [light_to_srgb(value**1.8)]
        assert colour(png(flat([value]), gama(1 / 1.8))) == pytest.approx(expected, abs=2)

    def test_transparency_is_not_converted(self):
        expected = [*from_light([value**1.8 for value in SKIN]), 128]
        for bits in (8, 16):
            assert colour(png(flat([*SKIN, 0.5], bits), gama(1 / 1.8))) == pytest.approx(expected, abs=3)
        grey = [light_to_srgb(0.5**1.8), 128]
        assert colour(png(flat([0.5, 0.5]), gama(1 / 1.8))) == pytest.approx(grey, abs=2)

    def test_gama_is_applied_to_a_palette(self):
        data = io.BytesIO()
        Image.new("RGB", (64, 48), tuple(round(each) for each in as_stored(SKIN))).quantize(4).save(data, "PNG")
        data = data.getvalue()
        data = data[:33] + chunk(*gama(1 / 1.8)) + data[33:]
        assert colour(data) == pytest.approx(from_light([value**1.8 for value in SKIN]), abs=2)

    @pytest.mark.parametrize("pixel", COLOURS)
    @pytest.mark.parametrize(
        "chunks",
        [
            [gama(0.45455)],
            [gama(0.45455), chrm(*SRGB_WHITE_AND_PRIMARIES)],
            [(b"sRGB", b"\0"), gama(1.0)],
            [gama(1.0), (b"sRGB", b"\1"), chrm(*P3_WHITE_AND_PRIMARIES)],
            [gama(0)],
            [(b"gAMA", b"\1")],
            [(b"gAMA", struct.pack(">I", 100_000), 1)],
            [chrm(0, 0, 0, 0, 0, 0, 0, 0)],
        ],
        ids=["2.2", "2.2-srgb", "srgb-first", "srgb-later", "zero", "short", "checksum", "no-primaries"],
    )
    def test_samples_do_not_change_if_they_are_srgb_or_the_chunk_is_invalid(self, pixel, chunks):
        assert colour(png(flat(pixel), *chunks)) == pytest.approx(as_stored(pixel), abs=1)

    @pytest.mark.parametrize("pixel", COLOURS)
    def test_chromaticities_are_applied(self, pixel):
        expected = from_light(times(P3_TO_BT709, [value**2.2 for value in pixel]))
        data = png(flat(pixel), gama(1 / 2.2), chrm(*P3_WHITE_AND_PRIMARIES))
        assert colour(data) == pytest.approx(expected, abs=3)
        expected = from_light(times(P3_TO_BT709, [srgb_to_light(value) for value in pixel]))
        assert colour(png(flat(pixel), chrm(*P3_WHITE_AND_PRIMARIES))) == pytest.approx(expected, abs=2)

    def test_a_different_white_point_becomes_white(self):
        d50 = (0.3457, 0.3585, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
        assert colour(png(flat([1, 1, 1]), gama(1 / 2.2), chrm(*d50))) == pytest.approx([255] * 3, abs=1)

    def test_a_profile_takes_precedence(self):
        p3 = pyvips.Image.profile_load("p3")
        expected = from_light(times(P3_TO_BT709, [srgb_to_light(value) for value in SKIN]))
        assert colour(png(flat(SKIN), gama(1.0), profile=p3)) == pytest.approx(expected, abs=2)


WIDE = [(12, P3_TO_BT709), (9, BT2020_TO_BT709)]
TRANSFERS = [(13, srgb_to_light), (1, bt709_to_light), (14, bt709_to_light), (8, float), (4, lambda value: value**2.2)]


class TestWideGamut:
    @pytest.mark.parametrize("pixel", COLOURS)
    @pytest.mark.parametrize(("primaries", "matrix"), WIDE)
    @pytest.mark.parametrize(("transfer", "to_light"), TRANSFERS)
    @pytest.mark.parametrize("bits", [8, 16])
    def test_cicp_of_png(self, pixel, primaries, matrix, transfer, to_light, bits):
        top = (1 << bits) - 1
        stored = [round(value * top) / top for value in pixel]
        expected = from_light(times(matrix, [to_light(value) for value in stored]))
        assert colour(png(flat(pixel, bits), cicp(primaries, transfer))) == pytest.approx(expected, abs=2)

    @pytest.mark.parametrize("pixel", [SKIN, LEAF, SKY])
    @pytest.mark.parametrize(("primaries", "matrix"), WIDE)
    @pytest.mark.parametrize(("transfer", "to_light"), TRANSFERS[:3])
    @pytest.mark.parametrize("bits", [8, 10, 12])
    def test_nclx_of_avif(self, pixel, primaries, matrix, transfer, to_light, bits):
        expected = from_light(times(matrix, [to_light(value) for value in pixel]))
        data = avif(flat(pixel, 8 if bits == 8 else 16), bits, nclx=(primaries, transfer))
        assert colour(data) == pytest.approx(expected, abs=5)

    @pytest.mark.parametrize("code_points", [(1, 13), (2, 2), (1, 2), (0, 0), (200, 200)])
    def test_srgb_and_unspecified_or_unknown_code_points_change_nothing(self, code_points):
        assert colour(png(flat(SKIN), cicp(*code_points))) == pytest.approx(as_stored(SKIN), abs=1)
        assert colour(avif(flat(SKIN), nclx=code_points)) == pytest.approx(as_stored(SKIN), abs=3)

    def test_white_and_grey_stay_neutral(self):
        for primaries in (4, 5, 6, 7, 8, 9, 10, 11, 12, 22):
            assert colour(png(flat([0.6, 0.6, 0.6]), cicp(primaries, 13))) == pytest.approx([153] * 3, abs=1)

    def test_limited_range_becomes_full_range(self):
        for bits in (8, 16):
            narrow = [(16 + 219 * value) * (1 << bits - 8) / ((1 << bits) - 1) for value in SKIN]
            assert colour(png(flat(narrow, bits), cicp(1, 13, full_range=0))) == pytest.approx(as_stored(SKIN), abs=1)

    def test_cicp_takes_precedence_over_a_profile_and_a_profile_over_nclx(self):
        srgb, p3 = pyvips.Image.profile_load("srgb"), pyvips.Image.profile_load("p3")
        expected = from_light(times(BT2020_TO_BT709, [srgb_to_light(value) for value in SKIN]))
        assert colour(png(flat(SKIN), cicp(9, 13), (b"sRGB", b"\0"))) == pytest.approx(expected, abs=2)
        assert colour(png(flat(SKIN), cicp(9, 13), profile=p3)) == pytest.approx(expected, abs=2)
        assert colour(png(flat(SKIN), cicp(1, 13), profile=p3)) == pytest.approx(as_stored(SKIN), abs=1)
        assert colour(avif(flat(SKIN), nclx=(9, 13), profile=srgb)) == pytest.approx(as_stored(SKIN), abs=4)

    def test_an_invalid_cicp_is_ignored(self):
        for broken in ((b"cICP", b"\x09\x10"), cicp(9, 16, matrix=9), (b"cICP", b"\x09\x10\0\1", 7)):
            assert colour(png(flat(SKIN), broken)) == pytest.approx(as_stored(SKIN), abs=1)


class TestHdr:
    """Reference white, 203 cd/m², becomes sRGB's white; brighter light is compressed below it."""

    @pytest.mark.parametrize("pixel", COLOURS)
    @pytest.mark.parametrize("paper", ["png-8", "png-16", "avif-10", "avif-12"])
    def test_colours_up_to_reference_white_do_not_change(self, pixel, paper):
        stored = [light_to_pq(203 * srgb_to_light(value)) for value in pixel]
        kind, bits = paper.split("-")
        if kind == "png":
            data = png(flat(stored, int(bits)), cicp(1, 16))
        else:
            data = avif(flat(stored, 16), int(bits), nclx=(1, 16), quality=100)
        tolerance = {"png-8": 8, "png-16": 1}.get(paper, 6)
        assert colour(data) == pytest.approx(as_stored(pixel), abs=tolerance)

    @pytest.mark.parametrize("pixel", [(0.50, 0.42, 0.38), (0.35, 0.45, 0.30), (0.30, 0.40, 0.50)])
    def test_pq_in_bt2020(self, pixel):
        expected = from_light([each / 203 for each in times(BT2020_TO_BT709, [pq_to_light(value) for value in pixel])])
        assert colour(png(flat(pixel, 16), cicp(9, 16))) == pytest.approx(expected, abs=1)
        assert colour(avif(flat(pixel, 16), 12, nclx=(9, 16), quality=100)) == pytest.approx(expected, abs=5)

    @pytest.mark.parametrize("pixel", [(0.60, 0.52, 0.48), (0.35, 0.50, 0.30), (0.30, 0.40, 0.60)])
    def test_hlg_in_bt2020(self, pixel):
        expected = from_light([each / 203 for each in times(BT2020_TO_BT709, hlg_to_light(pixel))])
        assert colour(png(flat(pixel, 16), cicp(9, 18))) == pytest.approx(expected, abs=1)
        assert colour(avif(flat(pixel, 16), 10, nclx=(9, 18), quality=100)) == pytest.approx(expected, abs=5)

    def test_highlights_keep_their_order_and_hue(self):
        lights = (50, 203, 500, 1000, 4000)
        patches = [flat([light_to_pq(each), light_to_pq(each * 0.5), light_to_pq(each * 0.25)], 16) for each in lights]
        data = png(pyvips.Image.arrayjoin(patches, across=len(patches)), cicp(1, 16))
        (made,) = rendered(data, sides={"only": 320}).renditions
        found = [Image.open(io.BytesIO(made.data)).getpixel((32 + 64 * at, 24)) for at in range(len(lights))]
        assert [each[0] for each in found] == sorted({each[0] for each in found})
        assert found[0] == pytest.approx(from_light([50 / 203, 25 / 203, 12.5 / 203]), abs=12)
        assert found[1][0] > 180
        assert found[-1][0] == pytest.approx(255, abs=2)
        for red, green, blue in found:
            light = [srgb_to_light(each / 255) for each in (red, green, blue)]
            assert light[1] / light[0] == pytest.approx(0.5, abs=0.02)
            assert light[2] / light[0] == pytest.approx(0.25, abs=0.02)

    def test_grey_and_transparency(self):
        half, paper = light_to_pq(203 * srgb_to_light(0.5)), light_to_pq(203)
        assert colour(png(flat([half], 16), cicp(9, 16))) == pytest.approx([127.5], abs=1)
        assert colour(png(flat([half, 0.25], 16), cicp(9, 16))) == pytest.approx([127.5, 64], abs=1)
        assert colour(png(flat([paper] * 3 + [0.25], 16), cicp(9, 16))) == pytest.approx([255] * 3 + [64], abs=1)

    def test_exif_rotation_is_applied(self):
        left, right = (flat([light_to_pq(light)] * 3, 16) for light in (20, 200))
        exif = b"Exif\0\0II*\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0\6\0\0\0\0\0\0\0"
        data = png(left.join(right, "horizontal"), cicp(9, 16), (b"eXIf", exif[6:]))
        result = rendered(data, sides={"only": 64})
        assert (result.width, result.height) == (48, 128)
        image = Image.open(io.BytesIO(result.renditions[0].data))
        assert image.size == (24, 64)
        assert image.getpixel((12, 10))[0] < 100 < image.getpixel((12, 54))[0]


class TestProfiles:
    @pytest.mark.parametrize("value", [0.1, 0.4, 0.8])
    @pytest.mark.parametrize("gamma", [1.0, 1.8, 2.2])
    def test_of_grey_are_applied(self, value, gamma):
        profile = grey_profile(gamma)
        expected = light_to_srgb(value**gamma)
        assert colour(png(flat([value]), profile=profile)) == pytest.approx([expected], abs=2)
        assert colour(png(flat([value], 16), profile=profile)) == pytest.approx([expected], abs=4 if gamma == 1 else 2)
        assert colour(png(flat([value, 0.5]), profile=profile)) == pytest.approx([expected, 128], abs=2)
        for save in ("jpegsave_buffer", "tiffsave_buffer"):
            image = flat([value]).copy()
            image.set_type(pyvips.GValue.blob_type, "icc-profile-data", profile)
            assert colour(getattr(image, save)(keep="icc")) == pytest.approx([expected], abs=3)

    @pytest.mark.parametrize("gamma", [1.0, 1.8])
    def test_of_grey_are_applied_in_a_monochrome_avif(self, gamma):
        data = io.BytesIO()
        Image.new("L", (64, 48), 102).save(data, "AVIF", quality=100, icc_profile=grey_profile(gamma))
        assert colour(data.getvalue()) == pytest.approx([light_to_srgb(0.4**gamma)], abs=2)

    @pytest.mark.parametrize("tag", [b"rXYZ", b"gTRC", b"bTRC", b"wtpt"])
    @pytest.mark.parametrize("damage", ["gone", "unknown type", "outside"])
    @pytest.mark.parametrize("kind", ["png", "jpeg", "avif", "webp", "tiff"])
    def test_with_a_broken_tag_are_ignored(self, tag, damage, kind):
        profile = broken(pyvips.Image.profile_load("srgb"), tag, damage)
        image = flat(SKIN).copy()
        image.set_type(pyvips.GValue.blob_type, "icc-profile-data", profile)
        save = {"avif": "heifsave_buffer"}.get(kind, f"{kind}save_buffer")
        options = {"compression": "av1"} if kind == "avif" else {}
        assert colour(getattr(image, save)(keep="icc", **options)) == pytest.approx(as_stored(SKIN), abs=5)

    @pytest.mark.parametrize("damage", ["gone", "unknown type", "outside"])
    def test_of_grey_with_a_broken_tag_are_ignored(self, damage):
        profile = broken(grey_profile(1.0), b"kTRC", damage)
        image = flat([0.4]).copy()
        image.set_type(pyvips.GValue.blob_type, "icc-profile-data", profile)
        assert colour(image.jpegsave_buffer(keep="icc")) == pytest.approx([102], abs=2)

    @pytest.mark.parametrize("damage", ["gone", "unknown type", "outside", "nonsense", "of RGB", "none"])
    @pytest.mark.parametrize("kind", ["jpeg", "tiff"])
    def test_cmyk_is_read_whatever_its_profile(self, damage, kind):
        inks = pyvips.Image.black(64, 48).bandjoin([200, 200, 0]).cast("uchar").copy(interpretation="cmyk")
        cmyk, srgb = pyvips.Image.profile_load("cmyk"), pyvips.Image.profile_load("srgb")
        profile = {"nonsense": b"nonsense" * 40, "of RGB": srgb}.get(damage) or broken(cmyk, b"A2B0", damage)
        if damage != "none":
            inks.set_type(pyvips.GValue.blob_type, "icc-profile-data", profile)
        red, green, blue = colour(getattr(inks, f"{kind}save_buffer")(keep="icc"))
        assert red > 180
        assert max(green, blue) < 130

    def test_for_another_colour_model_are_ignored(self):
        image = flat(SKIN).copy()
        image.set_type(pyvips.GValue.blob_type, "icc-profile-data", grey_profile(1.0))
        assert colour(image.jpegsave_buffer(keep="icc", Q=95)) == pytest.approx(as_stored(SKIN), abs=4)

    def test_if_broken_leave_the_weaker_declarations_in_force(self):
        empty = icc_profile(b"RGB ", {b"wtpt": b"no"})
        expected = from_light(times(P3_TO_BT709, [srgb_to_light(value) for value in SKIN]))
        assert colour(avif(flat(SKIN), nclx=(12, 13), profile=empty)) == pytest.approx(expected, abs=5)


def broken(profile, tag, damage):
    """The profile with one damaged tag."""
    count = struct.unpack_from(">I", profile, 128)[0]
    entries = range(132, 132 + 12 * count, 12)
    at = next((place for place in entries if profile[place : place + 4] == tag), None)
    if at is None:
        return profile
    made = bytearray(profile)
    if damage == "gone":
        made[at : at + 4] = b"none"
    elif damage == "unknown type":
        offset = struct.unpack_from(">I", profile, at + 4)[0]
        made[offset : offset + 4] = b"what"
    else:
        struct.pack_into(">I", made, at + 4, len(profile) + 1000)
    return bytes(made)
