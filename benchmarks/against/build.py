"""`blueprints build` with nothing changed, beside `sam build --cached` of the same pattern."""

import tempfile
from collections.abc import Iterable
from pathlib import Path

from benchmarks import peers
from benchmarks.claims import Claim, Missing, Target
from benchmarks.comparisons.builds import BuildFolders, python_of_functions
from benchmarks.harness import Bench, Sample, Unavailable, Variant
from benchmarks.trees import Tree

TITLE = "blueprints build"

_PATTERN = "s3-image-processing"
_AT_LEAST = 15  # times as fast as `sam build --cached`


def compare(bench: Bench, this: Tree, that: Tree) -> Iterable[Claim | Missing]:
    """Yield the time of a build that has nothing to do, against the other commit and against SAM."""
    case = f"blueprints build {_PATTERN}, nothing changed"
    variants = {"commit": Variant(that.name, lambda: _build(that)), "ours": Variant(this.name, lambda: _build(this))}
    missing = None
    with tempfile.TemporaryDirectory(dir=this.scratch) as folder:
        try:
            folders = BuildFolders(Path(folder), peers.sam(bench.progress), python_of_functions().path)
            bench.uses("aws-sam-cli", peers.AWS_SAM_CLI)
            variants = {"peer": Variant("sam build --cached", folders.sam_build_cached), **variants}
        except Unavailable as reason:
            missing = Missing(f"{case}, against sam build --cached", str(reason))
        timed = bench.measure(case, variants)
    yield Claim(case, timed, against="commit", measure="wall")
    yield missing or Claim(case, timed, measure="wall", target=Target("faster", _AT_LEAST))


def _build(tree: Tree) -> Sample:
    output = tree.scratch / "built"
    sample = tree.run("blueprints", "build", _PATTERN, "--output", output, cwd=tree.scratch)
    if not any(output.rglob("*.zip")):
        raise RuntimeError(f"blueprints build of {tree.name} ended with status 0 and made no package")
    return sample
