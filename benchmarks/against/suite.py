"""`scripts/test`: linter, type checker and all tests, from warm caches. It takes long, so it runs only when named."""

from collections.abc import Iterable
from pathlib import Path
from xml.etree import ElementTree as ET

from benchmarks.against import target
from benchmarks.claims import Claim
from benchmarks.harness import Bench, Sample, Variant
from benchmarks.trees import Tree

TITLE = "Test suite"
ONLY_WHEN_NAMED = True


def compare(bench: Bench, this: Tree, that: Tree) -> Iterable[Claim]:
    """Yield the time of the suite; each tree runs its own tests."""
    case = "scripts/test"
    variants = {"commit": Variant(that.name, lambda: _test(that)), "ours": Variant(this.name, lambda: _test(this))}
    timed = bench.measure(case, variants, rounds=3)
    note = f"Number of tests: {this.name} {_number_of_tests(this):,}, {that.name} {_number_of_tests(that):,}"
    yield Claim(case, timed, against="commit", measure="wall", target=target("suite", that), note=note)


def _test(tree: Tree) -> Sample:
    return tree.run_script("test", PYTEST_ADDOPTS=f"--quiet --junitxml={_report(tree)}")


def _number_of_tests(tree: Tree) -> int:
    return len(ET.parse(_report(tree)).findall(".//testcase"))  # noqa: S314 - written by our own run


def _report(tree: Tree) -> Path:
    return tree.scratch / "tests.xml"
