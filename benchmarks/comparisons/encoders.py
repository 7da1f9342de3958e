"""Time, size and quality of encoder settings: WebP at each effort, and AVIF beside WebP at the same quality setting.

Only encoding is measured: two pictures, the made photo and the pattern's sample photo, are first reduced to the three
sizes of the renditions. Quality is the distance to these reduced pictures, in decibels: PSNR over three channels, and
SSIM of the luminance (Gaussian window, sigma 1.5 pixels) as -10 log10(1 - SSIM). Sizes at equal quality are
interpolated on each encoder's curve of size over quality.
"""

import io
import itertools
import json
import math
import os
import statistics
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.claims import Claim, Target
from benchmarks.comparisons.images import QUALITY, SIZES, note_versions
from benchmarks.harness import Bench, Sample, Variant
from benchmarks.photos import photo
from benchmarks.processes import ROOT, measure_and_print, run_for_json, run_self_measuring

TITLE = "Encoding of renditions"

_PATTERN = ROOT / "patterns" / "s3-image-processing"
_EFFORTS = (0, 1, 2, 3, 4, 6)
_CURVE = (72, 76, 80, 84, 88)
_ONE_THREAD = {"VIPS_CONCURRENCY": "1"}


def compare(bench: Bench) -> Iterable[Claim]:
    """Yield WebP at each effort, then AVIF against WebP."""
    note_versions(bench)
    pictures = {"made photo": photo(3 if bench.quick else 12, "jpeg"), "photo.jpg": _PATTERN / "photo.jpg"}
    for name, file in pictures.items():
        yield from _efforts(bench, name, file)
        yield _sizes(name, file)


def _efforts(bench: Bench, name: str, file: Path) -> Iterable[Claim]:
    found = _ask("efforts", file)
    for effort in _EFFORTS:
        variants = {
            "peer": Variant("Pillow, method 4", lambda: _timed("pillow", file, QUALITY)),
            "ours": Variant("ours", lambda effort=effort: _timed(str(effort), file, QUALITY)),  # type: ignore[misc]
        }
        case = f"{name}: WebP at effort {effort}" + (", which the pattern takes" if effort == 4 else "")
        yield Claim(case, bench.measure(case, variants, rounds=5), note=_said_of_effort(found[str(effort)]))


def _sizes(name: str, file: Path) -> Claim:
    """Yield the sizes of AVIF and WebP at the same quality setting."""
    found = _ask("formats", file)
    variants = {
        role: Variant(f"{output.upper()} of quality {QUALITY}", lambda output=output: _sized(found[output]))  # type: ignore[misc]
        for role, output in (("peer", "webp"), ("ours", "avif"))
    }
    timed = Bench().measure(name, variants, rounds=1, warm_up=False)
    note = "; ".join(f"{each.upper()}: {_said_of_format(found[each])}" for each in ("avif", "webp", "jpeg"))
    return Claim(f"{name}: AVIF of quality {QUALITY}", timed, measure="size", target=Target("faster", 1), note=note)


def _sized(found: Mapping[str, Any]) -> Sample:
    return Sample(size=sum(found["bytes"]) / 1000)


def _said_of_effort(found: Mapping[str, float]) -> str:
    return (
        f"{found['bytes'] / 1000:.0f} kB, PSNR {found['psnr']:.1f} dB; bytes {found['at_psnr']:+.1%} at Pillow's PSNR, "
        f"{found['at_ssim']:+.1%} at its SSIM"
    )


def _said_of_format(found: Mapping[str, Any]) -> str:
    kilobytes = "/".join(f"{each / 1000:.0f}" for each in found["bytes"])
    psnr, ssim = ("/".join(f"{each:.1f}" for each in found[metric]) for metric in ("psnr", "ssim"))
    return f"{kilobytes} kB, PSNR {psnr} dB, SSIM {ssim} dB"


def _timed(tool: str, file: Path, quality: int) -> Sample:
    return run_self_measuring(
        [sys.executable, "-m", "benchmarks.comparisons.encoders", "encode", file, tool, str(quality)],
        env={**os.environ, **_ONE_THREAD},
    )


def _ask(role: str, file: Path) -> Any:
    return run_for_json(
        [sys.executable, "-m", "benchmarks.comparisons.encoders", role, file], env={**os.environ, **_ONE_THREAD}
    )


# ── In a new process ────────────────────────────────────────────────────────────────────────────────────────────────

Encode = Callable[[Any, int], bytes]


