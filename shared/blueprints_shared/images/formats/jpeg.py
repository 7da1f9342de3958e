"""JPEG: the coding process, and whether the file contains every scan."""

import re
from collections.abc import Iterator

from blueprints_shared.images.errors import InvalidImage, too_large

END = b"\xff\xd9"

_START_OF_SCAN = 0xDA
_LONGEST_SIDE = 65_500  # pixels that libjpeg reads, of the 65,535 that the format allows
_MARKER = re.compile(rb"\xff([^\x00\xd0-\xd7\xff])")  # not a stuffed zero, a restart or a fill byte
_WITHOUT_LENGTH = {0x01, 0xD8, *range(0xD0, 0xD8)}
_FRAMES = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}
_HIERARCHICAL = {0xC5, 0xC6, 0xC7, 0xCD, 0xCE, 0xCF, 0xDE}
_PROCESSES = {0xC3: "lossless", 0xC9: "arithmetic-coded", 0xCA: "arithmetic-coded", 0xCB: "lossless", 0xF7: "JPEG-LS"}


def find_unsupported(data: bytes) -> InvalidImage | None:
    """The feature that the decoder does not support, or None. Call it after decoding failed."""
    for marker, segment in _segments(data):
        if marker in _HIERARCHICAL:
            return InvalidImage("unsupported-codec", "a hierarchical JPEG, which the library does not decode")
        if marker in _FRAMES and segment:
            if segment[0] != 8:
                return InvalidImage("unsupported-layout", f"a JPEG of {segment[0]} bits per sample; 8 are supported")
            if marker in _PROCESSES:
                return InvalidImage(
                    "unsupported-codec", f"a JPEG ({_PROCESSES[marker]}) that the library does not decode"
                )
            height, width = int.from_bytes(segment[1:3], "big"), int.from_bytes(segment[3:5], "big")
            return too_large("JPEG", width, height) if max(width, height) > _LONGEST_SIDE else None
    return None


def has_every_scan(data: bytes) -> bool:
    """Whether the scans contain every coefficient of every component to its last bit.

    A progressive file that ends between two scans decodes without a warning, but coarsely.
    """
    components: set[int] = set()
    complete: set[tuple[int, int]] = set()
    for marker, segment in _segments(data):
        if marker in _FRAMES and len(segment) >= 6:
            components = set(segment[6::3])
        elif marker == _START_OF_SCAN and segment:
            count = segment[0]
            first, last, approximation = (segment[1 + 2 * count :] + bytes(3))[:3]
            if approximation & 0x0F == 0:
                complete |= {(each, at) for each in segment[1 : 1 + 2 * count : 2] for at in range(first, last + 1)}
    return bool(components) and all((each, at) in complete for each in components for at in range(64))


def _segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Each marker with its segment, without the coded data, up to the end marker or the end of the data."""
    at = 2
    while found := _MARKER.search(data, at):
        marker, at = found[1][0], found.end()
        if marker == END[1]:
            return
        if marker in _WITHOUT_LENGTH:
            continue
        length = int.from_bytes(data[at : at + 2], "big")
        yield marker, data[at + 2 : at + length]
        at += max(2, length)
