"""Peak memory of s3-image-processing for the largest images it accepts, in a warm execution environment.

A new process imports what the handler imports and renders the same image three times, because memory that is freed but
not returned to the system is still taken when the next image comes. Then one process renders every kind in turn. The
target is the template's MemorySize minus 64 MB for Lambda's runtime, adjusted by the difference between the file's size
and MAX_BYTES.
"""

import os
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks.claims import Claim, Target
from benchmarks.comparisons.images import SIZES, note_versions
from benchmarks.harness import Bench, Variant
from benchmarks.largest import NAMES, largest
from benchmarks.processes import ROOT, measure_and_print, run_self_measuring

TITLE = "Memory for the largest images"

_PATTERN = ROOT / "patterns" / "s3-image-processing"
_RUNTIME = 64


def compare(bench: Bench) -> Iterable[Claim]:
    """Yield the peak for each kind of image, three times in one process, and for all kinds in one process."""
    note_versions(bench)
    template = (_PATTERN / "template.yaml").read_text(encoding="utf-8")
    memory, pixels, most = (_number(template, pattern) for pattern in _NUMBERS)
    side = 2000 if bench.quick else int(pixels**0.5)
    files = {kind: largest(kind, side) for kind in NAMES}
    for kind, file in files.items():
        room = memory - _RUNTIME - (most - file.stat().st_size) / 2**20
        named = f"{side * side / 1e6:.0f} MP {NAMES[kind]}, thrice"
        yield _claim(bench, named, [file] * 3, room)
    largest_file = max(file.stat().st_size for file in files.values())
    room = memory - _RUNTIME - (most - largest_file) / 2**20
    yield _claim(bench, "all of these in turn", list(files.values()), room)


_NUMBERS = (
    r"Handler: render_image\.handler\n(?: +.*\n)*? +MemorySize: (\d+)",
    r"\n +MAX_PIXELS: \"(\d+)\"",
    r"\n +MAX_BYTES: \"(\d+)\"",
)


def _claim(bench: Bench, named: str, files: Sequence[Path], room: float) -> Claim:
    command: list[str | Path] = [sys.executable, "-m", "benchmarks.comparisons.memory", *files]
    environment = {**os.environ, "VIPS_CONCURRENCY": "1"}
    variants = {"ours": Variant("ours", lambda: run_self_measuring(command, env=environment))}
    timed = bench.measure(named, variants, rounds=1, warm_up=False)
    return Claim(named, timed, measure="peak", target=Target("at_most", room))


def _number(text: str, pattern: str) -> int:
    found = re.search(pattern, text)
    if not found:
        raise ValueError(f"the template has no line that matches {pattern}")
    return int(found[1])


def _main(files: Sequence[str]) -> None:
    """Import what the handler imports, then process one image after the other."""
    sys.path[:0] = [str(_PATTERN / "src"), str(ROOT / "shared")]
    from image_renditions import RenditionSpec, render  # type: ignore[import-not-found]

    from blueprints_shared.clients import client
    from blueprints_shared.images import Encoding
    from blueprints_shared.observability import Logger, Metrics

    os.environ.setdefault("AWS_DEFAULT_REGION", "eu-west-1")
    kept = client("s3"), Logger(service="memory"), Metrics(namespace="memory", service="memory")
    specs = [RenditionSpec(str(size), size) for size in SIZES]

    def work() -> None:
        for file in files:
            render(Path(file).read_bytes(), specs, Encoding("webp"), 64_000_000)

    measure_and_print(work)
    assert kept


if __name__ == "__main__":
    _main(sys.argv[1:])
