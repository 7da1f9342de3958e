"""Zip files whose bytes depend on nothing but names, contents and modes.

An entry keeps its compressed record, so an archive can take entries from another archive without compressing them
again: compiling and compressing dependencies takes seconds, copying their records milliseconds.
"""

import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s4B4HL2L5H2L")
_END = struct.Struct("<4s4H2LH")
_VERSION = 20
_UNIX = 3
_UTF8 = 0x800
_DEFLATED = 8
_MIDNIGHT, _FIRST_DAY = 0, (1 << 5) | 1
"""1980-01-01 00:00, the earliest time in a zip file."""
_FILE, _PROGRAM = 0o100644, 0o100755
_MOST_ENTRIES = 0xFFFF


@dataclass(frozen=True)
class Entry:
    """One compressed file: its local record as in an archive, and its fields for the archive's directory."""

    name: str
    record: bytes | memoryview
    crc: int
    deflated: int
    size: int
    mode: int


def entry(name: str, content: bytes, *, program: bool = False) -> Entry:
    """Compress a file with deflate."""
    compressor = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
    data = compressor.compress(content) + compressor.flush()
    encoded = name.encode()
    crc = zlib.crc32(content)
    header = _LOCAL.pack(
        b"PK\3\4", _VERSION, _UTF8, _DEFLATED, _MIDNIGHT, _FIRST_DAY, crc, len(data), len(content), len(encoded), 0
    )
    mode = _PROGRAM if program else _FILE
    return Entry(name, header + encoded + data, crc, len(data), len(content), mode)


def files(folder: Path) -> list[Path]:
    """Every file below a folder, sorted."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


def file_entry(folder: Path, path: Path) -> Entry:
    """Compress a file of a folder, under its path in the folder."""
    program = bool(path.stat().st_mode & 0o100)
    return entry(path.relative_to(folder).as_posix(), path.read_bytes(), program=program)


def write(entries: Iterable[Entry]) -> bytes:
    """The zip file with these entries, sorted by name. Raises ValueError for more than 65,535 entries."""
    parts: list[bytes | memoryview] = []
    directory: list[bytes] = []
    offset = 0
    for each in sorted(entries, key=lambda one: one.name):
        encoded = each.name.encode()
        parts.append(each.record)
        directory.append(
            _CENTRAL.pack(
                b"PK\1\2", _VERSION, _UNIX, _VERSION, 0, _UTF8, _DEFLATED, _MIDNIGHT, _FIRST_DAY, each.crc,
                each.deflated, each.size, len(encoded), 0, 0, 0, 0, each.mode << 16, offset,
            )
            + encoded
        )  # fmt: skip
        offset += len(each.record)
    if len(parts) > _MOST_ENTRIES:
        raise ValueError(f"{len(parts)} files are more than a zip file of this form can hold ({_MOST_ENTRIES})")
    listed = b"".join(directory)
    end = _END.pack(b"PK\5\6", 0, 0, len(parts), len(parts), len(listed), offset, 0)
    return b"".join([*parts, listed, end])


def read(data: bytes) -> list[Entry]:
    """The entries of a zip file that `write` made."""
    view = memoryview(data)
    *_, count, _, start, _ = _END.unpack(view[-_END.size :])
    entries = []
    position = start
    for _ in range(count):
        fields = _CENTRAL.unpack_from(view, position)
        crc, deflated, size, length, attributes, offset = *fields[9:13], *fields[-2:]
        begin = position + _CENTRAL.size
        name = bytes(view[begin : begin + length]).decode()
        end = offset + _LOCAL.size + length + deflated
        entries.append(Entry(name, view[offset:end], crc, deflated, size, attributes >> 16))
        position = begin + length
    return entries
