"""s3-image-processing's work without AWS: one image in, three renditions out, by the function that the handler calls.

The peer does what public samples do: Pillow opens the source, makes a thumbnail and saves it, once per rendition. Its
quality setting is raised until each rendition's PSNR, against a Lanczos reduction of the whole picture, is within
0.1 dB of ours. It neither turns the picture upright nor heeds its colour profile; ours does both in the time given,
and so does a second peer. An sRGB profile needs no conversion, so a picture in Display P3 is measured as well.
The floor decodes once, at the smallest size that the decoder itself can shrink to, and encodes three renditions made
beforehand. One thread each. Speed is that of a warm environment: each process has seen the file once before. Memory is
that of a process which sees it for the first time.
"""

import io
import json
import math
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import peers
from benchmarks.claims import Claim, Missing, Target
from benchmarks.harness import Bench, Unavailable, Way
from benchmarks.photos import photo
from benchmarks.processes import ROOT, ask, fresh, tell

TITLE = "Renditions of an image"

SIZES = (1600, 800, 200)
QUALITY = 80
WITHIN_DB = 0.1
_PATTERN = ROOT / "patterns" / "s3-image-processing"
_SHARP = Path(__file__).with_name("sharp_renditions.cjs")
_ONE_THREAD = {"VIPS_CONCURRENCY": "1", "OMP_NUM_THREADS": "1"}


@dataclass(frozen=True)
class Case:
    """An input and what is to be made of it."""

    source: str
    output: str
    faster: float | None = None
    """Times the peer's speed to reach."""
    near_floor: float | None = None
    """Times the floor's time that may be taken."""

    def named(self, megapixels: int) -> str:
        """As the table has it."""
        return f"{megapixels} MP {_WORDS[self.source]} to three {_WORDS[self.output]} renditions"


_WORDS = {
    "jpeg": "JPEG",
    "p3": "Display P3 JPEG",
    "uhdr": "Ultra HDR JPEG",
    "progressive": "progressive JPEG",
    "png": "PNG",
    "webp": "WebP",
}
CASES = (
    Case("jpeg", "jpeg", faster=3.5, near_floor=1.9),
    Case("png", "jpeg", faster=4.0),
    Case("webp", "jpeg", faster=2.5),
    Case("jpeg", "webp", faster=2.2),
)
PEAKS = {"jpeg": 100, "webp": 100, "png": 400, "progressive": 400}
"""Megabytes that a fresh process may take for 48 megapixels."""


def compare(bench: Bench) -> Iterable[Claim | Missing]:
    """Speed at 12 megapixels, memory at 48."""
    note_versions(bench)
    for case in CASES:
        yield from _speed(bench, case, 3 if bench.quick else 12)
    yield from _wide_gamut(bench, 3 if bench.quick else 12)
    yield from _gain_map(bench, 3 if bench.quick else 12)
    yield from _against_sharp(bench, 3 if bench.quick else 12)
    for kind, limit in PEAKS.items():
        yield _memory(bench, Case(kind, "jpeg"), 12 if bench.quick else 48, limit)


def _speed(bench: Bench, case: Case, megapixels: int) -> Iterable[Claim]:
    source = photo(megapixels, case.source)
    quality = _equal_quality(source, case.output)
    ways = {
        "peer": _way("Pillow, each from the source", "peer", source, case.output, quality["qualities"]),
        "same": _way("Pillow, upright and in sRGB too", "same", source, case.output, quality["qualities"]),
        "ours": _way("ours", "ours", source, case.output),
        "floor": _way("decode once, encode three", "floor", source, case.output),
    }
    named = case.named(megapixels)
    timed = bench.measure(named, ways)
    yield Claim(named, timed, target=Target("faster", case.faster) if case.faster else None, note=_said(quality))
    yield Claim(named, timed, against="floor", target=Target("within", case.near_floor) if case.near_floor else None)
    yield Claim(named, timed, against="same")


