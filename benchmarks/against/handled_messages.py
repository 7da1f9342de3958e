"""Messages of a queue that a function handles: from their sending to the results that the function sends."""

from collections.abc import Iterable
from pathlib import Path

from benchmarks.against import target
from benchmarks.claims import Claim
from benchmarks.harness import Bench, Sample, Variant
from benchmarks.processes import ROOT, run_for_json
from benchmarks.trees import Tree

TITLE = "Handled messages"
ONLY_WHEN_NAMED = True

_CASES = {"each": (40, "messages, each sent when the last was handled"), "waiting": (500, "messages that wait")}


def compare(bench: Bench, this: Tree, that: Tree) -> Iterable[Claim]:
    """Yield the time to the last result, for single messages and for a queue that holds many."""
    for way, (messages, about) in _CASES.items():
        variants = {"commit": _variant(that, way, messages), "ours": _variant(this, way, messages)}
        case = f"{messages:,} {about}"
        timed = bench.measure(case, variants, warm_up=False)
        yield Claim(case, timed, against="commit", measure="wall", target=target("handled_messages", that))


def _variant(tree: Tree, way: str, messages: int) -> Variant:
    return Variant(tree.name, lambda: _play(tree, way, messages))


def _play(tree: Tree, way: str, messages: int) -> Sample:
    """Each tree's embedded AWS gets the same messages from this tree's script."""
    script = ROOT / "benchmarks" / "handled_messages.py"
    command: list[str | Path] = [tree.command("python"), script, way, str(messages)]
    return Sample(**run_for_json(command, cwd=tree.scratch, env=tree.environment(tree.scratch / "cache")))
