"""`blueprints check` of one pattern and of all, beside one bare run of cfn-lint on the same template."""

from collections.abc import Iterable
from functools import partial
from pathlib import Path

from benchmarks.claims import Claim, Target
from benchmarks.harness import Bench, Variant
from benchmarks.trees import Tree

TITLE = "blueprints check"

_PATTERN = "s3-image-processing"
_TEMPLATE = Path("patterns", _PATTERN, "template.yaml")


def compare(bench: Bench, this: Tree, that: Tree) -> Iterable[Claim]:
    """Yield the times with an empty cache, against the other commit and against cfn-lint, and those with a warm one."""
    empty = partial(Tree.run, empty_cache=True)
    variants = {
        "cfn-lint": Variant(f"cfn-lint {_TEMPLATE.name}", lambda: this.run("cfn-lint", _TEMPLATE)),
        "one, commit": Variant(that.name, lambda: empty(that, "blueprints", "check", _PATTERN)),
        "one, ours": Variant(this.name, lambda: empty(this, "blueprints", "check", _PATTERN)),
        "all, commit": Variant(that.name, lambda: empty(that, "blueprints", "check")),
        "all, ours": Variant(this.name, lambda: empty(this, "blueprints", "check")),
        "warm, commit": Variant(that.name, lambda: that.run("blueprints", "check")),
        "warm, ours": Variant(this.name, lambda: this.run("blueprints", "check")),
    }
    timed = bench.measure("blueprints check", variants)
    cases = (
        ("one", f"blueprints check {_PATTERN}, empty cache", 0.7),
        ("all", "blueprints check of all patterns, empty cache", 1.0),
        ("warm", "blueprints check of all patterns, warm cache", None),
    )
    for role, case, limit in cases:
        found = {"commit": timed[f"{role}, commit"], "ours": timed[f"{role}, ours"], "peer": timed["cfn-lint"]}
        yield Claim(case, found, against="commit", measure="wall")
        if limit:
            yield Claim(case, found, measure="wall", target=Target("within", limit))
