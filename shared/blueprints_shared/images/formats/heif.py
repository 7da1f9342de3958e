"""HEIF and AVIF: the brands of the file, and the codec and the properties of its primary picture.

Sources: ISO/IEC 14496-12 (boxes), ISO/IEC 23008-12 (items and their properties).
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from blueprints_shared.images.errors import LONGEST_SIDE, InvalidImage, too_large

AVIF = frozenset({b"avif", b"avis"})
HEVC = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"})
HEIF = HEVC | {b"mif1", b"mif2", b"msf1", b"avci", b"avcs", b"jpeg", b"jpgs", b"j2ki", b"j2is", b"vvic", b"vvis"}
CANON_RAW = b"crx "

_CONFIGURATION = b"hvcC"  # the box that every HEVC picture has
_METADATA = 1 << 16  # bytes at the start of the file that contain it
_CODECS = {
    b"avc1": "H.264",
    b"evc1": "EVC",
    b"j2k1": "JPEG 2000",
    b"jpeg": "JPEG",
    b"unci": "uncompressed pixels",
    b"vvc1": "VVC",
}


class Samples(NamedTuple):
    """How the samples of a picture are stored.

    `monochrome`: grey alone. `full_range`: 0 to 255 (in 8 bits), not 16 to 235. `premultiplied`: colours times alpha.
    """

    monochrome: bool
    full_range: bool
    premultiplied: bool


def brands(data: bytes) -> set[bytes]:
    """The major brand, the minor version and the compatible brands."""
    box = data[8 : max(8, min(int.from_bytes(data[:4], "big"), 256))]
    return {box[at : at + 4] for at in range(0, len(box), 4)}


def holds_hevc(data: bytes) -> bool:
    """Whether the pictures need an HEVC decoder."""
    return bool(brands(data) & HEVC) or _CONFIGURATION in data[:_METADATA]


def read_samples(data: bytes) -> Samples:
    """Read how the primary picture's samples are stored; damaged boxes are ignored."""
    monochrome, full_range, premultiplied = False, True, False
    try:
        for name, body in properties(data):
            if name == b"av1C":
                monochrome = bool(body[2] & 0x10)
            elif name == b"hvcC":
                monochrome = body[16] & 0x03 == 0
            elif name == b"colr" and bytes(body[:4]) == b"nclx":
                full_range = bool(body[10] & 0x80)
        premultiplied = bool(_child(_child(_metadata(data), b"iref")[4:], b"prem"))
    except (struct.error, IndexError, ValueError):
        pass
    return Samples(monochrome, full_range, premultiplied)


def find_unsupported(data: bytes) -> InvalidImage | None:
    """Why the decoder does not support this picture, or None. Call it after decoding failed; it ignores HEVC."""
    try:
        meta = _metadata(data)
        primary = _primary(meta)
        types = _item_types(_child(meta, b"iinf"))
        for item in (primary, _first_tile(_child(meta, b"iref"), primary)):
            if item is not None and (codec := _CODECS.get(types.get(item, b""))):
                return InvalidImage(
                    "unsupported-codec", f"a HEIF picture coded as {codec}, which the library does not decode"
                )
        for name, body in properties(data):
            if name == b"ispe" and max(size := struct.unpack_from(">II", body, 4)) > LONGEST_SIDE:
                return too_large("picture", *size)
    except (struct.error, IndexError, ValueError):
        pass
    return None


def properties(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """Name and content of each property of the primary picture, then of its first tile if it is composed of tiles.

    Raises struct.error, IndexError or ValueError where the boxes are damaged.
    """
    meta = _metadata(data)
    primary = _primary(meta)
    iprp = _child(meta, b"iprp")
    boxes = list(_boxes(_child(iprp, b"ipco")))
    associated = _associations(_child(iprp, b"ipma"))
    for item in (primary, _first_tile(_child(meta, b"iref"), primary)):
        for index in associated.get(item, ()) if item is not None else ():
            yield boxes[index - 1]


def _metadata(data: bytes) -> memoryview:
    return _child(memoryview(data), b"meta")[4:]


def _primary(meta: memoryview) -> int:
    pitm = _child(meta, b"pitm")
    number: int = struct.unpack_from(">H" if pitm[0] == 0 else ">I", pitm, 4)[0]
    return number


def _item_types(iinf: memoryview) -> dict[int, bytes]:
    """The four-letter codec name of each item."""
    types = {}
    for name, body in _boxes(iinf[6 if iinf[0] == 0 else 8 :]):
        if name == b"infe" and body[0] >= 2:
            item, _, kind = struct.unpack_from(">HH4s" if body[0] == 2 else ">IH4s", body, 4)
            types[item] = kind
    return types


def _boxes(data: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """Name and content of each box in `data`, in order."""
    at = 0
    while at + 8 <= len(data):
        size, name, start = *struct.unpack_from(">I4s", data, at), 8
        if size == 1:
            size, start = struct.unpack_from(">Q", data, at + 8)[0], 16
        elif size == 0:
            size = len(data) - at
        if size < start:
            raise ValueError("a box smaller than its own header")
        yield name, data[at + start : at + size]
        at += size


def _child(data: memoryview, wanted: bytes) -> memoryview:
    """The content of the first box of that name; empty if there is none."""
    return next((body for name, body in _boxes(data) if name == wanted), data[:0])


def _associations(ipma: memoryview) -> dict[int, list[int]]:
    """The property indexes of each item, counted from 1."""
    found: dict[int, list[int]] = {}
    version, flags, entries = ipma[0], ipma[3], struct.unpack_from(">I", ipma, 4)[0]
    at = 8
    for _ in range(entries):
        item = struct.unpack_from(">H" if version == 0 else ">I", ipma, at)[0]
        at += 2 if version == 0 else 4
        count, wide = ipma[at], flags & 1
        each = struct.unpack_from(f">{count}{'H' if wide else 'B'}", ipma, at + 1)
        at += 1 + (count * 2 if wide else count)
        found[item] = [index for one in each if (index := one & (0x7FFF if wide else 0x7F))]
    return found


def _first_tile(iref: memoryview, item: int) -> int | None:
    """The first picture that `item` is derived from, or None."""
    if not iref:
        return None
    number = "H" if iref[0] == 0 else "I"
    for name, body in _boxes(iref[4:]):
        if name == b"dimg" and struct.unpack_from(f">{number}", body)[0] == item:
            tile: int = struct.unpack_from(f">{number}H{number}", body)[2]
            return tile
    return None
