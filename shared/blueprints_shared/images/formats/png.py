"""PNG: finds what is wrong with a file that could not be decoded, which the decoder does not report."""

import zlib
from collections.abc import Iterator

from blueprints_shared.images.errors import LONGEST_SIDE, InvalidImage, too_large

SIGNATURE = b"\x89PNG\r\n\x1a\n"

_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
_KNOWN = (b"IHDR", b"PLTE", b"IDAT", b"IEND")  # critical chunks


def find_fault(data: bytes) -> InvalidImage:
    """Why a PNG could not be decoded."""
    seen: set[bytes] = set()
    for name, content, whole in _chunks(data):
        if name == b"CgBI":
            return InvalidImage(
                "unsupported-codec", "a PNG in Apple's own variant (CgBI), which only Apple's software reads"
            )
        if len(name) < 4:
            break
        if not whole:
            return _damaged(f"it ends or is damaged in its chunk {_text(name)}")
        if not seen and name != b"IHDR":
            return _damaged(f"it begins with the chunk {_text(name)} instead of IHDR")
        if name == b"IHDR" and (fault := _header_fault(content)):
            return fault
        if _is_critical(name) and name not in _KNOWN:
            return InvalidImage(
                "unsupported-codec", f"a PNG that cannot be shown without its unknown chunk {_text(name)}"
            )
        if name == b"IDAT" and seen >= {b"IHDR"} and _needs_palette(data) and b"PLTE" not in seen:
            return _damaged("its palette is missing")
        seen.add(name)
    return _damaged("its pixels are incomplete or damaged" if b"IDAT" in seen else "it ends before its pixels")


def _needs_palette(data: bytes) -> bool:
    """Whether the header says that samples are indices into a palette."""
    return data[25] == 3


def _header_fault(header: bytes) -> InvalidImage | None:
    if len(header) != 13:
        return _damaged(f"its header has {len(header)} bytes instead of 13")
    width, height = int.from_bytes(header[:4], "big"), int.from_bytes(header[4:8], "big")
    depth, colour, compression, filtering, interlacing = header[8:]
    if not 0 < width < 2**31 or not 0 < height < 2**31:
        return _damaged(f"its header says {width} x {height} pixels")
    if max(width, height) > LONGEST_SIDE:
        return too_large("PNG", width, height)
    if depth not in _DEPTHS.get(colour, ()):
        return _damaged(f"its header names bit depth {depth} with colour type {colour}, which PNG does not have")
    if compression or filtering or interlacing > 1:
        methods = f"compression {compression}, filter {filtering}, interlacing {interlacing}"
        return _damaged(f"its header names methods that PNG does not have ({methods})")
    return None


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes, bool]]:
    """Name and content of each chunk, and whether it is complete with a correct checksum (if that matters)."""
    at = len(SIGNATURE)
    while at < len(data):
        length, name = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        content = data[at + 8 : at + 8 + length]
        checksum = data[at + 8 + length : at + 12 + length]
        whole = len(checksum) == 4 and (
            not _is_critical(name) or int.from_bytes(checksum, "big") == zlib.crc32(content, zlib.crc32(name))
        )
        yield name, content, whole
        if name == b"IEND":
            return
        at += 12 + length


def _is_critical(name: bytes) -> bool:
    """Whether the image cannot be shown without the chunk: its name begins with a capital letter."""
    return not name[0] & 0x20


def _damaged(reason: str) -> InvalidImage:
    return InvalidImage("damaged", f"the png is truncated or damaged: {reason}")


def _text(name: bytes) -> str:
    return name.decode("ascii", "replace") if name.isalpha() else repr(name)
