"""`blueprints run` of one pattern, from warm caches to its result and its clean end."""

from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.against import target
from benchmarks.claims import Claim
from benchmarks.harness import Bench, Sample, Variant
from benchmarks.trees import Tree

TITLE = "blueprints run"

_PATTERN = "s3-image-processing"


def compare(bench: Bench, this: Tree, that: Tree) -> Iterable[Claim]:
    """Yield the time from the command's start to its end."""
    case = f"blueprints run {_PATTERN}, warm caches"
    variants = {"commit": Variant(that.name, lambda: _run(that)), "ours": Variant(this.name, lambda: _run(this))}
    timed = bench.measure(case, variants)
    yield Claim(case, timed, against="commit", measure="wall", target=target("run", that))


def _run(tree: Tree) -> Sample:
    with TemporaryDirectory(dir=tree.scratch) as folder:
        sample = tree.run("blueprints", "run", _PATTERN, "--json", "--output", folder, cwd=tree.scratch)
        made = [path for path in Path(folder).rglob("*") if path.is_file()]
    if not made:
        raise RuntimeError(f"blueprints run of {tree.name} ended with status 0 and downloaded nothing")
    return sample