def _main(role: str, file: str, *arguments: str) -> None:
    pictures = _reduced(Path(file).read_bytes())
    if role == "encode":
        tool, quality = arguments
        encode = _pillow() if tool == "pillow" else _libvips(int(tool))
        encode(pictures[-1], int(quality))  # the library is loaded and warm
        measure_and_print(lambda: [encode(picture, int(quality)) for picture in pictures])
    elif role == "efforts":
        print(json.dumps(_compared(pictures)))
    else:
        print(
            json.dumps({output: _looked_at(pictures, _pattern(output), QUALITY) for output in ("avif", "webp", "jpeg")})
        )


def _reduced(data: bytes) -> list[Any]:
    import pyvips

    pyvips.cache_set_max(0)
    source = [pyvips.Image.new_from_buffer(data, "", access="sequential") for _ in SIZES]
    reduced = (image.thumbnail_image(size, height=size) for image, size in zip(source, SIZES, strict=True))
    return [image.copy(interpretation="srgb").copy_memory() for image in reduced]


def _pillow() -> Encode:
    from PIL import Image

    def encode(picture: Any, quality: int) -> bytes:
        made = io.BytesIO()
        size = picture.width, picture.height
        Image.frombytes("RGB", size, picture.write_to_memory()).save(made, "WEBP", quality=quality)
        return made.getvalue()

    return encode


def _libvips(effort: int) -> Encode:
    return lambda picture, quality: bytes(picture.webpsave_buffer(Q=quality, effort=effort, keep=0))


def _pattern(output: str) -> Encode:
    sys.path.insert(0, str(ROOT / "shared"))
    from blueprints_shared.images import Encoding, encode

    return lambda picture, quality: bytes(encode(picture, Encoding(output, quality)))


def _compared(pictures: list[Any]) -> dict[str, Any]:
    """Measure each effort at the pattern's quality, and its size against Pillow's at equal PSNR and SSIM."""
    peer = _summed(_looked_at(pictures, _pillow(), QUALITY))
    found = {}
    for effort in _EFFORTS:
        curve = [_summed(_looked_at(pictures, _libvips(effort), quality)) for quality in _CURVE]
        at = {f"at_{metric}": _bytes_at(curve, metric, peer[metric]) / peer["bytes"] - 1 for metric in ("psnr", "ssim")}
        found[str(effort)] = {**curve[_CURVE.index(QUALITY)], **at}
    return found


def _looked_at(pictures: list[Any], encode: Encode, quality: int) -> dict[str, list[float]]:
    import pyvips

    made = [encode(picture, quality) for picture in pictures]
    decoded = [pyvips.Image.new_from_buffer(each, "").copy_memory() for each in made]
    pairs = list(zip(pictures, decoded, strict=True))
    return {
        "bytes": [len(each) for each in made],
        "psnr": [_psnr(*pair) for pair in pairs],
        "ssim": [_ssim(*pair) for pair in pairs],
    }


def _summed(looked_at: Mapping[str, list[float]]) -> dict[str, float]:
    means = {metric: statistics.mean(looked_at[metric]) for metric in ("psnr", "ssim")}
    return {"bytes": sum(looked_at["bytes"]), **means}


def _bytes_at(curve: list[dict[str, float]], metric: str, wanted: float) -> float:
    """Interpolate the size at a quality, on a logarithmic scale, between the two nearest points."""
    low, high = next(((low, high) for low, high in itertools.pairwise(curve) if wanted <= high[metric]), curve[-2:])
    share = (wanted - low[metric]) / (high[metric] - low[metric])
    return float(low["bytes"] * (high["bytes"] / low["bytes"]) ** share)


def _psnr(picture: Any, decoded: Any) -> float:
    difference = decoded - picture
    return 10 * math.log10(255**2 / max((difference * difference).avg(), 1e-9))


def _ssim(picture: Any, decoded: Any) -> float:
    first, second = (image.colourspace("b-w").cast("float") for image in (picture, decoded))

    def mean(image: Any) -> Any:
        return image.gaussblur(1.5)

    one, two = mean(first), mean(second)
    spread = mean(first * first) - one * one + mean(second * second) - two * two
    common = mean(first * second) - one * two
    shared = (one * two * 2 + 6.5025) * (common * 2 + 58.5225)
    similarity = (shared / ((one * one + two * two + 6.5025) * (spread + 58.5225))).avg()
    return -10 * math.log10(max(1 - similarity, 1e-9))


if __name__ == "__main__":
    _main(*sys.argv[1:])
