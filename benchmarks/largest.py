"""The largest images that s3-image-processing accepts, in the formats whose decoders take the most memory.

The pixels are smooth noise, as a decoder's memory depends on their number and depth only. The file of the 16-bit PNG is
larger than the pattern's MAX_BYTES, which the comparison takes into account. libvips does not write the box that marks
an AVIF as HDR, so it is added here.
"""

import json
import struct
import sys
from pathlib import Path
from typing import Any

from benchmarks.processes import run_for_json
from blueprints import cache

NAMES = {
    "avif12": "12-bit AVIF with transparency",
    "hdr": "12-bit HDR AVIF with transparency",
    "png16": "16-bit interlaced PNG with transparency",
    "png8": "8-bit interlaced PNG with transparency",
    "progressive": "progressive JPEG",
    "tiff": "tiled 16-bit TIFF with transparency",
    "webp": "WebP with transparency",
    "lossless": "lossless WebP with transparency",
    "gif": "animated GIF",
}
_LAYOUT = "1"


def largest(kind: str, side: int) -> Path:
    """Return the path of a square image of that kind in the cache; make it if needed."""
    place = cache.folder("benchmarks", f"largest-{_LAYOUT}") / f"{kind}-{side}"

    def make(fresh: Path) -> None:
        run_for_json([sys.executable, "-m", "benchmarks.largest", kind, str(side), fresh])

    cache.made_once(place, make)
    return place / "image"


def _make(kind: str, side: int) -> bytes:
    import pyvips

    deep = kind in ("avif12", "hdr", "png16", "tiff")
    image = _picture(pyvips, side, 4 if kind not in ("progressive", "gif") else 3, deep=deep)
    if kind in ("avif12", "hdr"):
        data: bytes = image.heifsave_buffer(
            compression="av1", Q=50, bitdepth=12, effort=0, subsample_mode="off", keep=0
        )
        return data if kind == "avif12" else _with_pq(data)
    if kind in ("png16", "png8"):
        return bytes(image.pngsave_buffer(interlace=True, compression=1, filter="up"))
    if kind == "progressive":
        return bytes(image.jpegsave_buffer(Q=90, interlace=True, subsample_mode="off"))
    if kind == "tiff":
        return bytes(image.tiffsave_buffer(tile=True, tile_width=256, tile_height=256, compression="deflate"))
    if kind == "gif":
        frames = image.join(image.flip("horizontal"), "vertical")
        frames.set_type(pyvips.GValue.gint_type, "page-height", side)
        return bytes(frames.gifsave_buffer(effort=1))
    return bytes(image.webpsave_buffer(lossless=kind == "lossless", Q=60, effort=0))


def _picture(vips: Any, side: int, bands: int, *, deep: bool) -> Any:
    scale = 64
    noise = [
        vips.Image.gaussnoise(side // scale + 2, side // scale + 2, mean=128, sigma=40, seed=at) for at in range(4)
    ]
    image = noise[0].bandjoin(noise[1:bands]).resize(scale, kernel="linear").crop(0, 0, side, side)
    if deep:
        return (image * 257).cast("ushort").copy(interpretation="rgb16")
    return image.cast("uchar").copy(interpretation="srgb")


def _with_pq(avif: bytes) -> bytes:
    """Return the AVIF marked as PQ in BT.2020: a `colr` box replaces the optional `pixi` box."""
    # The 16 bytes of pixi become 19 bytes of colr, so everything behind moves by 3.
    at = avif.index(b"pixi") - 4
    size = struct.unpack_from(">I", avif, at)[0]
    box = struct.pack(">I8sHHHB", 19, b"colrnclx", 9, 16, 6, 0x80)
    made = bytearray(avif[:at] + box + avif[at + size :])
    moved = len(box) - size
    for name in (b"meta", b"iprp", b"ipco"):
        place = avif.index(name) - 4
        struct.pack_into(">I", made, place, struct.unpack_from(">I", avif, place)[0] + moved)
    place = avif.index(b"iloc") + 12
    for _ in range(struct.unpack_from(">H", avif, place - 2)[0]):
        struct.pack_into(">I", made, place + 4, struct.unpack_from(">I", avif, place + 4)[0] + moved)
        place += 10 + 8 * struct.unpack_from(">H", avif, place + 8)[0]
    return bytes(made)


if __name__ == "__main__":
    Path(sys.argv[3], "image").write_bytes(_make(sys.argv[1], int(sys.argv[2])))
    print(json.dumps("made"))