def _wide_gamut(bench: Bench, megapixels: int) -> Iterable[Claim]:
    """With colours to convert; the plain peer leaves them as they are, so there is no quality to compare."""
    case = Case("p3", "jpeg")
    source, named = photo(megapixels, case.source), case.named(megapixels)
    ways = {
        "peer": _way("Pillow, each from the source", "peer", source, case.output),
        "same": _way("Pillow, upright and in sRGB too", "same", source, case.output),
        "ours": _way("ours", "ours", source, case.output),
    }
    timed = bench.measure(named, ways)
    yield Claim(named, timed)
    yield Claim(named, timed, against="same")


def _gain_map(bench: Bench, megapixels: int) -> Iterable[Claim]:
    """Against the same picture without its gain map, which has nothing to do with the renditions."""
    case = Case("uhdr", "jpeg")
    ways = {
        "peer": _way("ours, without the gain map", "ours", photo(megapixels, "jpeg"), case.output),
        "ours": _way("ours", "ours", photo(megapixels, case.source), case.output),
    }
    named = case.named(megapixels)
    yield Claim(named, bench.measure(named, ways), target=Target("within", 1.1))


def _against_sharp(bench: Bench, megapixels: int) -> Iterable[Claim | Missing]:
    case = CASES[0]
    named = case.named(megapixels)
    try:
        folder = peers.sharp(bench.progress)
    except Unavailable as reason:
        yield Missing(f"{named}, against sharp", str(reason))
        return
    bench.uses("sharp", peers.SHARP)
    bench.uses("Node.js", ask([peers.node(), "-p", "JSON.stringify(process.version)"]))
    source, environment = photo(megapixels, case.source), _sharp_env(folder)
    ways = {
        "each": Way("sharp, a pipeline per rendition", lambda: fresh(_sharp("each", source), env=environment)),
        "cascade": Way("sharp, each from the one before", lambda: fresh(_sharp("cascade", source), env=environment)),
        "ours": _way("ours", "ours", source, case.output),
    }
    timed = bench.measure(f"{named}, against sharp", ways)
    note = _said_of_sharp(source, folder)
    yield Claim(named, timed, against="each", target=Target("faster", 1.4), note=note)
    yield Claim(named, timed, against="cascade")


def _memory(bench: Bench, case: Case, megapixels: int, limit: float) -> Claim:
    source, tiny = photo(megapixels, case.source), photo(0, case.source)
    ways = {
        "peer": _way("Pillow, each from the source", "peer", source, case.output, warm_up=tiny),
        "ours": _way("ours", "ours", source, case.output, warm_up=tiny),
    }
    named = case.named(megapixels)
    timed = bench.measure(f"{named}, memory", ways, rounds=3 if bench.quick else 5, warm_up=False)
    return Claim(f"{named}: peak memory", timed, measure="peak", target=Target("at_most", limit))


def _way(
    name: str, role: str, source: Path, output: str, qualities: Sequence[int] = (), warm_up: Path | None = None
) -> Way:
    command = _command(role, source, output, qualities, warm_up)
    return Way(name, lambda: fresh(command, env={**os.environ, **_ONE_THREAD}))


def _command(
    role: str, source: Path, output: str, qualities: Sequence[int] = (), warm_up: Path | None = None
) -> list[str | Path]:
    listed = ",".join(str(quality) for quality in qualities or [QUALITY] * len(SIZES))
    return [sys.executable, "-m", "benchmarks.comparisons.images", role, source, warm_up or source, output, listed]


def _sharp(way: str, source: Path, folder: Path | None = None) -> list[str | Path]:
    sizes = ",".join(str(size) for size in SIZES)
    qualities = ",".join([str(QUALITY)] * len(SIZES))
    command: list[str | Path] = [peers.node(), _SHARP, way, source, source, qualities, sizes]
    return [*command, folder] if folder else command


