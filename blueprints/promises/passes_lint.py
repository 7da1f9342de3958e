"""Passes lint: cfn-lint and the checks of its own find nothing in the template, as written and as SAM expands it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from blueprints.errors import BlueprintError
from blueprints.promises import linting
from blueprints.promises.subject import Breach, Subject
from blueprints.promises.values import at
from blueprints.template.macros import UsesMacros
from blueprints.template.reading import Place


def template_passes_cfn_lint(subject: Subject) -> Iterator[Breach]:
    """The template as it is written gives cfn-lint nothing to find."""
    yield from linted(subject.pattern.template)


def expanded_template_passes_cfn_lint(subject: Subject) -> Iterator[Breach]:
    """The template that SAM generates gives cfn-lint nothing to find: some faults show only there."""
    named = {(match.rule, match.line) for match in linting.lint_file(subject.pattern.template)}
    for match in linting.lint_expanded(subject.expanded, subject.plain_resources):
        breach = subject.breach(match.message, *_written(subject, match.place))
        if (match.rule, breach.line) not in named and match.rule not in _switched_off(subject, match.place):
            yield breach


def sam_takes_the_template(subject: Subject) -> Iterator[Breach]:
    """SAM makes CloudFormation out of the template when every parameter has its default."""
    if subject.refusal and not isinstance(subject.refusal, UsesMacros):  # which is a promise of its own
        yield refused(subject.pattern.template, subject.refusal)


def template_has_no_problems(subject: Subject) -> Iterator[Breach]:
    """Nothing in the template is misspelt, missing, or outside the folder."""
    for problem in subject.problems:
        yield Breach(problem.file, problem.line, problem.message)


LINTING = (template_passes_cfn_lint, expanded_template_passes_cfn_lint)
"""The promises that run cfn-lint, which takes most of the time of a check."""


def linted(template: Path) -> Iterator[Breach]:
    """cfn-lint's findings in a template file, even one that cannot be parsed."""
    for match in linting.lint_file(template):
        yield Breach(template, match.line, match.message)


def refused(template: Path, error: BlueprintError) -> Breach:
    """An error in a template as a breach."""
    _, _, line = (error.where or "").rpartition(":")
    message = f"{error.what} {error.advice or ''}".strip()
    return Breach(template, int(line) if line.isdigit() else 1, message)


def _switched_off(subject: Subject, place: Place) -> list[Any]:
    """The checks that a resource's Metadata turns off; SAM does not copy that to the resources that it generates."""
    if place[:1] != ("Resources",):
        return []
    written = subject.template.resources.get(subject.written(str(place[1])), {})
    return list(at(written.get("Metadata"), "cfn-lint", "config", "ignore_checks"))


def _written(subject: Subject, place: Place) -> Place:
    """Where a place of the expanded template is written, or what surrounds it."""
    if place[:1] != ("Resources",) or len(place) < 2 or place in subject.template.lines:
        return place
    return subject.nearest(str(place[1]), *place[3:])
