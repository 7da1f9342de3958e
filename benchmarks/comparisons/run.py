"""Time of a pattern's first result at the command line, and of the start of the command itself."""

import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from benchmarks import peers
from benchmarks.claims import Claim, Missing, Target
from benchmarks.harness import Bench, Unavailable, Variant
from benchmarks.processes import run_measured

TITLE = "At the command line"

_BLUEPRINTS = Path(sys.executable).with_name("blueprints")
_PATTERN = "s3-image-processing"


def compare(bench: Bench) -> Iterable[Claim | Missing]:
    """Yield `blueprints run` with warm caches, and `blueprints --help`."""
    with tempfile.TemporaryDirectory() as folder:
        command: list[str | Path] = [_BLUEPRINTS, "run", _PATTERN, "--json", "--output", folder]
        variants = {"ours": Variant("ours", lambda: run_measured(command, cwd=Path(folder)))}
        named = f"blueprints run {_PATTERN}, to its result and its clean end"
        timed = bench.measure(named, variants, rounds=3 if bench.quick else 5)
    yield Claim(named, timed, measure="wall", target=Target("at_most", 10))
    yield from _start(bench)


def _start(bench: Bench) -> Iterable[Claim | Missing]:
    named = "start of the command line: --help"
    variants = {"ours": Variant("ours", lambda: run_measured([_BLUEPRINTS, "--help"]))}
    missing = None
    try:
        sam = peers.sam(bench.progress)
        bench.uses("aws-sam-cli", peers.AWS_SAM_CLI)
        variants = {"peer": Variant("sam --version", lambda: run_measured([sam, "--version"])), **variants}
    except Unavailable as reason:
        missing = Missing(named, str(reason))
    variants["floor"] = Variant("python -c ''", lambda: run_measured([sys.executable, "-c", ""]))
    timed = bench.measure(named, variants, rounds=5 if bench.quick else 15)
    yield missing or Claim(named, timed, measure="wall", target=Target("faster", 3))
    yield Claim(named, timed, against="floor", measure="wall", target=Target("at_most", 0.15))
