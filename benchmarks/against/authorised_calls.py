"""Calls that a role's policies allow: the CPU time of the embedded AWS for each."""

from collections.abc import Iterable
from pathlib import Path

from benchmarks.against import target
from benchmarks.claims import Claim
from benchmarks.harness import Bench, Sample, Variant
from benchmarks.processes import ROOT, run_for_json
from benchmarks.trees import Tree

TITLE = "Authorised calls"
ONLY_WHEN_NAMED = True

_CALLS = 500
_SERVICES = {
    "s3": "S3 PutObject",
    "dynamodb": "DynamoDB PutItem",
    "sqs": "SQS SendMessage",
    "kinesis": "Kinesis PutRecord",
}


def compare(bench: Bench, this: Tree, that: Tree) -> Iterable[Claim]:
    """Yield the CPU time of the embedded AWS for the calls of each service."""
    for service, name in _SERVICES.items():
        variants = {"commit": _variant(that, service), "ours": _variant(this, service)}
        case = f"{_CALLS} calls with a role's permissions: {name}"
        timed = bench.measure(case, variants, warm_up=False)
        yield Claim(case, timed, against="commit", measure="cpu", target=target("authorised_calls", that))


def _variant(tree: Tree, service: str) -> Variant:
    return Variant(tree.name, lambda: _play(tree, service))


def _play(tree: Tree, service: str) -> Sample:
    """Each tree's embedded AWS gets the same calls from this tree's script."""
    command: list[str | Path] = [
        tree.command("python"),
        ROOT / "benchmarks" / "authorised_calls.py",
        service,
        str(_CALLS),
    ]
    return Sample(**run_for_json(command, cwd=tree.scratch, env=tree.environment(tree.scratch / "cache")))
