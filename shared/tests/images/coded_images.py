"""Images that declare their colours by chunks, boxes and profiles, and the formulas for the expected sRGB.

Nothing here uses the code under test: the formulas are those of ITU-R BT.709, BT.2020, BT.2100 and IEC 61966-2-1.
"""

import struct
import zlib

import pyvips

# To linear BT.709, from their public matrices (rows).
P3_TO_BT709 = ((1.2249401, -0.2249402, 0.0), (-0.0420569, 1.0420571, 0.0), (-0.0196376, -0.0786507, 1.0982884))
BT2020_TO_BT709 = ((1.660491, -0.587641, -0.072850), (-0.124550, 1.132900, -0.008349), (-0.018151, -0.100579, 1.118730))
_PQ = 2610 / 16384, 2523 / 4096 * 128, 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32


def srgb_to_light(value):
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


def light_to_srgb(light):
    light = min(1.0, max(0.0, light))
    return 255 * (light * 12.92 if light <= 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055)


def bt709_to_light(value):
    return value / 4.5 if value < 0.081 else ((value + 0.099) / 1.099) ** (1 / 0.45)


def light_to_pq(light):
    """Light in cd/m² to a sample of 0 to 1."""
    m1, m2, c1, c2, c3 = _PQ
    power = (light / 10_000) ** m1
    return ((c1 + c2 * power) / (1 + c3 * power)) ** m2


def pq_to_light(value):
    m1, m2, c1, c2, c3 = _PQ
    power = value ** (1 / m2)
    return 10_000 * (max(0.0, power - c1) / (c2 - c3 * power)) ** (1 / m1)


def hlg_to_light(pixel):
    """Samples to what a display of 1,000 cd/m² shows, in cd/m²."""
    scene = [
        x * x / 3 if x <= 0.5 else (2.718281828459 ** ((x - 0.55991073) / 0.17883277) + 0.28466892) / 12 for x in pixel
    ]
    luma = 0.2627 * scene[0] + 0.6780 * scene[1] + 0.0593 * scene[2]
    return [1000 * luma**0.2 * each for each in scene]


def times(matrix, vector):
    return [sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix]


def flat(pixel, bits=8, size=(64, 48)):
    """An image of one colour; samples of 0 to 1."""
    top = (1 << bits) - 1
    image = pyvips.Image.black(*size, bands=len(pixel)) + [round(value * top) for value in pixel]
    sixteen = bits > 8
    names = {1: ("b-w", "grey16"), 2: ("b-w", "grey16"), 3: ("srgb", "rgb16"), 4: ("srgb", "rgb16")}
    return image.cast("ushort" if sixteen else "uchar").copy(interpretation=names[len(pixel)][sixteen])


def png(image, *chunks, profile=None):
    """A PNG with further chunks, (name, content), before its pixels."""
    if profile:
        image = image.copy()
        image.set_type(pyvips.GValue.blob_type, "icc-profile-data", profile)
    data = image.pngsave_buffer(keep="icc" if profile else 0)
    return data[:33] + b"".join(chunk(*each) for each in chunks) + data[33:]


def chunk(name, content, crc=None):
    crc = zlib.crc32(name + content) if crc is None else crc
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", crc)


def cicp(primaries, transfer, full_range=1, matrix=0):
    return b"cICP", bytes([primaries, transfer, matrix, full_range])


def gama(gamma):
    return b"gAMA", struct.pack(">I", round(gamma * 100_000))


def chrm(*numbers):
    """White, red, green and blue, x and y each."""
    return b"cHRM", struct.pack(">8I", *(round(number * 100_000) for number in numbers))


def avif(image, bits=8, nclx=None, profile=None, quality=95):
    """An AVIF; `nclx` is its primaries and its transfer, in a box that libvips does not write."""
    if profile:
        image = image.copy()
        image.set_type(pyvips.GValue.blob_type, "icc-profile-data", profile)
    data = image.heifsave_buffer(
        compression="av1", Q=quality, bitdepth=bits, effort=1, subsample_mode="off", keep="icc" if profile else 0
    )
    return data if nclx is None else _with_nclx(data, nclx)


def _with_nclx(data, nclx):
    """Insert a `colr` box before the other properties, for every item, and shift what follows."""
    box = struct.pack(">I8sHHHB", 19, b"colrnclx", *nclx, 6, 0x80)
    ipma = data.index(b"ipma") - 4
    items = struct.unpack_from(">I", data, ipma + 12)[0]
    new_ipma, at = b"", ipma + 16
    for _ in range(items):
        count = data[at + 2]
        # Every index moves up by one; the new box, the first, is not essential.
        old = bytes((each & 0x80) | ((each & 0x7F) + 1) for each in data[at + 3 : at + 3 + count])
        new_ipma += data[at : at + 2] + bytes([count + 1, 1]) + old
        at += 3 + count
    new_ipma = struct.pack(">I", 16 + len(new_ipma)) + data[ipma + 4 : ipma + 16] + new_ipma
    ipco = data.index(b"ipco") - 4
    made = bytearray(data[: ipco + 8] + box + data[ipco + 8 : ipma] + new_ipma + data[at:])
    grown = len(box) + items
    for name, by in ((b"meta", grown), (b"iprp", grown), (b"ipco", len(box))):
        place = data.index(name) - 4
        struct.pack_into(">I", made, place, struct.unpack_from(">I", made, place)[0] + by)
    _shift_items(made, grown)
    return bytes(made)


def _shift_items(data, by):
    """Move the places of the items' data; libvips writes version 0, with 4 bytes each."""
    iloc = data.index(b"iloc") - 4
    assert data[iloc + 8] == 0
    assert data[iloc + 12 : iloc + 14] == b"\x44\x40"
    items, at = struct.unpack_from(">H", data, iloc + 14)[0], iloc + 16
    for _ in range(items):
        place = at + 4
        struct.pack_into(">I", data, place, struct.unpack_from(">I", data, place)[0] + by)
        extents, at = struct.unpack_from(">H", data, at + 8)[0], at + 10
        for _ in range(extents):
            at += 8


def grey_profile(gamma):
    """An ICC profile for grey with that exponent."""
    return icc_profile(b"GRAY", {b"wtpt": _xyz(0.9642, 1, 0.8249), b"kTRC": _curve(gamma)})


def icc_profile(model, tags):
    """A display profile, version 2, with these tags."""
    content, table, at = b"", b"", 128 + 4 + 12 * len(tags)
    for name, tag in tags.items():
        padded = tag + bytes(-len(tag) % 4)
        table += struct.pack(">4sII", name, at + len(content), len(tag))
        content += padded
    size = at + len(content)
    header = struct.pack(">I4sI4s4s4s12x4s", size, b"lcms", 0x02400000, b"mntr", model, b"XYZ ", b"acsp")
    header = header.ljust(68, b"\0") + struct.pack(">3i", 63190, 65536, 54061)
    return header.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + content


def _xyz(*values):
    return struct.pack(">4s4x3i", b"XYZ ", *(round(value * 65536) for value in values))


def _curve(gamma):
    return struct.pack(">4s4xIH", b"curv", 1, round(gamma * 256))
