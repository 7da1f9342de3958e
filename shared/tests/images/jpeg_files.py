"""JPEG files made segment by segment: gain maps, and coding processes that libraries do not write."""

import io
import struct

import pyvips
from PIL import Image

_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_GAIN_MAP_XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" hdrgm:Version="1.0" hdrgm:GainMapMin="0" '
    b'hdrgm:GainMapMax="3" hdrgm:Gamma="1" hdrgm:OffsetSDR="0.015625" hdrgm:OffsetHDR="0.015625" '
    b'hdrgm:HDRCapacityMin="0" hdrgm:HDRCapacityMax="3" hdrgm:BaseRenditionIsHDR="False"/></rdf:RDF></x:xmpmeta>'
)
_PRIMARY_XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description xmlns:Container="http://ns.google.com/photos/1.0/container/" '
    b'xmlns:Item="http://ns.google.com/photos/1.0/container/item/" '
    b'xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" hdrgm:Version="1.0"><Container:Directory><rdf:Seq>'
    b'<rdf:li rdf:parseType="Resource"><Container:Item Item:Semantic="Primary" Item:Mime="image/jpeg"/></rdf:li>'
    b'<rdf:li rdf:parseType="Resource"><Container:Item Item:Semantic="GainMap" Item:Mime="image/jpeg" '
    b'Item:Length="%d"/></rdf:li></rdf:Seq></Container:Directory></rdf:Description></rdf:RDF></x:xmpmeta>'
)


def segment(marker: int, content: bytes) -> bytes:
    """A marker segment; the length is derived."""
    return bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2) + content


def with_gain_map_xmp(primary: bytes) -> bytes:
    """An Ultra HDR JPEG as Android writes it: XMP in both pictures, and a directory of the two (MPF)."""
    gain_map = _jpeg(Image.new("L", (75, 50), 128))
    gain_map = _insert(gain_map, segment(0xE1, _XMP + _GAIN_MAP_XMP))
    primary = _insert(primary, segment(0xE1, _XMP + _PRIMARY_XMP % len(gain_map)))
    return with_pictures(primary, gain_map)


def with_gain_map_iso(primary: bytes) -> bytes:
    """An Ultra HDR JPEG by ISO 21496-1, written by libultrahdr; the primary picture is decoded and encoded again."""
    image = pyvips.Image.new_from_buffer(primary, "").copy()
    image.set_type(pyvips.GValue.blob_type, "gainmap-data", _jpeg(Image.new("L", (75, 50), 128)))
    bounds = {"max-content-boost": 4.0, "min-content-boost": 1.0, "gamma": 1.0, "offset-sdr": 0.0, "offset-hdr": 0.0}
    for name, value in bounds.items():
        image.set_type(pyvips.GValue.array_double_type, f"gainmap-{name}", [value] * 3)
    image.set_type(pyvips.GValue.gdouble_type, "gainmap-hdr-capacity-min", 1.0)
    image.set_type(pyvips.GValue.gdouble_type, "gainmap-hdr-capacity-max", 4.0)
    image.set_type(pyvips.GValue.gint_type, "gainmap-use-base-cg", 1)
    return bytes(image.uhdrsave_buffer(Q=95))


def with_pictures(primary: bytes, *others: bytes) -> bytes:
    """A multi-picture file: the others follow the primary, and its MPF segment says where they are."""
    # The directory comes right after the start of the image; offsets count from its byte order mark.
    mark = 2 + 4 + 4
    entries = 1 + len(others)
    values_at = 8 + 2 + 3 * 12 + 4
    size = len(primary) + 4 + 4 + values_at + 16 * entries
    directory = b"MM\0*\0\0\0\x08" + struct.pack(">H", 3)
    directory += struct.pack(">HHI4s", 0xB000, 7, 4, b"0100")
    directory += struct.pack(">HHII", 0xB001, 4, 1, entries)
    directory += struct.pack(">HHII", 0xB002, 7, 16 * entries, values_at) + bytes(4)
    directory += struct.pack(">IIIHH", 0x20030000, size, 0, 0, 0)
    at = size - mark
    for other in others:
        directory += struct.pack(">IIIHH", 0, len(other), at, 0, 0)
        at += len(other)
    return _insert(primary, segment(0xE2, b"MPF\0" + directory)) + b"".join(others)


def flat(size=(40, 24), frame=0xC0, bits=8, components=1) -> bytes:
    """A grey JPEG of one value: `frame` is the coding process, of which baseline, extended and lossless are valid."""
    width, height = size
    lossless = frame == 0xC3
    units = width * height if lossless else -(-width // 8) * -(-height // 8)
    coded = "0" * (units * components * (1 if lossless else 2))  # each difference is zero, each block ends at once
    coded += "1" * (-len(coded) % 8)
    table = segment(0xDB, b"\x10" + b"\0\x10" * 64) if bits > 8 else segment(0xDB, b"\0" + b"\x10" * 64)
    names = range(1, components + 1)
    return b"".join(
        (
            b"\xff\xd8",
            b"" if lossless else table,
            segment(
                frame,
                struct.pack(">BHHB", bits, height, width, components) + b"".join(bytes([n, 17, 0]) for n in names),
            ),
            segment(0xC4, b"\0\1" + bytes(15) + b"\0"),
            b"" if lossless else segment(0xC4, b"\x10\1" + bytes(15) + b"\0"),
            segment(
                0xDA,
                bytes([components]) + b"".join(bytes([n, 0]) for n in names) + (b"\1\0\0" if lossless else b"\0\x3f\0"),
            ),
            int(coded, 2).to_bytes(len(coded) // 8, "big").replace(b"\xff", b"\xff\0"),
            b"\xff\xd9",
        )
    )


def _insert(jpeg: bytes, part: bytes) -> bytes:
    return jpeg[:2] + part + jpeg[2:]


def _jpeg(image: Image.Image) -> bytes:
    data = io.BytesIO()
    image.save(data, "JPEG")
    return data.getvalue()
