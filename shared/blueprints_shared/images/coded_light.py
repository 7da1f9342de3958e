"""Converts samples to linear light and back to sRGB, for images that declare their colours without an ICC profile.

HDR (PQ, HLG) is mapped to the range of sRGB: reference white (203 cd/m², BT.2408) becomes sRGB's white. If the image
has brighter highlights, the curve of BT.2390 compresses them; otherwise its colours do not change.
"""

from typing import Any

import pyvips

from blueprints_shared.images.colour_coding import BT709, Coding, Point, Primaries

Matrix = tuple[tuple[float, float, float], ...]

_WHITE = 203.0  # cd/m² of HDR reference white, ITU-R BT.2408
_PQ_PEAK = 10_000.0
_HLG_PEAK = 1_000.0
_M1, _M2 = 2610 / 16384, 2523 / 4096 * 128  # ITU-R BT.2100, table 4
_C1, _C2, _C3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
_BT2020_LUMA = (0.2627, 0.6780, 0.0593)
_BRADFORD: Matrix = ((0.8951, 0.2664, -0.1614), (-0.7502, 1.7135, 0.0367), (0.0389, -0.0685, 1.0296))


def to_srgb(image: Any, coding: Coding) -> Any:
    """Convert an image of 8 or 16 bits in memory to 8-bit sRGB or grey. Its alpha is kept."""
    colours, alpha = (image[: image.bands - 1], image[image.bands - 1]) if image.hasalpha() else (image, None)
    table = _light_table(image, coding)
    grey, hdr = colours.bands == 1, coding.transfer in ("pq", "hlg")
    if hdr or (coding.primaries != BT709 and not grey):
        converted = _encode(_light(colours.maplut(table), coding))
    else:
        # Each channel is independent, so the table holds the resulting samples.
        converted = colours.maplut(_encode(table)[0])
    converted = converted.copy(interpretation="b-w" if grey else "srgb")
    if alpha is None:
        return converted
    scaled = alpha if alpha.format == "uchar" else alpha * (255 / _full_scale(image))
    return converted.bandjoin(scaled.rint().cast("uchar"))


def _full_scale(image: Any) -> int:
    """The greatest sample. libvips shifts samples of 9 to 15 bits up, so it can be less than 65,535."""
    if image.format == "uchar":
        return 255
    bits = image.get("bits-per-sample") if image.get_typeof("bits-per-sample") else 16
    return ((1 << bits) - 1) << (16 - bits) if 8 < bits <= 16 else 65_535


def _light_table(image: Any, coding: Coding) -> Any:
    """Linear light for every possible sample; 1.0 is sRGB's white."""
    eight = image.format == "uchar"
    sample = pyvips.Image.identity() if eight else pyvips.Image.identity(ushort=True, size=65_536)
    value = sample / _full_scale(image) if coding.full_range else (sample / (1 if eight else 256) - 16) / 219
    return _linear(_clipped(value), coding)


def _clipped(value: Any) -> Any:
    value = (value > 1).ifthenelse(1, value)
    return (value < 0).ifthenelse(0, value)


