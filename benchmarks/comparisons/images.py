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
from benchmarks.harness import Bench, Unavailable, Variant
from benchmarks.photos import photo
from benchmarks.processes import ROOT, measure_and_print, run_for_json, run_self_measuring

TITLE = "Renditions of an image"

SIZES = (1600, 800, 200)
QUALITY = 80
WITHIN_DB = 0.1
_PATTERN = ROOT / "patterns" / "s3-image-processing"
_SHARP = Path(__file__).with_name("sharp_renditions.cjs")
_ONE_THREAD = {"VIPS_CONCURRENCY": "1", "OMP_NUM_THREADS": "1"}


@dataclass(frozen=True)
class Case:
    """An input image and the format of its renditions."""

    source: str
    output: str
    faster: float | None = None
    """Target: peer's time / our time."""
    near_floor: float | None = None
    """Target: our time / floor's time."""

    def named(self, megapixels: int) -> str:
        """Return the name of the case in the table."""
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
"""Target: peak MB of a new process for 48 megapixels."""


def compare(bench: Bench) -> Iterable[Claim | Missing]:
    """Yield the speed at 12 megapixels and the peak memory at 48."""
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
    variants = {
        "peer": _way("Pillow, each from the source", "peer", source, case.output, quality["qualities"]),
        "same": _way("Pillow, upright and in sRGB too", "same", source, case.output, quality["qualities"]),
        "ours": _way("ours", "ours", source, case.output),
        "floor": _way("decode once, encode three", "floor", source, case.output),
    }
    named = case.named(megapixels)
    timed = bench.measure(named, variants)
    yield Claim(named, timed, target=Target("faster", case.faster) if case.faster else None, note=_said(quality))
    yield Claim(named, timed, against="floor", target=Target("within", case.near_floor) if case.near_floor else None)
    yield Claim(named, timed, against="same")


def _wide_gamut(bench: Bench, megapixels: int) -> Iterable[Claim]:
    """Yield the speed for a picture whose colours are converted.

    The plain peer does not convert them, so qualities are not compared.
    """
    case = Case("p3", "jpeg")
    source, named = photo(megapixels, case.source), case.named(megapixels)
    variants = {
        "peer": _way("Pillow, each from the source", "peer", source, case.output),
        "same": _way("Pillow, upright and in sRGB too", "same", source, case.output),
        "ours": _way("ours", "ours", source, case.output),
    }
    timed = bench.measure(named, variants)
    yield Claim(named, timed)
    yield Claim(named, timed, against="same")


def _gain_map(bench: Bench, megapixels: int) -> Iterable[Claim]:
    """Yield the time for a picture with a gain map against the same picture without it; renditions are the same."""
    case = Case("uhdr", "jpeg")
    variants = {
        "peer": _way("ours, without the gain map", "ours", photo(megapixels, "jpeg"), case.output),
        "ours": _way("ours", "ours", photo(megapixels, case.source), case.output),
    }
    named = case.named(megapixels)
    yield Claim(named, bench.measure(named, variants), target=Target("within", 1.1))


def _against_sharp(bench: Bench, megapixels: int) -> Iterable[Claim | Missing]:
    case = CASES[0]
    named = case.named(megapixels)
    try:
        folder = peers.sharp(bench.progress)
    except Unavailable as reason:
        yield Missing(f"{named}, against sharp", str(reason))
        return
    bench.uses("sharp", peers.SHARP)
    bench.uses("Node.js", run_for_json([peers.node(), "-p", "JSON.stringify(process.version)"]))
    source, environment = photo(megapixels, case.source), _sharp_env(folder)
    variants = {
        "each": Variant(
            "sharp, a pipeline per rendition", lambda: run_self_measuring(_sharp("each", source), env=environment)
        ),
        "cascade": Variant(
            "sharp, each from the one before", lambda: run_self_measuring(_sharp("cascade", source), env=environment)
        ),
        "ours": _way("ours", "ours", source, case.output),
    }
    timed = bench.measure(f"{named}, against sharp", variants)
    note = _said_of_sharp(source, folder)
    yield Claim(named, timed, against="each", target=Target("faster", 1.4), note=note)
    yield Claim(named, timed, against="cascade")


