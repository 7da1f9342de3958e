"""Comparisons of this working tree with another commit of the project: one file per command.

Each has a `TITLE` and a `compare(bench, this, that)` that yields claims. `that` is a clean tree of the other commit.
"""

from collections.abc import Mapping

from benchmarks.claims import Target
from benchmarks.trees import Tree

# What this tree is to reach, in times of what a certain commit takes.
_TARGETS: Mapping[str, Mapping[str, float]] = {
    "b4262518f096f84fdff0f1ddd3d1db831874de2f": {"run": 0.5, "suite": 0.7},
    "c1ea0131ef40d609e0a5d7c74078504239de78c4": {"authorised_calls": 1.05, "handled_messages": 1.0},
    # The last commit before CodeDeploy and the metrics of every invocation.
    "a08fb42a15cb520b4bca2429e24dfce69cc77742": {"handled_objects": 1.1},
}


def target(command: str, that: Tree) -> Target | None:
    """Return the most that a command may take in times of what `that` takes; None if no target is set."""
    limit = _TARGETS.get(that.commit, {}).get(command)
    return Target("within", limit) if limit else None
