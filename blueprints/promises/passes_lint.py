"""Passes lint: cfn-lint and the checks of its own find nothing in the template, as written and as SAM expands it."""

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

from blueprints.errors import BlueprintError
from blueprints.promises.subject import Breach, Subject
from blueprints.template.problems import problems

# Checks of cfn-lint that would contradict how patterns are written, each with its reason.
_IGNORED: dict[str, str] = {}
# Checks that make no sense on what SAM made, each with its reason.
_IGNORED_IN_EXPANDED = {
    "W2001": "SAM puts some parameters' values in their place, DeploymentPreference's for one",
    "W8001": "conditions are used by resources that are left out of this lint",
}
_SAM = "AWS::Serverless::"


def template_passes_cfn_lint(subject: Subject) -> Iterator[Breach]:
    """cfn-lint finds nothing in the template as it is written."""
    from cfnlint.runner.template import run_template_by_file_path

    config, rules = _cfn_lint()
    for match in run_template_by_file_path(str(subject.pattern.template), config, rules, False):
        if match.rule.id not in _IGNORED:
            yield Breach(subject.pattern.template, match.linenumber, _said(match))


def expanded_template_passes_cfn_lint(subject: Subject) -> Iterator[Breach]:
    """cfn-lint finds nothing in what SAM makes of the template, where alone a cycle of resources shows."""
    from cfnlint.runner.template import run_template_by_data

    config, rules = _cfn_lint()
    untouched = {name for name in subject.resources if not _made_by_sam(subject, name)}
    for match in run_template_by_data(_with_stubs(subject, untouched), config, rules):
        place = [each for each in match.path if isinstance(each, str | int)]
        ignored = match.rule.id in _IGNORED or match.rule.id in _IGNORED_IN_EXPANDED
        if not ignored and len(place) > 1 and place[1] not in untouched:
            yield subject.breach(_said(match), *_written(subject, place))
    for match in _cycles(subject.expanded):
        yield subject.breach(_said(match), *_written(subject, match.path))


def sam_takes_the_template(subject: Subject) -> Iterator[Breach]:
    """SAM makes CloudFormation out of the template when every parameter has its default."""
    try:
        _ = subject.expanded
    except BlueprintError as error:
        _, _, line = (error.where or "").rpartition(":")
        message = f"{error.what} {error.advice or ''}".strip()
        yield Breach(subject.pattern.template, int(line) if line.isdigit() else 1, message)


def template_has_no_problems(subject: Subject) -> Iterator[Breach]:
    """Nothing in the template is misspelt, missing, or outside the folder."""
    for problem in problems(subject.template, subject.expanded):
        yield Breach(problem.file, problem.line, problem.message)


@cache
def _cfn_lint() -> tuple[Any, Any]:
    """cfn-lint's settings and rules, loaded once: that is most of what a run of it costs."""
    from cfnlint.config import ConfigMixIn
    from cfnlint.runner import Runner

    config = ConfigMixIn([])
    return config, Runner(config).rules


def _cycles(expanded: dict[str, Any]) -> Iterator[Any]:
    from cfnlint.rules.resources.CircularDependency import CircularDependency
    from cfnlint.template import Template

    template = Template(None, expanded, ["us-east-1"])
    rule = CircularDependency()
    for match in rule.match(template):
        match.rule = rule
        yield match


def _with_stubs(subject: Subject, untouched: set[str]) -> Any:
    """The expanded template without the insides of resources that SAM left as they were: those have been linted."""
    from cfnlint.decode.decode import decode_str

    resources = {
        name: {"Type": resource.type} if name in untouched else resource.body
        for name, resource in subject.resources.items()
    }
    kept = {
        name: subject.expanded[name] for name in ("Parameters", "Mappings", "Conditions") if name in subject.expanded
    }
    decoded, _ = decode_str(json.dumps({**kept, "Resources": resources}))
    return decoded


def _made_by_sam(subject: Subject, logical_id: str) -> bool:
    written = subject.template.resources.get(logical_id)
    return written is None or str(written.get("Type")).startswith(_SAM)


def _written(subject: Subject, place: list[Any]) -> tuple[str | int, ...]:
    if len(place) > 3 and place[0] == "Resources":
        return subject.place(str(place[1]), *place[3:])
    return subject.place(str(place[1])) if len(place) > 1 and place[0] == "Resources" else tuple(place)


def _said(match: Any) -> str:
    rule = match.rule
    return f"{match.message.rstrip('.')} (cfn-lint {rule.id}); mend it as {rule.source_url or rule.shortdesc} says."