def _sharp_env(folder: Path) -> dict[str, str]:
    return {**os.environ, "NODE_PATH": str(folder / "node_modules")}


def _equal_quality(source: Path, output: str) -> dict[str, Any]:
    """The peer's quality settings at which its renditions come within 0.1 dB of ours, and both's PSNR."""
    found: dict[str, Any] = ask(_command("quality", source, output), env={**os.environ, **_ONE_THREAD})
    return found


def _said(quality: Mapping[str, Any]) -> str:
    settings = "/".join(str(each) for each in quality["qualities"])
    return (
        f"PSNR {_decibels(quality['peer'])} (quality {settings}, {_kilobytes(quality['peer_bytes'])}), "
        f"ours {_decibels(quality['ours'])} (quality {QUALITY}, {_kilobytes(quality['ours_bytes'])})"
    )


def _said_of_sharp(source: Path, project: Path) -> str:
    with tempfile.TemporaryDirectory() as made:
        ask(_sharp("each", source, Path(made)), env=_sharp_env(project))
        found = ask(_command("psnr", source, made))
    return f"PSNR {_decibels(found['psnr'])} (quality {QUALITY}, {_kilobytes(found['bytes'])})"


def _decibels(values: Sequence[float]) -> str:
    return "/".join(f"{value:.1f}" for value in values) + " dB"


def _kilobytes(values: Sequence[int]) -> str:
    return "/".join(f"{value / 1000:.0f}" for value in values) + " kB"


def note_versions(bench: Bench) -> None:
    """Note which Pillow, pyvips and libvips are measured."""
    for name, version in ask([sys.executable, "-m", "benchmarks.comparisons.images", "versions"]).items():
        bench.uses(name, version)


# ── In the fresh process ────────────────────────────────────────────────────────────────────────────────────────────


def _main(role: str, *arguments: str) -> None:
    if role == "versions":
        print(json.dumps(_versions()))
        return
    source, warm_up, output, qualities = arguments
    data = Path(source).read_bytes()
    wanted = [int(quality) for quality in qualities.split(",")]
    if role == "quality":
        print(json.dumps(_compared(data, output)))
    elif role == "psnr":
        renditions = [Path(output, f"{at}.jpeg").read_bytes() for at in range(len(SIZES))]
        psnr = [_psnr(reference, each) for reference, each in zip(_references(data), renditions, strict=True)]
        print(json.dumps({"psnr": psnr, "bytes": [len(each) for each in renditions]}))
    else:
        prepare = {"peer": _peer, "same": _same, "ours": _ours, "floor": _floor}[role]
        prepare(Path(warm_up).read_bytes(), output, wanted)()
        tell(prepare(data, output, wanted))


def _peer(data: bytes, output: str, qualities: Sequence[int]) -> Callable[[], list[bytes]]:
    from PIL import Image

    def one(size: int, quality: int) -> bytes:
        image = Image.open(io.BytesIO(data))
        image.thumbnail((size, size))
        made = io.BytesIO()
        image.save(made, output.upper(), quality=quality)
        return made.getvalue()

    return lambda: [one(size, quality) for size, quality in zip(SIZES, qualities, strict=True)]


def _same(data: bytes, output: str, qualities: Sequence[int]) -> Callable[[], list[bytes]]:
    """The peer's way with what ours does besides; reduced first, so that little is left to turn and to convert."""
    from PIL import Image, ImageCms, ImageOps

    srgb = ImageCms.createProfile("sRGB")

    def one(size: int, quality: int) -> bytes:
        image: Any = Image.open(io.BytesIO(data))
        profile = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
        image.thumbnail((size, size))
        image = ImageOps.exif_transpose(image)
        image = ImageCms.profileToProfile(image, profile, srgb, outputMode="RGB")
        made = io.BytesIO()
        image.save(made, output.upper(), quality=quality)
        return made.getvalue()

    return lambda: [one(size, quality) for size, quality in zip(SIZES, qualities, strict=True)]


