"""Passes lint: cfn-lint and the checks of its own find nothing in the template, as written and as SAM expands it."""

from collections.abc import Iterator

from blueprints.promises import linting
from blueprints.promises.subject import Breach, Subject
from blueprints.template.reading import Place

_SAM = "AWS::Serverless::"


def template_passes_cfn_lint(subject: Subject) -> Iterator[Breach]:
    """The template as it is written gives cfn-lint nothing to find."""
    for match in linting.lint_file(subject.pattern.template):
        yield Breach(subject.pattern.template, match.line, match.message)


def expanded_template_passes_cfn_lint(subject: Subject) -> Iterator[Breach]:
    """What SAM makes of the template, where alone a ring of resources shows, gives cfn-lint nothing to find."""
    as_written = {name for name in subject.resources if not _made_by_sam(subject, name)}
    for match in linting.lint_expanded(subject.expanded, as_written):
        yield subject.breach(match.message, *_written(subject, match.place))


def sam_takes_the_template(subject: Subject) -> Iterator[Breach]:
    """SAM makes CloudFormation out of the template when every parameter has its default."""
    error = subject.refusal
    if error:
        _, _, line = (error.where or "").rpartition(":")
        message = f"{error.what} {error.advice or ''}".strip()
        yield Breach(subject.pattern.template, int(line) if line.isdigit() else 1, message)


def template_has_no_problems(subject: Subject) -> Iterator[Breach]:
    """Nothing in the template is misspelt, missing, or outside the folder."""
    for problem in subject.problems:
        yield Breach(problem.file, problem.line, problem.message)


def _made_by_sam(subject: Subject, logical_id: str) -> bool:
    written = subject.template.resources.get(logical_id)
    return written is None or str(written.get("Type")).startswith(_SAM)


def _written(subject: Subject, place: Place) -> Place:
    """Where a place of the expanded template is written, or what surrounds it."""
    if place[:1] != ("Resources",):
        return place
    return subject.nearest(str(place[1]), *place[3:])
