"""Makes images that compress like photos: the same seed gives the same pixels on every machine.

The pixels are noise in octaves of 512 down to 2 pixels, hard edges, colour and a sensor's grain, so that codecs have
about as much work as with a phone's picture. As phones do, the picture is stored rotated, with the EXIF orientation,
and has a colour profile: sRGB, or Display P3 for one of the pictures.
"""

import json
import math
import sys
from pathlib import Path
from typing import Any

from benchmarks.processes import run_for_json
from blueprints import cache

SIZES = {0: (64, 48), 3: (2000, 1500), 12: (4000, 3000), 48: (8000, 6000)}
"""Megapixels to width and height; 0 is for warming up."""
KINDS = ("jpeg", "progressive", "png", "webp", "p3", "uhdr")

_ORIENTATION = 6
_OCTAVES = ((512, 55), (128, 35), (32, 22), (8, 12), (2, 5))
_LAYOUT = "3"


def photo(megapixels: int, kind: str) -> Path:
    """Return the path of a photo in the cache; make it if needed."""
    place = cache.folder("benchmarks", f"photos-{_LAYOUT}") / str(megapixels)

    def make(fresh: Path) -> None:
        run_for_json([sys.executable, "-m", "benchmarks.photos", str(megapixels), fresh])

    cache.made_once(place, make)
    return place / f"photo.{kind}"


def _make(width: int, height: int, into: Path) -> None:
    import pyvips

    image = _picture(pyvips, width, height).copy_memory()
    image.set_type(pyvips.GValue.gint_type, "orientation", _ORIENTATION)
    image.set_type(pyvips.GValue.blob_type, "icc-profile-data", pyvips.Image.profile_load("srgb"))
    (into / "photo.jpeg").write_bytes(image.jpegsave_buffer(Q=90))
    (into / "photo.progressive").write_bytes(image.jpegsave_buffer(Q=90, interlace=True))
    (into / "photo.png").write_bytes(image.pngsave_buffer(filter="all"))
    (into / "photo.webp").write_bytes(image.webpsave_buffer(Q=90, effort=2))
    (into / "photo.uhdr").write_bytes(_with_gain_map(pyvips, image).uhdrsave_buffer(Q=90))
    image.set_type(pyvips.GValue.blob_type, "icc-profile-data", pyvips.Image.profile_load("p3"))
    (into / "photo.p3").write_bytes(image.jpegsave_buffer(Q=90))


def _with_gain_map(vips: Any, image: Any) -> Any:
    """Return the JPEG with a gain map of a quarter of its width added, as phones do; its own pixels stay the same."""
    gain = image.colourspace("b-w").resize(0.25).jpegsave_buffer(Q=85, keep=0)
    image = image.copy()
    image.set_type(vips.GValue.blob_type, "gainmap-data", gain)
    bounds = {
        "max-content-boost": 4.0,
        "min-content-boost": 1.0,
        "gamma": 1.0,
        "offset-sdr": 1 / 64,
        "offset-hdr": 1 / 64,
    }
    for name, value in bounds.items():
        image.set_type(vips.GValue.array_double_type, f"gainmap-{name}", [value] * 3)
    image.set_type(vips.GValue.gdouble_type, "gainmap-hdr-capacity-min", 1.0)
    image.set_type(vips.GValue.gdouble_type, "gainmap-hdr-capacity-max", 4.0)
    image.set_type(vips.GValue.gint_type, "gainmap-use-base-cg", 1)
    return image


def _picture(vips: Any, width: int, height: int) -> Any:
    def layer(scale: int, sigma: float, seed: int) -> Any:
        across, down = math.ceil(width / scale) + 2, math.ceil(height / scale) + 2
        noise = vips.Image.gaussnoise(across, down, mean=0, sigma=sigma, seed=seed)
        return (noise.resize(scale, kernel="cubic") if scale > 1 else noise).crop(0, 0, width, height)

    light = layer(*_OCTAVES[0], seed=7) + 118
    for number, octave in enumerate(_OCTAVES[1:], start=8):
        light += layer(*octave, seed=number)
    shapes = layer(200, 50, seed=27)
    light += (shapes > 20).ifthenelse(40, 0) + (shapes < -30).ifthenelse(-45, 0)
    bands = [light + layer(256, 18, seed=37 + band) + layer(1, 1.5, seed=47 + band) for band in range(3)]
    return bands[0].bandjoin(bands[1:]).cast("uchar").copy(interpretation="srgb")


if __name__ == "__main__":
    _make(*SIZES[int(sys.argv[1])], Path(sys.argv[2]))
    print(json.dumps("made"))
