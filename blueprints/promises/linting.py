"""cfn-lint in this process: its rules are loaded once, its findings kept for templates that have not changed."""

import ast
import json
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import astuple, dataclass
from difflib import get_close_matches
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from blueprints import cfn_lint
from blueprints.cache import digest, folder, keep_newest, made_once
from blueprints.template.reading import Place

_KEPT = 200
_FINDINGS = "findings.json"
_LIST = re.compile(r"(?P<value>'[^']*') is not one of (?P<values>\[('[^']*'(, )?)+\])")
_LONGEST_LIST = 12  # values in a message

# Checks that are wrong, each with its reason.
_IGNORED = {
    "E3601": "it refuses valid JSONata and takes broken definitions; the promise definitions-are-valid judges these",
}
# Checks that make no sense on what SAM made, each with its reason.
IGNORED_IN_EXPANDED = {
    "W2001": "SAM puts some parameters' values in their place: DeploymentPreference's, for one",
    "W3002": "local paths of plain resources are uploaded, as `sam deploy` does; cfn-lint allows it beside SAM",
    "E3004": "each ring is one finding, made here",
}


@dataclass(frozen=True)
class Match:
    """One finding of cfn-lint."""

    rule: str
    """Such as `E3505`."""
    line: int
    place: Place
    message: str


def lint_file(path: Path) -> list[Match]:
    """What cfn-lint finds in a template as it is written."""
    return _kept(lambda: _file(path), path.read_bytes())


def is_known(path: Path) -> bool:
    """Whether the findings in a template as it is written are in the cache."""
    return _place(path.read_bytes()).exists()


def lint_expanded(expanded: dict[str, Any], as_written: Collection[str]) -> list[Match]:
    """cfn-lint's findings in an expanded template, including resources that are `as_written`.

    Faults between a generated resource and a plain one, such as a function and its queue, only show here.
    """
    return _kept(lambda: _expanded(expanded, as_written), json.dumps(expanded), *sorted(as_written))


def _file(path: Path) -> Iterator[Match]:
    config, rules = cfn_lint.linter()
    from cfnlint.runner.template import run_template_by_file_path

    for match in run_template_by_file_path(str(path), config, rules, ignore_bad_template=False):
        if match.rule.id not in _IGNORED:
            yield _match(match)


def _expanded(expanded: dict[str, Any], as_written: Collection[str]) -> Iterator[Match]:
    config, rules = cfn_lint.linter()
    from cfnlint.runner.template import run_template_by_data

    for match in run_template_by_data(cfn_lint.document(expanded), config, rules):
        if match.rule.id not in _IGNORED and match.rule.id not in IGNORED_IN_EXPANDED:
            yield _match(match)
    yield from _cycles(expanded, as_written)


def _cycles(expanded: dict[str, Any], as_written: Collection[str]) -> Iterator[Match]:
    """Resources that wait for each other: one finding for each ring, at a resource that is written as it is there."""
    cfn_lint.load()
    from cfnlint.template import Template

    template: Any = Template(None, expanded, [cfn_lint.REGION])
    rings: list[set[str]] = []
    for edge in template.graph.get_cycles(template):
        ends = set(edge[:2])
        touching = [ring for ring in rings if ring & ends]
        rings = [ring for ring in rings if ring not in touching] + [ends.union(*touching)]
    for ring in rings:
        where = min(ring, key=lambda name: (name not in as_written, name))
        names = ", ".join(sorted(ring))
        message = (
            f"{names} depend on each other (cfn-lint E3004); remove one reference, or move it to a resource of its own."
        )
        yield Match("E3004", 1, ("Resources", where), message)


def _match(match: Any) -> Match:
    place = tuple(each if isinstance(each, int) else str(each) for each in getattr(match, "path", None) or ())
    return Match(match.rule.id, match.linenumber, place, _said(match.message, match.rule))


def _said(message: str, rule: Any) -> str:
    listed = _LIST.fullmatch(message)
    if listed:
        message = _with_short_list(listed["value"], listed["values"])
    return f"{message.rstrip('.')} (cfn-lint {rule.id}); see {rule.source_url or rule.shortdesc}."


def _with_short_list(value: str, values: str) -> str:
    """A message with the values nearest to the wrong one, instead of more than _LONGEST_LIST values."""
    allowed = [str(each) for each in ast.literal_eval(values)]
    if len(allowed) <= _LONGEST_LIST:
        return f"{value} is not one of {values}"
    near = get_close_matches(value.strip("'"), allowed, n=3)
    hint = f"; did you mean {' or '.join(map(repr, near))}?" if near else ""
    return f"{value} is not one of the {len(allowed)} known values{hint}"


def _kept(lint: Callable[[], Iterator[Match]], *facts: str | bytes) -> list[Match]:
    """The findings in exactly these facts: from the cache, or from running the linter now."""
    place = _place(*facts)

    def make(fresh: Path) -> None:
        (fresh / _FINDINGS).write_text(json.dumps([astuple(match) for match in lint()]))

    if made_once(place, make):
        keep_newest(place.parent, _KEPT)
    found = json.loads((place / _FINDINGS).read_text())
    return [Match(rule, line, tuple(at), message) for rule, line, at, message in found]


def _place(*facts: str | bytes) -> Path:
    return folder("lint") / digest(_edition(), *facts)


@cache
def _edition() -> str:
    return f"{version('cfn-lint')} {digest(Path(__file__).read_bytes())}"
