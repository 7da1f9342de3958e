"""Preflight: all checks that need no AWS, before anything is published."""

from collections.abc import Iterator, Mapping
from typing import Any

from blueprints.packaging.build import Package
from blueprints.pattern import Pattern
from blueprints.publish import metadata, secrets, unverified
from blueprints.sar_rules import capabilities, iam_grants, resource_types, template_form
from blueprints.sar_rules.findings import RepositoryFinding, found
from blueprints.sar_rules.limits import ARTIFACT_BYTES
from blueprints.template.expansion import expand
from blueprints.template.inline_definitions import definition_files
from blueprints.template.problems import problems
from blueprints.template.reading import Template


def check_template(pattern: Pattern, template: Template, *, public: bool) -> list[RepositoryFinding]:
    """Findings in the template and its metadata, both as written and as SAM expands it."""
    findings = check_written(pattern, template, public=public)
    if not any(each.verdict == "refused" for each in findings):
        body = expand(template)
        findings.extend(resource_types.expanded(template, body))
        findings.extend(_mistakes(template, body))
    findings.extend(secrets.in_texts(pattern, template))
    return findings


def check_written(pattern: Pattern, template: Template, *, public: bool = False) -> list[RepositoryFinding]:
    """Findings in the template as it is written and in its metadata. Expands nothing, so it is fast."""
    return [
        *metadata.check(template, public=public),
        *template_form.transforms(template),
        *template_form.nested_by_path(template),
        *template_form.unpackaged(template, _published(pattern, template)),
        *resource_types.written(template),
        *iam_grants.blocked(template),
        *unverified.properties(template),
        *_capabilities(template),
    ]


def check_packages(pattern: Pattern, packages: list[Package], *, local: bool) -> Iterator[RepositoryFinding]:
    """Findings in the packages: secrets, too large together, or without bytecode for Lambda (unless `local`)."""
    yield from secrets.in_packages(pattern, packages)
    sizes = {package.sha256: package.size for package in packages}
    total = sum(sizes.values())
    if total > ARTIFACT_BYTES:
        largest = max(packages, key=lambda package: package.size)
        message = (
            f"{largest.logical_id}: the artifacts have {total:,} bytes together, and one version may have "
            f"{ARTIFACT_BYTES:,}. Remove what the functions do not need, or use a container image."
        )
        yield RepositoryFinding(pattern.template, _line(pattern, largest), message)
    for package in packages:
        if package.interpreter is None and not local and _is_python(pattern, package):
            message = (
                f"{package.logical_id}: its package is without bytecode, as this machine lacks the Python of its "
                "runtime; install that Python and publish again."
            )
            yield RepositoryFinding(pattern.template, _line(pattern, package), message)


def check_size(template: Template, size_in_bytes: int) -> list[RepositoryFinding]:
    """Findings in the size of the packaged template."""
    return list(template_form.size(template, size_in_bytes))


def _published(pattern: Pattern, template: Template) -> frozenset[str]:
    """The resources whose local path is published: functions as packages, definitions within the template."""
    functions = {each.logical_id for each in pattern.functions}
    return frozenset(functions | {each.logical_id for each in definition_files(template)})


def _mistakes(template: Template, body: Mapping[str, Any]) -> Iterator[RepositoryFinding]:
    """Mistakes that would make every deployment fail."""
    for each in problems(template, body):
        yield RepositoryFinding(each.file, each.line, each.message)


def _capabilities(template: Template) -> Iterator[RepositoryFinding]:
    for capability, place in capabilities.required(template).items():
        if capability == capabilities.EXPAND:
            continue
        message = (
            f"Deploying it requires {capability}, so the default search does not show the application "
            "(only with 'Show apps that create custom IAM roles or resource policies')."
        )
        yield found("accepted", message, template, place)


def _line(pattern: Pattern, package: Package) -> int:
    lines = {function.logical_id: function.line for function in pattern.functions}
    return lines.get(package.logical_id, 0)


def _is_python(pattern: Pattern, package: Package) -> bool:
    return any(each.python for each in pattern.functions if each.logical_id == package.logical_id)