def _memory(bench: Bench, case: Case, megapixels: int, limit: float) -> Claim:
    source, tiny = photo(megapixels, case.source), photo(0, case.source)
    variants = {
        "peer": _way("Pillow, each from the source", "peer", source, case.output, warm_up=tiny),
        "ours": _way("ours", "ours", source, case.output, warm_up=tiny),
    }
    named = case.named(megapixels)
    timed = bench.measure(f"{named}, memory", variants, rounds=3 if bench.quick else 5, warm_up=False)
    return Claim(f"{named}: peak memory", timed, measure="peak", target=Target("at_most", limit))


def _way(
    name: str, role: str, source: Path, output: str, qualities: Sequence[int] = (), warm_up: Path | None = None
) -> Variant:
    command = _command(role, source, output, qualities, warm_up)
    return Variant(name, lambda: run_self_measuring(command, env={**os.environ, **_ONE_THREAD}))


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
    """Return the peer's quality settings for renditions within 0.1 dB of ours, and the PSNR of both."""
    found: dict[str, Any] = run_for_json(_command("quality", source, output), env={**os.environ, **_ONE_THREAD})
    return found


def _said(quality: Mapping[str, Any]) -> str:
    settings = "/".join(str(each) for each in quality["qualities"])
    return (
        f"PSNR {_decibels(quality['peer'])} (quality {settings}, {_kilobytes(quality['peer_bytes'])}), "
        f"ours {_decibels(quality['ours'])} (quality {QUALITY}, {_kilobytes(quality['ours_bytes'])})"
    )


def _said_of_sharp(source: Path, project: Path) -> str:
    with tempfile.TemporaryDirectory() as made:
        run_for_json(_sharp("each", source, Path(made)), env=_sharp_env(project))
        found = run_for_json(_command("psnr", source, made))
    return f"PSNR {_decibels(found['psnr'])} (quality {QUALITY}, {_kilobytes(found['bytes'])})"


def _decibels(values: Sequence[float]) -> str:
    return "/".join(f"{value:.1f}" for value in values) + " dB"


def _kilobytes(values: Sequence[int]) -> str:
    return "/".join(f"{value / 1000:.0f}" for value in values) + " kB"


def note_versions(bench: Bench) -> None:
    """Record the versions of Pillow, pyvips and libvips."""
    for name, version in run_for_json([sys.executable, "-m", "benchmarks.comparisons.images", "versions"]).items():
        bench.uses(name, version)


# ── In a new process ────────────────────────────────────────────────────────────────────────────────────────────────


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
        measure_and_print(prepare(data, output, wanted))


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
    """Do what the peer does, plus orientation and conversion to sRGB; reduce first, so that less is left to convert."""
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
    """Return the smallest size that the JPEG decoder can decode to and that still covers the largest rendition."""
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
    """Return the lowest quality setting, from the pattern's upwards, within 0.1 dB of the wanted PSNR."""
    for quality in range(QUALITY, 100):
        made = _peer(data, output, [quality] * len(SIZES))()[at]
        if _psnr(reference, made) >= wanted - WITHIN_DB:
            return quality
    return 100


def _references(data: bytes) -> list[Any]:
    """Return the whole picture reduced by Pillow with Lanczos, without orientation or colour conversion."""
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
        image = image.rot270()  # back to the orientation of the file, which the reference has
    difference = image - reference
    return 10 * math.log10(255**2 / max((difference * difference).avg(), 1e-9))


def _versions() -> dict[str, str]:
    import PIL
    import pyvips

    vips = ".".join(str(pyvips.version(part)) for part in range(3))
    return {"Pillow": PIL.__version__, "pyvips": pyvips.__version__, "libvips": vips}


if __name__ == "__main__":
    _main(*sys.argv[1:])