def _ours(data: bytes, output: str, qualities: Sequence[int]) -> Callable[[], list[bytes]]:
    sys.path[:0] = [str(_PATTERN / "src"), str(ROOT / "shared")]
    from image_renditions import RenditionSpec, render  # type: ignore[import-not-found]

    from blueprints_shared.images import Encoding

    specs = [RenditionSpec(str(size), size) for size in SIZES]
    encoding = Encoding(output, qualities[0])
    return lambda: [made.data for made in render(data, specs, encoding, 64_000_000).renditions]


def _floor(data: bytes, output: str, qualities: Sequence[int]) -> Callable[[], None]:
    import pyvips

    pyvips.cache_set_max(0)
    ready = [pyvips.Image.new_from_buffer(each, "").copy_memory() for each in _ours(data, "png", qualities)()]
    options = _shrink_on_load(pyvips.Image.new_from_buffer(data, ""))

    def work() -> None:
        pyvips.Image.new_from_buffer(data, "", access="sequential", **options).copy_memory()
        for image in ready:
            image.write_to_buffer(f".{output}", Q=qualities[0], keep=0)

    return work


def _shrink_on_load(header: Any) -> dict[str, Any]:
    """The least the decoder can be asked for that still holds the largest rendition."""
    scale = max(header.width, header.height) / SIZES[0]
    loader = header.get("vips-loader")
    if loader.startswith("jpeg"):
        return {"shrink": max((shrink for shrink in (1, 2, 4, 8) if shrink <= scale), default=1)}
    if loader.startswith("webp"):
        return {"scale": min(1.0, 1 / scale)}
    return {}


def _compared(data: bytes, output: str) -> dict[str, Any]:
    references = _references(data)
    ours = _ours(data, output, [QUALITY] * len(SIZES))()
    wanted = [_psnr(reference, made) for reference, made in zip(references, ours, strict=True)]
    qualities = [_quality_for(data, output, at, references[at], wanted[at]) for at in range(len(SIZES))]
    peer = _peer(data, output, qualities)()
    return {
        "qualities": qualities,
        "ours": wanted,
        "peer": [_psnr(reference, made) for reference, made in zip(references, peer, strict=True)],
        "ours_bytes": [len(made) for made in ours],
        "peer_bytes": [len(made) for made in peer],
    }


def _quality_for(data: bytes, output: str, at: int, reference: Any, wanted: float) -> int:
    """The lowest setting from the pattern's upwards that is within 0.1 dB of what is wanted."""
    for quality in range(QUALITY, 100):
        made = _peer(data, output, [quality] * len(SIZES))()[at]
        if _psnr(reference, made) >= wanted - WITHIN_DB:
            return quality
    return 100


def _references(data: bytes) -> list[Any]:
    """The whole picture reduced by Pillow's Lanczos, as it lies in the file."""
    import pyvips
    from PIL import Image

    image = Image.open(io.BytesIO(data)).convert("RGB")
    references = []
    for size in SIZES:
        scale = size / max(image.size)
        reduced = image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.LANCZOS)
        pixels = reduced.tobytes()
        references.append(pyvips.Image.new_from_memory(pixels, reduced.width, reduced.height, 3, "uchar"))
    return references


def _psnr(reference: Any, encoded: bytes) -> float:
    import pyvips

    image = pyvips.Image.new_from_buffer(encoded, "")
    if (image.width, image.height) != (reference.width, reference.height):
        image = image.rot270()  # upright; the reference lies on its side, as the file does
    difference = image - reference
    return 10 * math.log10(255**2 / max((difference * difference).avg(), 1e-9))


def _versions() -> dict[str, str]:
    import PIL
    import pyvips

    vips = ".".join(str(pyvips.version(part)) for part in range(3))
    return {"Pillow": PIL.__version__, "pyvips": pyvips.__version__, "libvips": vips}


if __name__ == "__main__":
    _main(*sys.argv[1:])
