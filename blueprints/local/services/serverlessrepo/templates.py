"""Checks templates as SAR does: refuses them, or reads their parameters and required capabilities."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from blueprints.errors import BlueprintError
from blueprints.local.base.protocol import ServiceError
from blueprints.local.services.serverlessrepo import model
from blueprints.sar_rules import capabilities, iam_grants, resource_types, template_form
from blueprints.sar_rules.findings import RepositoryFinding
from blueprints.template.reading import Template, load

_DEFINITION = {
    "AllowedPattern": str, "ConstraintDescription": str, "Description": str, "Type": str,
    "MaxLength": int, "MaxValue": int, "MinLength": int, "MinValue": int,
}  # fmt: skip


@dataclass(frozen=True)
class Judged:
    """An accepted template."""

    template: Template
    parameters: list[dict[str, Any]]
    """As ParameterDefinition has it."""
    capabilities: list[str]
    dependencies: list[dict[str, str]]


def judged(path: Path) -> Judged:
    """Read and check a template. Raises ServiceError with the first reason against it."""
    try:
        template = load(path)
    except BlueprintError as error:
        raise ServiceError("BadRequestException", f"The template could not be parsed: {error.what}") from error
    if not template.resources:
        raise ServiceError("BadRequestException", "The template has no Resources")
    for finding in _findings(template, path.stat().st_size):
        if finding.verdict == "refused":
            raise ServiceError("BadRequestException", f"Invalid template: {finding.message}")
    return Judged(template, list(_parameters(template)), sorted(_capabilities(template)), list(_dependencies(template)))


def _findings(template: Template, size: int) -> Iterator[RepositoryFinding]:
    yield from template_form.size(template, size)
    yield from template_form.transforms(template)
    yield from template_form.nested_by_path(template)
    yield from template_form.unpackaged(template)
    yield from resource_types.written(template)
    yield from iam_grants.blocked(template)


def _capabilities(template: Template) -> set[str]:
    """The capabilities to acknowledge: by the types that the model names, and by SAM's policies."""
    kinds = {str(resource.get("Type")) for resource in template.resources.values()}
    named = (capabilities.IAM, capabilities.RESOURCE_POLICY)
    asked = {each for each in named if kinds & model.types_that_require(each)}
    judged = set(capabilities.required(template))
    # A name asks for more than the type does.
    return judged | (asked - {capabilities.IAM} if capabilities.NAMED in judged else asked)


def _parameters(template: Template) -> Iterator[dict[str, Any]]:
    for name, written in template.section("Parameters").items():
        definition = {key: kind(written[key]) for key, kind in _DEFINITION.items() if key in written}
        if "Default" in written:
            definition["DefaultValue"] = _text(written["Default"])
        if "AllowedValues" in written:
            definition["AllowedValues"] = [_text(each) for each in written["AllowedValues"]]
        users = [each for each, resource in template.resources.items() if _refers(resource, name)]
        yield {
            "Name": name,
            **definition,
            "NoEcho": str(written.get("NoEcho", False)).lower() == "true",
            "ReferencedByResources": users,
        }


def _dependencies(template: Template) -> Iterator[dict[str, str]]:
    for logical_id in template.of_type("AWS::Serverless::Application"):
        location = template.properties(logical_id).get("Location")
        if isinstance(location, dict) and isinstance(location.get("ApplicationId"), str):
            yield {
                "ApplicationId": location["ApplicationId"],
                "SemanticVersion": str(location.get("SemanticVersion", "")),
            }


def _refers(value: Any, name: str) -> bool:
    if isinstance(value, dict):
        if value.get("Ref") == name:
            return True
        text = value.get("Fn::Sub")
        first = text[0] if isinstance(text, list) and text else text
        if isinstance(first, str) and f"${{{name}}}" in first:
            return True
        return any(_refers(each, name) for each in value.values())
    return isinstance(value, list) and any(_refers(each, name) for each in value)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
