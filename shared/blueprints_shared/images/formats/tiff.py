"""TIFF: finds the page to show, camera raw files, and features that the decoder does not support."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from blueprints_shared.images.errors import LONGEST_SIDE, InvalidImage, camera_raw, too_large

RGB, YCBCR, CIELAB, ICCLAB = 2, 6, 8, 9  # values of PHOTOMETRIC

SUBFILE_TYPE, WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC = 254, 256, 257, 258, 259, 262
MAKE, SAMPLES, PLANAR = 271, 277, 284
TILE_WIDTH, CHILDREN, EXTRA_SAMPLES, SAMPLE_FORMAT, SUBSAMPLING, DNG_VERSION = 322, 330, 338, 339, 530, 50706
_KEPT = {
    SUBFILE_TYPE, WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, MAKE, SAMPLES, PLANAR, TILE_WIDTH, CHILDREN,
    EXTRA_SAMPLES, SAMPLE_FORMAT, SUBSAMPLING, DNG_VERSION,
}  # fmt: skip
_SMALLER, _MASK = 1, 4  # bits of SUBFILE_TYPE
_SENSOR = {32803, 34892}  # photometric interpretations of a camera's sensor: colour filter array, linear raw
_RAW_COMPRESSIONS = {32767, 32769, 32770, 32772, 34713, 65000, 65535}  # Sony, Epson, Samsung, Nikon, Kodak, Pentax
_READ_COMPRESSIONS = {1, 2, 3, 4, 5, 7, 8, 32773, 32946, 50001}
_COMPRESSIONS = {6: "old-style JPEG", 33003: "JPEG 2000", 33005: "JPEG 2000", 34712: "JPEG 2000", 34892: "JPEG",
                 34887: "LERC", 34925: "LZMA", 50000: "Zstandard", 50002: "JPEG XL", 52546: "JPEG XL"}  # fmt: skip
_COLOURS = {0: 1, 1: 1, RGB: 3, 5: 4, YCBCR: 3, CIELAB: 3, ICCLAB: 3}  # samples by photometric interpretation
_ALPHAS = {1, 2}  # among the meanings of extra samples: premultiplied or not
_PHOTOMETRICS = {4: "a transparency mask", 10: "ITU L*a*b*", 32844: "LogL", 32845: "LogLuv"}
_DIRECTORIES, _VALUES = 64, 64  # the most that is read
_WIDTHS = {1: "B", 2: "B", 3: "H", 4: "I", 6: "b", 7: "B", 8: "h", 9: "i", 13: "I", 16: "Q", 18: "Q"}


@dataclass(slots=True)
class Directory:
    """The tags of one image in the file, and of the images below it.

    `photometric_at` is the struct format and the offset of PHOTOMETRIC's value. `cut_off`: a tag's value lies beyond
    the end of the file.
    """

    tags: dict[int, tuple[int, ...]]
    photometric_at: tuple[str, int] = "<H", 0
    cut_off: bool = False
    children: list["Directory"] = field(default_factory=list)

    def first(self, tag: int, default: int = 0) -> int:
        """A tag's first value."""
        return self.tags.get(tag, (default,))[0]

    def with_children(self) -> Iterator["Directory"]:
        """This directory and all directories below it."""
        yield self
        for child in self.children:
            yield from child.with_children()

    @property
    def is_preview(self) -> bool:
        """Whether this is a preview of another image in the file, or a mask for one."""
        return bool(self.first(SUBFILE_TYPE) & (_SMALLER | _MASK))


@dataclass(frozen=True, slots=True)
class Picture:
    """The image to show: its directory, and the loader's options that select it."""

    directory: Directory
    options: dict[str, int]


def read_directories(data: bytes) -> list[Directory]:
    """Read the pages in order; pages that are truncated or have an invalid offset are left out."""
    return list(_Reader(data).pages())


def find_picture(pages: list[Directory]) -> Picture | None:
    """The first image that is not a preview of another; the first page if all are previews; None without pages."""
    for at, page in enumerate(pages):
        if not page.is_preview:
            return Picture(page, {"page": at})
        for below, child in enumerate(page.children):
            if not child.is_preview:
                return Picture(child, {"page": at, "subifd": below})
    return Picture(pages[0], {}) if pages else None


def find_camera_raw(pages: list[Directory]) -> InvalidImage | None:
    """The error for a camera raw file (a TIFF with sensor data, often after a small preview), or None."""
    directories = [each for page in pages for each in page.with_children()]
    if any(DNG_VERSION in each.tags for each in directories):
        return camera_raw("DNG")
    for each in directories:
        if each.first(PHOTOMETRIC) in _SENSOR or each.first(COMPRESSION) in _RAW_COMPRESSIONS:
            make = bytes(pages[0].tags.get(MAKE, ())).decode("ascii", "replace").strip("\0 ")
            return camera_raw(make or "TIFF")
    return None


