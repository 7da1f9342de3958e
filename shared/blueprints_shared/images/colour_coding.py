"""Reads colour declarations other than ICC profiles: chunks of PNG, and the `colr` box of AVIF and HEIF.

Sources: PNG third edition (cICP, sRGB, gAMA, cHRM), ISO/IEC 14496-12 (colr), ITU-T H.273 (code points).
"""

import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from blueprints_shared.images.formats import heif

Point = tuple[float, float]


class Primaries(NamedTuple):
    """The CIE 1931 x and y of the three primaries and of white."""

    red: Point
    green: Point
    blue: Point
    white: Point


class Coding(NamedTuple):
    """The meaning of samples: primaries, transfer function, and whether they use the full range (or 16 to 235 of 255).

    `transfer` names the transfer function. If it is "gamma", `gamma` is the exponent from samples to light.
    """

    primaries: Primaries
    transfer: str
    gamma: float = 1.0
    full_range: bool = True


_D65, _C, _E, _DCI = (0.3127, 0.3290), (0.310, 0.316), (1 / 3, 1 / 3), (0.314, 0.351)
BT709 = Primaries((0.640, 0.330), (0.300, 0.600), (0.150, 0.060), _D65)
_BT601 = Primaries((0.630, 0.340), (0.310, 0.595), (0.155, 0.070), _D65)
_PRIMARIES = {
    1: BT709,
    4: Primaries((0.67, 0.33), (0.21, 0.71), (0.14, 0.08), _C),
    5: Primaries((0.64, 0.33), (0.29, 0.60), (0.15, 0.06), _D65),
    6: _BT601,
    7: _BT601,
    8: Primaries((0.681, 0.319), (0.243, 0.692), (0.145, 0.049), _C),
    9: Primaries((0.708, 0.292), (0.170, 0.797), (0.131, 0.046), _D65),
    10: Primaries((1.0, 0.0), (0.0, 1.0), (0.0, 0.0), _E),
    11: Primaries((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), _DCI),
    12: Primaries((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), _D65),
    22: Primaries((0.630, 0.340), (0.295, 0.605), (0.155, 0.077), _D65),
}
# Code points 11 and 12 extend BT.709 to negative light, which unsigned samples do not have.
_TRANSFERS = {
    **dict.fromkeys((1, 6, 11, 12, 14, 15), ("bt709", 1.0)),
    4: ("gamma", 2.2),
    5: ("gamma", 2.8),
    7: ("smpte240", 1.0),
    8: ("gamma", 1.0),
    9: ("log100", 1.0),
    10: ("log316", 1.0),
    13: ("srgb", 1.0),
    16: ("pq", 1.0),
    17: ("smpte428", 1.0),
    18: ("hlg", 1.0),
}
SRGB = Coding(BT709, "srgb")


def from_code_points(primaries: int, transfer: int, *, full_range: bool = True) -> Coding:
    """The coding of H.273's code points; unspecified and reserved ones mean sRGB, as in browsers."""
    name, gamma = _TRANSFERS.get(transfer, _TRANSFERS[13])
    return Coding(_PRIMARIES.get(primaries, BT709), name, gamma, full_range)


class Signals(NamedTuple):
    """What a file declares: `stronger` takes precedence over its ICC profile, `weaker` applies if it has none."""

    stronger: Coding | None = None
    weaker: Coding | None = None


def read_signals(data: bytes, kind: str) -> Signals:
    """Read what a file of that kind declares; parts that cannot be parsed are ignored."""
    try:
        if kind == "png":
            return _png_signals(data)
        if kind in ("avif", "heif"):
            return Signals(weaker=_heif_coding(data))
    except (struct.error, IndexError, ValueError):
        pass
    return Signals()


# ── PNG ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _png_signals(data: bytes) -> Signals:
    """The order of precedence is cICP, iCCP, sRGB, then gAMA and cHRM (PNG third edition, 4.3)."""
    chunks = dict(_colour_chunks(data))
    stronger = None
    if len(cicp := chunks.get(b"cICP", b"")) == 4 and cicp[2] == 0:  # the third is a matrix, which RGB does not have
        stronger = from_code_points(cicp[0], cicp[1], full_range=cicp[3] != 0)
    if b"sRGB" in chunks:
        return Signals(stronger)
    return Signals(stronger, _of_gamma_and_chromaticities(chunks.get(b"gAMA", b""), chunks.get(b"cHRM", b"")))


def _colour_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The colour chunks before the pixels, if their checksum is correct."""
    at = 8
    while at + 12 <= len(data):
        length, name = struct.unpack_from(">I4s", data, at)
        if name in (b"IDAT", b"IEND"):
            return
        if name in (b"cICP", b"sRGB", b"gAMA", b"cHRM") and length <= 32:
            body = data[at + 8 : at + 8 + length]
            if data[at + 8 + length : at + 12 + length] == struct.pack(">I", zlib.crc32(name + body)):
                yield name, body
        at += 12 + length


def _of_gamma_and_chromaticities(gama: bytes, chrm: bytes) -> Coding | None:
    """The coding that gAMA and cHRM declare; None if it is sRGB."""
    primaries = _chromaticities(chrm) or BT709
    stored = struct.unpack(">I", gama)[0] / 100_000 if len(gama) == 4 else 0.0
    # Writers of sRGB store 1/2.2, the nearest power, for readers that do not support sRGB.
    near_srgb = primaries == BT709 and abs(stored * 2.2 - 1) < 0.01
    if not 0.01 <= stored <= 10 or near_srgb:
        return None if primaries == BT709 else Coding(primaries, "srgb")
    return Coding(primaries, "gamma", 1 / stored)


def _chromaticities(chrm: bytes) -> Primaries | None:
    """cHRM's primaries; None if they are impossible, and exactly BT709 if they differ from it by rounding only."""
    if len(chrm) != 32:
        return None
    numbers = [number / 100_000 for number in struct.unpack(">8I", chrm)]
    white, red, green, blue = zip(numbers[::2], numbers[1::2], strict=True)
    area = (green[0] - red[0]) * (blue[1] - red[1]) - (green[1] - red[1]) * (blue[0] - red[0])
    if max(numbers) > 1 or white[1] < 0.01 or abs(area) < 0.001:
        return None
    near = zip((white, red, green, blue), (BT709.white, BT709.red, BT709.green, BT709.blue), strict=True)
    if all(abs(ours - theirs) <= 0.002 for pair in near for ours, theirs in zip(*pair, strict=True)):
        return BT709
    return Primaries(red, green, blue, white)


# ── AVIF and HEIF ───────────────────────────────────────────────────────────────────────────────────────────────────


def _heif_coding(data: bytes) -> Coding | None:
    """The nclx declaration of the primary picture, or else of its first tile."""
    for name, body in heif.properties(data):
        if name == b"colr" and bytes(body[:4]) == b"nclx":
            return from_code_points(*struct.unpack_from(">HH", body, 4))
    return None
