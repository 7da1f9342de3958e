"""TIFF files made tag by tag, with layouts that libraries do not write."""

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

SHORT, LONG = 3, 4
_SIZES = {1: 1, 2: 1, SHORT: 2, LONG: 4, 7: 1}


@dataclass
class Directory:
    """One image file directory: tags with their values, its strips or tiles, and the directories below it."""

    tags: dict[int, tuple[int, Sequence[int] | bytes]]
    blocks: Sequence[bytes] = ()
    tiled: bool = False
    children: Sequence["Directory"] = field(default_factory=tuple)


def tiff(*directories: Directory, order: str = "<", magic: int = 42) -> bytes:
    """A TIFF file of these pages."""
    file = bytearray({"<": b"II", ">": b"MM"}[order] + struct.pack(f"{order}HI", magic, 0))
    _chain(file, directories, order, 4)
    return bytes(file)


def _chain(file: bytearray, directories: Sequence[Directory], order: str, pointer: int) -> None:
    for directory in directories:
        struct.pack_into(f"{order}I", file, pointer, len(file) + len(file) % 2)
        pointer = _add(file, directory, order)


def _add(file: bytearray, directory: Directory, order: str) -> int:
    """Append the directory; return the offset of its pointer to the next one."""
    file += bytes(len(file) % 2)
    tags = dict(directory.tags)
    if directory.blocks:
        offsets, counts = (324, 325) if directory.tiled else (273, 279)
        tags[offsets] = LONG, [0] * len(directory.blocks)
        tags[counts] = LONG, [len(block) for block in directory.blocks]
    if directory.children:
        tags[330] = LONG, [0] * len(directory.children)
    start = len(file)
    file += struct.pack(f"{order}H", len(tags)) + bytes(12 * len(tags) + 4)
    places = {}
    for at, (tag, (kind, values)) in enumerate(sorted(tags.items())):
        data = _packed(kind, values, order)
        entry = start + 2 + 12 * at
        struct.pack_into(f"{order}HHI", file, entry, tag, kind, len(data) // _SIZES[kind])
        places[tag] = entry + 8
        if len(data) > 4:
            file += bytes(len(file) % 2)
            places[tag] = len(file)
            struct.pack_into(f"{order}I", file, entry + 8, len(file))
            file += data
        else:
            file[entry + 8 : entry + 8 + len(data)] = data
    for at, block in enumerate(directory.blocks):
        struct.pack_into(f"{order}I", file, places[324 if directory.tiled else 273] + 4 * at, len(file))
        file += block
    for at, child in enumerate(directory.children):
        _chain(file, [child], order, places[330] + 4 * at)
    return start + 2 + 12 * len(tags)


def _packed(kind: int, values: Sequence[int] | bytes, order: str) -> bytes:
    if isinstance(values, bytes):
        return values
    return struct.pack(f"{order}{len(values)}{ {SHORT: 'H', LONG: 'I', 1: 'B'}[kind] }", *values)


def plain(
    size: tuple[int, int],
    samples: Sequence[Callable[[int, int], int]],
    bits: int = 8,
    *,
    order: str = "<",
    planar: bool = False,
    tile: int = 0,
    squeeze: Callable[[bytes], bytes] = bytes,
    **tags: int | Sequence[int],
) -> Directory:
    """A page whose samples are functions of x and y; `tags` are t262=2 and the like, and override derived ones."""
    width, height = size
    planes = [[sample] for sample in samples] if planar else [list(samples)]
    if tile:
        boxes = [(x, y, tile, tile) for y in range(0, height, tile) for x in range(0, width, tile)]
    else:
        boxes = [(0, 0, width, height)]
    blocks = [squeeze(_block(box, plane, bits, order)) for plane in planes for box in boxes]
    made = {
        256: (LONG, [width]),
        257: (LONG, [height]),
        258: (SHORT, [bits] * len(samples)),
        259: (SHORT, [1]),
        262: (SHORT, [2 if len(samples) >= 3 else 1]),
        277: (SHORT, [len(samples)]),
        284: (SHORT, [2 if planar else 1]),
        **({322: (LONG, [tile]), 323: (LONG, [tile])} if tile else {278: (LONG, [height])}),
    }
    for name, value in tags.items():
        made[int(name[1:])] = SHORT, [value] if isinstance(value, int) else list(value)
    return Directory(made, blocks, bool(tile))


def _block(box: tuple[int, int, int, int], plane: Sequence[Callable[[int, int], int]], bits: int, order: str) -> bytes:
    left, top, width, height = box
    rows = []
    for y in range(top, top + height):
        values = [sample(x, y) for x in range(left, left + width) for sample in plane]
        if bits in (16, 32):
            rows.append(struct.pack(f"{order}{len(values)}{'H' if bits == 16 else 'I'}", *values))
        else:
            line = "".join(f"{value:0{bits}b}" for value in values)
            line += "0" * (-len(line) % 8)
            rows.append(int(line, 2).to_bytes(len(line) // 8, "big"))
    return b"".join(rows)
