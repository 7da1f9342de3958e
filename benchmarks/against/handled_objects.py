"""Objects whose events a function handles: from the put to the result that the function stores."""

from collections.abc import Iterable
from pathlib import Path

from benchmarks.against import target
from benchmarks.claims import Claim
from benchmarks.harness import Bench, Sample, Variant
from benchmarks.processes import ROOT, run_for_json
from benchmarks.trees import Tree

TITLE = "Handled objects"
ONLY_WHEN_NAMED = True

_OBJECTS = 400


def compare(bench: Bench, this: Tree, that: Tree) -> Iterable[Claim]:
    """Yield the time from the first put to the last result."""
    variants = {"commit": _variant(that), "ours": _variant(this)}
    case = f"{_OBJECTS} objects: put, event, function, result"
    timed = bench.measure(case, variants, warm_up=False)
    yield Claim(case, timed, against="commit", measure="wall", target=target("handled_objects", that))


def _variant(tree: Tree) -> Variant:
    return Variant(tree.name, lambda: _play(tree))


def _play(tree: Tree) -> Sample:
    """Each tree's embedded AWS gets the same objects from this tree's script."""
    command: list[str | Path] = [tree.command("python"), ROOT / "benchmarks" / "handled_objects.py", str(_OBJECTS)]
    return Sample(**run_for_json(command, cwd=tree.scratch, env=tree.environment(tree.scratch / "cache")))
