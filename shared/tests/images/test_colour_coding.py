"""Declarations read from boxes made byte by byte; test_coded_colours.py has pictures with them."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueprints_shared.images.colour_coding import BT709, SRGB, read_signals

PQ = (9, 16)


def box(name, *content):
    body = b"".join(content)
    return struct.pack(">I4s", 8 + len(body), name) + body


def full(name, version, flags, *content):
    return box(name, struct.pack(">I", version << 24 | flags), *content)


def heif(properties, associations, primary=1, tiles=(), wide=False):
    """A file without pixels: the properties of each item (counted from 1), and the tiles of the primary item."""
    number = "I" if wide else "H"
    ipma = struct.pack(">I", len(associations))
    for item, indexes in associations.items():
        ipma += struct.pack(f">{number}B", item, len(indexes))
        ipma += struct.pack(f">{len(indexes)}{'H' if wide else 'B'}", *indexes)
    parts = [
        full(b"pitm", int(wide), 0, struct.pack(f">{number}", primary)),
        box(b"iprp", box(b"ipco", *properties), full(b"ipma", int(wide), int(wide), ipma)),
    ]
    if tiles:
        derived = struct.pack(f">{number}H{len(tiles)}{number}", primary, len(tiles), *tiles)
        parts.insert(1, full(b"iref", int(wide), 0, box(b"dimg", derived)))
    return box(b"ftyp", b"avif\0\0\0\0avifmif1") + full(b"meta", 0, 0, *parts)


def nclx(primaries, transfer):
    return box(b"colr", b"nclx", struct.pack(">HHHB", primaries, transfer, 9, 0x80))


ISPE = full(b"ispe", 0, 0, struct.pack(">II", 64, 64))


@pytest.mark.parametrize("wide", [False, True])
class TestHeif:
    def test_the_colours_of_the_primary_item_are_read(self, wide):
        data = heif([nclx(1, 13), ISPE, nclx(*PQ)], {1: [2, 3], 2: [2, 1]}, wide=wide)
        assert read_signals(data, "avif").weaker.transfer == "pq"
        data = heif([nclx(1, 13), ISPE, nclx(*PQ)], {1: [2, 3], 2: [2, 1]}, primary=2, wide=wide)
        assert read_signals(data, "avif").weaker == SRGB

    def test_a_picture_of_tiles_has_the_colours_of_its_first_tile(self, wide):
        data = heif([ISPE, nclx(*PQ), nclx(1, 13)], {1: [1], 2: [1, 3], 3: [1, 2]}, tiles=(3, 2), wide=wide)
        assert read_signals(data, "heif").weaker.transfer == "pq"
        data = heif([ISPE, nclx(*PQ), nclx(1, 13)], {1: [1, 3], 2: [1, 2]}, tiles=(2,), wide=wide)
        assert read_signals(data, "heif").weaker == SRGB

    def test_nclx_is_read_beside_a_profile(self, wide):
        data = heif([box(b"colr", b"prof", b"profile"), nclx(12, 13)], {1: [1, 2]}, wide=wide)
        assert read_signals(data, "avif").weaker.primaries.red == (0.680, 0.320)

    def test_a_file_without_colours_declares_none(self, wide):
        assert read_signals(heif([ISPE], {1: [1]}, wide=wide), "avif").weaker is None
        assert read_signals(heif([ISPE], {}, wide=wide), "avif").weaker is None

    @pytest.mark.parametrize("share", [0.2, 0.5, 0.8, 0.99])
    def test_truncated_boxes_are_ignored(self, wide, share):
        data = heif([nclx(1, 13), ISPE, nclx(*PQ)], {1: [2, 3]}, wide=wide)
        assert read_signals(data[: int(len(data) * share)], "avif").weaker in (None, SRGB)


@given(st.binary(max_size=200), st.sampled_from(["png", "avif", "heif", "jpeg"]))
def test_any_bytes_can_be_read(tail, kind):
    start = {"png": b"\x89PNG\r\n\x1a\n"}.get(kind, box(b"ftyp", b"avif\0\0\0\0avif") + b"\0\0\0\0meta\0\0\0\0")
    for coding in read_signals(start + tail, kind):
        assert coding is None or coding.primaries.white[1] > 0


def test_srgb_has_the_primaries_of_bt709():
    assert SRGB.primaries == BT709
