"""HEIF files that this libvips can write."""

import pyvips


def heif_of_av1(image: pyvips.Image) -> bytes:
    """An AV1 picture in a file whose brands say only that it is HEIF."""
    data = bytes(image.heifsave_buffer(compression="av1", Q=90))
    brands = b"mif1" + bytes(4) + b"mif1miaf"
    length = int.from_bytes(data[:4], "big")
    return data[:8] + brands + b"mif1" * ((length - 8 - len(brands)) // 4) + data[length:]