def _linear(value: Any, coding: Coding) -> Any:
    """Apply the transfer function to samples of 0 to 1; the result is light (for HLG, scene light)."""
    match coding.transfer:
        case "srgb":
            return (value <= 0.04045).ifthenelse(value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
        case "bt709":
            return (value < 0.0812).ifthenelse(value / 4.5, ((value + 0.0993) / 1.0993) ** (1 / 0.45))
        case "smpte240":
            return (value < 0.0913).ifthenelse(value / 4, ((value + 0.1115) / 1.1115) ** (1 / 0.45))
        case "smpte428":
            return value**2.6 * (52.37 / 48)
        case "log100":
            return (value > 0).ifthenelse((value * 2 - 2).exp10(), 0)
        case "log316":
            return (value > 0).ifthenelse((value * 2.5 - 2.5).exp10(), 0)
        case "pq":
            return _from_pq(value) * (_PQ_PEAK / _WHITE)
        case "hlg":
            return (value <= 0.5).ifthenelse(
                value**2 / 3, (((value - 0.55991073) / 0.17883277).exp() + 0.28466892) / 12
            )
    return value**coding.gamma


def _light(light: Any, coding: Coding) -> Any:
    """Convert light to BT.709's primaries, and map HDR to the range of an sRGB screen."""
    grey = light.bands == 1
    if coding.transfer == "hlg":
        luma = light if grey else light.recomb([list(_BT2020_LUMA)])
        light = light * luma**0.2 * (_HLG_PEAK / _WHITE)
    if not grey and coding.primaries != BT709:
        light = light.recomb([list(row) for row in _to_bt709(coding.primaries)])
    if coding.transfer in ("pq", "hlg"):
        light = _compress_highlights(light.copy_memory())
    return light


def _compress_highlights(light: Any) -> Any:
    """Apply the curve of ITU-R BT.2390, 5.4.1, to the greatest channel, which keeps hues, up to the image's peak."""
    strongest = light if light.bands == 1 else light[0].bandrank([light[1], light[2]], index=2)
    peak = strongest.max()
    if peak <= 1:
        return light
    strongest = (strongest > 1e-6).ifthenelse(strongest, 1e-6)
    source_peak = _to_pq(peak * _WHITE / _PQ_PEAK)
    white = _to_pq(_WHITE / _PQ_PEAK) / source_peak
    knee = 1.5 * white - 0.5
    signal = _to_pq(strongest * (_WHITE / _PQ_PEAK)) / source_peak
    t = (signal - knee) / (1 - knee)
    spline = (
        (t**3 * 2 - t**2 * 3 + 1) * knee + (t**3 - t**2 * 2 + t) * (1 - knee) + (t**2 * 3 - t**3 * 2) * white
    )  # Hermite
    toned = _from_pq((signal < knee).ifthenelse(signal, spline) * source_peak) * (_PQ_PEAK / _WHITE)
    return light * (toned / strongest)


def _from_pq(value: Any) -> Any:
    """Light as a share of 10,000 cd/m²."""
    power = value ** (1 / _M2)
    above = power - _C1
    above = (above > 0).ifthenelse(above, 0)
    return (above / (_C2 - power * _C3)) ** (1 / _M1)


def _to_pq(light: Any) -> Any:
    power = light**_M1
    return ((power * _C2 + _C1) / (power * _C3 + 1)) ** _M2


def _encode(light: Any) -> Any:
    """Convert linear light to 8-bit sRGB, clipped to its range."""
    three = light if light.bands == 3 else light.bandjoin([light, light])
    encoded = three.cast("float").copy(interpretation="scrgb").colourspace("srgb")
    return encoded if light.bands == 3 else encoded[0]


# ── Primaries ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _to_bt709(primaries: Primaries) -> Matrix:
    """The matrix from linear light in `primaries` to BT.709; a different white point is adapted (Bradford)."""
    adapted = _product(_adaptation(primaries.white, BT709.white), _to_xyz(primaries))
    return _product(_inverse(_to_xyz(BT709)), adapted)


def _to_xyz(primaries: Primaries) -> Matrix:
    columns = [_xyz(point) for point in (primaries.red, primaries.green, primaries.blue)]
    matrix = tuple(zip(*columns, strict=True))
    scale = _apply(_inverse(matrix), _xyz(primaries.white))
    return tuple(tuple(value * by for value, by in zip(row, scale, strict=True)) for row in matrix)


def _adaptation(source: Point, target: Point) -> Matrix:
    cones = zip(_apply(_BRADFORD, _xyz(target)), _apply(_BRADFORD, _xyz(source)), strict=True)
    scale = [new / old for new, old in cones]
    scaled = tuple(tuple(value * by for value in row) for row, by in zip(_BRADFORD, scale, strict=True))
    return _product(_inverse(_BRADFORD), scaled)  # type: ignore[arg-type]


def _xyz(point: Point) -> tuple[float, float, float]:
    """XYZ of a chromaticity with Y = 1; a primary without Y (of XYZ itself) is returned unchanged."""
    x, y = point
    return (x / y, 1.0, (1 - x - y) / y) if y else (x, 0.0, 1 - x)


def _apply(matrix: Matrix, vector: tuple[float, float, float]) -> tuple[float, float, float]:
    return tuple(sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix)  # type: ignore[return-value]


def _product(left: Matrix, right: Matrix) -> Matrix:
    columns = list(zip(*right, strict=True))
    return tuple(tuple(sum(a * b for a, b in zip(row, column, strict=True)) for column in columns) for row in left)


def _inverse(matrix: Matrix) -> Matrix:
    (a, b, c), (d, e, f), (g, h, i) = matrix
    det = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)
    rows = (
        (e * i - f * h, c * h - b * i, b * f - c * e),
        (f * g - d * i, a * i - c * g, c * d - a * f),
        (d * h - e * g, b * g - a * h, a * e - b * d),
    )
    return tuple(tuple(value / det for value in row) for row in rows)  # type: ignore[misc]
