"""The container of HEIF, AVIF and films: its brands, and whether its pictures are HEVC ones (HEIC)."""

AVIF = frozenset({b"avif", b"avis"})
HEVC = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"})
HEIF = HEVC | {b"mif1", b"mif2", b"msf1"}
CANON_RAW = b"crx "

_CONFIGURATION = b"hvcC"  # the box that every HEVC picture has
_METADATA = 1 << 16  # bytes at the start of the file that hold it


def brands(data: bytes) -> set[bytes]:
    """Major brand, minor version, compatible brands."""
    box = data[8 : max(8, min(int.from_bytes(data[:4], "big"), 256))]
    return {box[at : at + 4] for at in range(0, len(box), 4)}


def holds_hevc(data: bytes) -> bool:
    """Whether the pictures need an HEVC decoder."""
    return bool(brands(data) & HEVC) or _CONFIGURATION in data[:_METADATA]
