"""What a person at the command line waits for: the first result of a pattern, and the command's own start."""

import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from benchmarks import peers
from benchmarks.claims import Claim, Missing, Target
from benchmarks.harness import Bench, Unavailable, Way
from benchmarks.processes import whole

TITLE = "At the command line"

_BLUEPRINTS = Path(sys.executable).with_name("blueprints")
_PATTERN = "s3-image-processing"


def compare(bench: Bench) -> Iterable[Claim | Missing]:
    """`blueprints run` from warm caches, and `blueprints --help`."""
    with tempfile.TemporaryDirectory() as folder:
        command: list[str | Path] = [_BLUEPRINTS, "run", _PATTERN, "--json", "--output", folder]
        ways = {"ours": Way("ours", lambda: whole(command, cwd=Path(folder)))}
        named = f"blueprints run {_PATTERN}, to its result and its clean end"
        timed = bench.measure(named, ways, rounds=3 if bench.quick else 5)
    yield Claim(named, timed, measure="wall", target=Target("at_most", 10))
    yield from _start(bench)


def _start(bench: Bench) -> Iterable[Claim | Missing]:
    named = "start of the command line: --help"
    ways = {"ours": Way("ours", lambda: whole([_BLUEPRINTS, "--help"]))}
    missing = None
    try:
        sam = peers.sam(bench.progress)
        bench.uses("aws-sam-cli", peers.AWS_SAM_CLI)
        ways = {"peer": Way("sam --version", lambda: whole([sam, "--version"])), **ways}
    except Unavailable as reason:
        missing = Missing(named, str(reason))
    ways["floor"] = Way("python -c ''", lambda: whole([sys.executable, "-c", ""]))
    timed = bench.measure(named, ways, rounds=5 if bench.quick else 15)
    yield missing or Claim(named, timed, measure="wall", target=Target("faster", 3))
    yield Claim(named, timed, against="floor", measure="wall", target=Target("at_most", 0.15))
