"""PNG files made chunk by chunk, with the faults of real files."""

import struct
import zlib


def chunk(name: bytes, content: bytes, checksum: int | None = None) -> bytes:
    """A chunk; its checksum is correct unless one is given."""
    checksum = zlib.crc32(name + content) if checksum is None else checksum
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", checksum)


_END = chunk(b"IEND", b"")


def png(size=(20, 10), depth=8, colour=2, methods=(0, 0, 0), before=b"", data=None, end=_END) -> bytes:
    """A black PNG; `before` are chunks before the pixels, `data` replaces the pixels."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", *size, depth, colour, *methods))
    if data is None:
        row = bytes(1 + (size[0] * {0: 1, 3: 1, 4: 2, 6: 4}.get(colour, 3) * depth + 7) // 8)
        data = chunk(b"IDAT", zlib.compress(row * size[1]))
    return b"\x89PNG\r\n\x1a\n" + header + before + data + end
