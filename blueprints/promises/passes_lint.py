"""Passes lint: neither cfn-lint nor our own checks find anything in the template, as written and as SAM expands it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from blueprints.errors import BlueprintError
from blueprints.findings import Finding
from blueprints.promises import linting
from blueprints.promises.checked_pattern import CheckedPattern
from blueprints.promises.values import at
from blueprints.template.macros import UsesMacros
from blueprints.template.reading import Place


def template_passes_cfn_lint(checked: CheckedPattern) -> Iterator[Finding]:
    """cfn-lint finds nothing in the template as it is written."""
    yield from linted(checked.pattern.template)


def expanded_template_passes_cfn_lint(checked: CheckedPattern) -> Iterator[Finding]:
    """cfn-lint finds nothing in the template that SAM generates: some errors show only there."""
    named = {(match.rule, match.line) for match in linting.lint_file(checked.pattern.template)}
    for match in linting.lint_expanded(checked.expanded, checked.plain_resources):
        breach = checked.finding(match.message, *_written(checked, match.place))
        if (match.rule, breach.line) not in named and match.rule not in _switched_off(checked, match.place):
            yield breach


def sam_takes_the_template(checked: CheckedPattern) -> Iterator[Finding]:
    """SAM can generate the CloudFormation template when every parameter has its default."""
    if checked.refusal and not isinstance(checked.refusal, UsesMacros):  # another promise reports these
        yield refused(checked.pattern.template, checked.refusal)


def template_has_no_problems(checked: CheckedPattern) -> Iterator[Finding]:
    """Nothing in the template is misspelt, missing, or outside the folder."""
    for problem in checked.problems:
        yield Finding(problem.file, problem.line, problem.message)


LINTING = (template_passes_cfn_lint, expanded_template_passes_cfn_lint)
"""The promises that run cfn-lint, which takes most of the time of a check."""


def linted(template: Path) -> Iterator[Finding]:
    """cfn-lint's findings in a template file, even one that cannot be parsed."""
    for match in linting.lint_file(template):
        yield Finding(template, match.line, match.message)


def refused(template: Path, error: BlueprintError) -> Finding:
    """An error in a template as a breach."""
    _, _, line = (error.where or "").rpartition(":")
    message = f"{error.what} {error.advice or ''}".strip()
    return Finding(template, int(line) if line.isdigit() else 1, message)


def _switched_off(checked: CheckedPattern, place: Place) -> list[Any]:
    """The checks that a resource's Metadata turns off; SAM does not copy that to the resources that it generates."""
    if place[:1] != ("Resources",):
        return []
    written = checked.template.resources.get(checked.written(str(place[1])), {})
    return list(at(written.get("Metadata"), "cfn-lint", "config", "ignore_checks"))


def _written(checked: CheckedPattern, place: Place) -> Place:
    """Where a place of the expanded template is written, or what surrounds it."""
    if place[:1] != ("Resources",) or len(place) < 2 or place in checked.template.lines:
        return place
    return checked.nearest(str(place[1]), *place[3:])
