"""Preflight: everything that can be judged on this machine, before anything is sent."""

from collections.abc import Iterator, Mapping
from typing import Any

from blueprints.errors import at
from blueprints.packaging.build import Package
from blueprints.pattern import Pattern
from blueprints.publish import metadata, secrets, unverified
from blueprints.sar_rules import capabilities, iam_grants, resource_types, template_form
from blueprints.sar_rules.findings import Finding, found
from blueprints.sar_rules.limits import ARTIFACT_BYTES
from blueprints.template.expansion import expand
from blueprints.template.problems import problems
from blueprints.template.reading import Template


def of_template(pattern: Pattern, template: Template, *, public: bool) -> list[Finding]:
    """Findings in the template and its metadata, as written and as SAM expands it."""
    findings = as_written(pattern, template, public=public)
    if not any(each.verdict == "refused" for each in findings):
        body = expand(template)
        findings.extend(resource_types.expanded(template, body))
        findings.extend(_mistakes(template, body))
    findings.extend(secrets.in_texts(pattern, template))
    return findings


def as_written(pattern: Pattern, template: Template, *, public: bool = False) -> list[Finding]:
    """Findings in the template as it is written, and in its metadata: what takes no time to find."""
    return [
        *metadata.check(template, public=public),
        *template_form.transforms(template),
        *template_form.nested_by_path(template),
        *template_form.unpackaged(template, frozenset(each.logical_id for each in pattern.functions)),
        *resource_types.written(template),
        *iam_grants.blocked(template),
        *unverified.properties(template),
        *_capabilities(template),
    ]


def of_packages(pattern: Pattern, packages: list[Package], *, local: bool) -> Iterator[Finding]:
    """Findings in what was built: together not too large, compiled for Lambda, and without secrets."""
    yield from secrets.in_packages(pattern, packages)
    sizes = {package.sha256: package.size for package in packages}
    total = sum(sizes.values())
    if total > ARTIFACT_BYTES:
        largest = max(packages, key=lambda package: package.size)
        message = (
            f"{largest.logical_id}: the artifacts have {total:,} bytes together, and one version may have "
            f"{ARTIFACT_BYTES:,}. Leave out what the functions do not need, or ship a container image."
        )
        yield Finding("refused", message, _line(pattern, largest))
    for package in packages:
        if package.interpreter is None and not local and _is_python(pattern, package):
            message = (
                f"{package.logical_id}: its package was built without bytecode, for lack of its runtime's Python; "
                "install that Python and publish again."
            )
            yield Finding("refused", message, _line(pattern, package))


def of_size(template: Template, size_in_bytes: int) -> list[Finding]:
    """Findings in the size of the template as it is sent."""
    return list(template_form.size(template, size_in_bytes))


def _mistakes(template: Template, body: Mapping[str, Any]) -> Iterator[Finding]:
    """What no deployment could take, whatever the repository says."""
    for each in problems(template, body):
        yield Finding("refused", each.message, at(each.file, each.line))


def _capabilities(template: Template) -> Iterator[Finding]:
    for capability, place in capabilities.required(template).items():
        if capability == capabilities.EXPAND:
            continue
        message = (
            f"{capability} will be asked for, so the application is hidden from the default search "
            "(shown with 'Show apps that create custom IAM roles or resource policies')."
        )
        yield found("accepted", message, template, place)


def _line(pattern: Pattern, package: Package) -> str:
    lines = {function.logical_id: function.line for function in pattern.functions}
    return at(pattern.template, lines.get(package.logical_id))


def _is_python(pattern: Pattern, package: Package) -> bool:
    return any(each.python for each in pattern.functions if each.logical_id == package.logical_id)
