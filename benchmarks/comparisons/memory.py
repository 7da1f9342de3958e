"""s3-image-processing's memory for the largest images that it accepts, in a warm environment.

A fresh process imports what the handler imports and renders the same image three times, since memory that is freed and
not given back counts for the next image; then one process renders every kind in turn. The target is the template's
MemorySize, as if the file had MAX_BYTES (more for a larger file, less for a smaller), less 64 MB for Lambda's runtime.
"""

import os
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks.claims import Claim, Target
from benchmarks.comparisons.images import SIZES, note_versions
from benchmarks.harness import Bench, Way
from benchmarks.largest import NAMES, largest
from benchmarks.processes import ROOT, fresh, tell

TITLE = "Memory for the largest images"

_PATTERN = ROOT / "patterns" / "s3-image-processing"
_RUNTIME = 64


def compare(bench: Bench) -> Iterable[Claim]:
    """Each kind three times in a process, then all of them in one."""
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
    ways = {"ours": Way("ours", lambda: fresh(command, env=environment))}
    timed = bench.measure(named, ways, rounds=1, warm_up=False)
    return Claim(named, timed, measure="peak", target=Target("at_most", room))


def _number(text: str, pattern: str) -> int:
    found = re.search(pattern, text)
    if not found:
        raise ValueError(f"the template has nothing like {pattern}")
    return int(found[1])


def _main(files: Sequence[str]) -> None:
    """In the fresh process: all that the handler imports, then one image after the other."""
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

    tell(work)
    assert kept


if __name__ == "__main__":
    _main(sys.argv[1:])
