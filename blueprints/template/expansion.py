"""SAM's own translator, run offline: no AWS call, no credentials, no configured Region."""

import copy
import logging
import re
from collections.abc import Mapping
from typing import Any

from blueprints.errors import BlueprintError, at
from blueprints.findings import Finding
from blueprints.template.artifacts import local_artifacts
from blueprints.template.deferred_imports import import_when_used
from blueprints.template.kept_expansions import kept_expansion
from blueprints.template.macros import check_macros
from blueprints.template.problems import problems
from blueprints.template.reading import Place, Template

_SELDOM_USED = ("function", "capacity_provider", "microvmimage", "networkconnector", "graphqlapi")
_REGION = "us-east-1"
_OFFLINE = "offline"
_UPLOADED = "s3://local/artifact"
_IMAGE = "000000000000.dkr.ecr.us-east-1.amazonaws.com/local:image"


def expand(template: Template, parameters: Mapping[str, object] | None = None) -> dict[str, Any]:
    """The CloudFormation template that SAM generates; parameters that are not given have their defaults.

    Local paths need not be uploaded: they are replaced by a placeholder. Raises BlueprintError if SAM rejects it.
    """
    check_macros(template)
    body, given = _with_placeholders(template), dict(parameters or {})
    try:
        expanded = kept_expansion([body, given], lambda: _translate(body, given))
    except _exceptions().InvalidDocumentException as error:
        raise _explained(template, error) from None
    return expanded


def _translate(body: dict[str, Any], parameters: dict[str, object]) -> dict[str, Any]:
    """Do what `samtranslator.translator.transform.transform` does, without calls to AWS."""
    # Models of resource types that few templates have: running them takes longer than an expansion.
    import_when_used(*(f"samtranslator.internal.schema_source.aws_serverless_{name}" for name in _SELDOM_USED))
    import boto3
    from samtranslator.metrics.metrics import DummyMetricsPublisher, Metrics
    from samtranslator.parser.parser import Parser
    from samtranslator.plugins.application.serverless_app_plugin import ServerlessAppPlugin
    from samtranslator.translator.translator import Translator
    from samtranslator.utils.py27hash_fix import to_py27_compatible_template, undo_mark_unicode_str_in_template

    # Only the session's Region is used; without a session the translator would read the user's AWS profile.
    session = boto3.session.Session(_OFFLINE, _OFFLINE, region_name=_REGION)
    # It warns that its feature toggles, which are kept in AWS, are missing.
    logging.getLogger("samtranslator.feature_toggle").setLevel(logging.ERROR)
    metrics = Metrics("ServerlessTransform", DummyMetricsPublisher())
    plugins = [ServerlessAppPlugin(sar_client=_NoRepository(), validate_only=True, parameters=parameters)]
    # Logical ids of API deployments are hashes of the template as Python 2 printed it, as on AWS.
    to_py27_compatible_template(body, parameters)
    try:
        translator = Translator(None, Parser(), plugins, boto_session=session, metrics=metrics)
        made = translator.translate(body, parameter_values=parameters, get_managed_policy_map=dict)
    finally:
        metrics.publish()  # publishes nothing; without it the translator warns on standard error
    expanded: dict[str, Any] = undo_mark_unicode_str_in_template(made)
    return expanded


class _NoRepository:
    """Accepts any nested application of the Serverless Application Repository, as looking one up needs AWS."""

    def get_application(self, **_: object) -> dict[str, object]:
        return {}


def _exceptions() -> Any:
    from samtranslator.model import exceptions

    return exceptions


def _with_placeholders(template: Template) -> dict[str, Any]:
    body = copy.deepcopy(template.body)
    for artifact in local_artifacts(template):
        if template.resources[artifact.logical_id]["Type"].startswith("AWS::Serverless::"):
            holder = body["Resources"][artifact.logical_id].setdefault("Properties", {})
            holder[artifact.place[-1]] = _UPLOADED
    for logical_id in template.of_type("AWS::Serverless::Function"):
        properties = template.properties(logical_id)
        if properties.get("PackageType") == "Image" and "ImageUri" not in properties:
            body["Resources"][logical_id]["Properties"]["ImageUri"] = _IMAGE
    return body


def _explained(template: Template, error: Any) -> BlueprintError:
    """One error for all causes: at the misspelt property if there is one, or at the resource that SAM names."""
    named = [(_logical_id(template, cause), _message(cause)) for cause in error.causes]
    said = [f"{logical_id}: {message}" if logical_id else message for logical_id, message in named]
    what = said[0] if len(said) == 1 else "SAM rejects the template:\n  " + "\n  ".join(said)
    misspelt = [problem for problem in problems(template) if _explains(problem, named)]
    if misspelt:
        advice = "\n  ".join(problem.message for problem in misspelt)
        return BlueprintError(what, where=at(template.path, misspelt[0].line), advice=advice)
    return BlueprintError(
        what,
        where=template.at(*_place(template, *named[0])),
        advice="Correct it as SAM's specification of that resource type says.",
    )


def _place(template: Template, logical_id: str | None, message: str) -> Place:
    """The place of a cause: its event, its resource, or the property of Globals that it quotes."""
    event = re.search(r"Event with id \[(\w+)\]", message)
    if logical_id:
        resource: Place = ("Resources", logical_id)
        return (*resource, "Properties", "Events", event.group(1)) if event else resource
    quoted = re.findall(r"'(\w+)'", message) if "'Globals'" in message else []
    for name in quoted[1:]:
        for place in template.lines:
            if place and place[0] == "Globals" and place[-1] == name:
                return place
    return ()


def _message(cause: Any) -> str:
    message = re.sub(r"^Resource with id \[[^\]]*\] is invalid\. ", "", str(cause.message))
    if "Only one of 'InlineCode' or 'CodeUri'" in message:
        return "there is neither CodeUri nor InlineCode; write for example 'CodeUri: src/'."
    return message


def _explains(problem: Finding, named: list[tuple[str | None, str]]) -> bool:
    """Whether an unknown property may be the reason why SAM rejects a resource, or is the property that SAM names."""
    if problem.rule != "unknown-property":
        return False
    refused = {name for _, message in named for name in re.findall(r"property (\w+) not defined", message)}
    return any(logical_id and problem.message.startswith(f"{logical_id}: ") for logical_id, _ in named) or any(
        f"has no property {name};" in problem.message for name in refused
    )


def _logical_id(template: Template, cause: Any) -> str | None:
    named = getattr(cause, "_logical_id", None)
    for candidate in named if isinstance(named, list) else [named]:
        if candidate in template.resources:
            return str(candidate)
    for candidate in re.findall(r"\[(\w+)\]", cause.message):
        if candidate in template.resources:
            return str(candidate)
    return None