def find_unsupported(page: Directory) -> InvalidImage | None:
    """Why the decoder does not support this page, or None; called when decoding failed."""
    if page.cut_off:
        return None
    compression, bits = page.first(COMPRESSION, 1), page.first(BITS, 1)
    photometric, samples = page.first(PHOTOMETRIC), page.first(SAMPLES, 1)
    width, height = page.first(WIDTH), page.first(HEIGHT)
    if max(width, height) > LONGEST_SIDE:
        return too_large("TIFF", width, height)
    if compression not in _READ_COMPRESSIONS:
        name = _COMPRESSIONS.get(compression, f"method {compression}")
        return InvalidImage("unsupported-codec", f"a TIFF compressed by {name}, which the library does not decode")
    if photometric in _PHOTOMETRICS:
        return InvalidImage("unsupported-layout", f"a TIFF whose samples are {_PHOTOMETRICS[photometric]}")
    if page.first(SAMPLE_FORMAT, 1) != 1:
        return InvalidImage("unsupported-layout", "a TIFF of signed or floating-point samples")
    if bits not in (8, 16) and (bits not in (1, 2, 4) or samples > 1):
        return InvalidImage("unsupported-layout", f"a TIFF of {bits} bits per sample and {samples} samples per pixel")
    if photometric in (CIELAB, ICCLAB) and samples < 3:
        return InvalidImage("unsupported-layout", f"a TIFF in L*a*b* with {samples} samples per pixel")
    if page.first(PLANAR, 1) == 2 and TILE_WIDTH in page.tags:
        return InvalidImage("unsupported-layout", "a TIFF with a plane of tiles per colour")
    return None


def holds_lab(page: Directory) -> bool:
    """Whether samples are L*a*b*, which the decoder does not read."""
    return page.first(PHOTOMETRIC) in (CIELAB, ICCLAB) and page.first(SAMPLES) >= 3


def holds_ycbcr(page: Directory) -> bool:
    """Whether samples are YCbCr that the decoder does not convert; it only converts those compressed by JPEG."""
    return page.first(PHOTOMETRIC) == YCBCR and page.first(COMPRESSION, 1) not in (6, 7) and page.first(SAMPLES) >= 3


def is_subsampled(page: Directory) -> bool:
    """Whether a page in YCbCr has fewer samples of chroma than of luma, which is the default."""
    return not page.cut_off and page.tags.get(SUBSAMPLING, (2, 2)) != (1, 1)


def visible_samples(page: Directory) -> list[int]:
    """The indexes of a pixel's samples that are colours or alpha; [] means all of them.

    The other samples are masks and spot colours; a decoder that takes the first of them for alpha hides the picture.
    """
    extra, colours = page.tags.get(EXTRA_SAMPLES, ()), _COLOURS.get(page.first(PHOTOMETRIC), 0)
    if not extra or not colours or colours + len(extra) != page.first(SAMPLES):
        return []
    alpha = [colours + at for at, meaning in enumerate(extra) if meaning in _ALPHAS]
    return [*range(colours), *alpha[:1]]


def as_rgb(data: bytes, page: Directory) -> bytes:
    """Declare the page's samples as RGB, so that the decoder returns them unchanged."""
    changed = bytearray(data)
    letters, at = page.photometric_at
    struct.pack_into(letters, changed, at, RGB)
    return bytes(changed)


class _Reader:
    """Reads classic and big TIFF in both byte orders. Reads each directory once, so circular offsets end."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.order = "<" if data[:2] == b"II" else ">"
        self.big = 43 in data[2:4]
        self.seen: set[int] = set()

    def pages(self) -> Iterator[Directory]:
        at = self._number("Q" if self.big else "I", 8 if self.big else 4)
        while at and at not in self.seen and len(self.seen) < _DIRECTORIES:
            page, at = self._directory(at)
            if page:
                page.children = list(self._children(page))
                yield page

    def _children(self, parent: Directory) -> Iterator[Directory]:
        for start in parent.tags.get(CHILDREN, ()):
            if start not in self.seen and len(self.seen) < _DIRECTORIES:
                child, _ = self._directory(start)
                if child:
                    child.children = list(self._children(child))
                    yield child

    def _directory(self, start: int) -> tuple[Directory | None, int]:
        """A directory and the offset of the next one (0: none)."""
        self.seen.add(start)
        counting, entry = ("Q", 20) if self.big else ("H", 12)
        count = self._number(counting, start)
        first = start + struct.calcsize(counting)
        directory = Directory({})
        if not 0 < count <= 4096 or first + count * entry > len(self.data):
            return None, 0
        for at in range(first, first + count * entry, entry):
            tag = self._number("H", at)
            if tag in _KEPT:
                directory.tags[tag] = self._values(at)
            if tag == PHOTOMETRIC:
                letter = "I" if self._number("H", at + 2) == 4 else "H"
                directory.photometric_at = self.order + letter, at + (12 if self.big else 8)
        directory.cut_off = not all(directory.tags.values())
        directory.tags = {tag: values for tag, values in directory.tags.items() if values}
        return directory, self._number("Q" if self.big else "I", first + count * entry)

    def _values(self, entry: int) -> tuple[int, ...]:
        letter = _WIDTHS.get(self._number("H", entry + 2), "B")
        wide = "Q" if self.big else "I"
        count = min(self._number(wide, entry + 4), _VALUES)
        place = entry + (12 if self.big else 8)
        if count * struct.calcsize(letter) > struct.calcsize(wide):
            place = self._number(wide, place)
        try:
            return struct.unpack_from(f"{self.order}{count}{letter}", self.data, place)
        except (struct.error, OverflowError):  # big TIFF has offsets that no memory has
            return ()

    def _number(self, letter: str, at: int) -> int:
        try:
            (number,) = struct.unpack_from(self.order + letter, self.data, at)
        except (struct.error, OverflowError):  # big TIFF has offsets that no memory has
            return 0
        return int(number)
