"""SAM's own translator, run offline: no AWS call, no credentials, no configured Region."""

import copy
import logging
import re
from collections.abc import Mapping
from typing import Any

from blueprints.errors import BlueprintError, at
from blueprints.template.artifacts import local_artifacts
from blueprints.template.problems import problems
from blueprints.template.reading import Template

_REGION = "us-east-1"
_OFFLINE = "offline"
_UPLOADED = "s3://local/artifact"
_IMAGE = "000000000000.dkr.ecr.us-east-1.amazonaws.com/local:image"


def expand(template: Template, parameters: Mapping[str, object] | None = None) -> dict[str, Any]:
    """The CloudFormation that SAM makes out of the template; parameters not given take their defaults.

    Local paths need not have been uploaded: a placeholder location stands for them.
    """
    body = _with_placeholders(template)
    try:
        expanded: dict[str, Any] = _translate(body, dict(parameters or {}))
    except _exceptions().InvalidDocumentException as error:
        raise _explained(template, error) from None
    return expanded


def _translate(body: dict[str, Any], parameters: dict[str, object]) -> Any:
    import boto3
    from samtranslator.metrics.metrics import DummyMetricsPublisher, Metrics
    from samtranslator.parser.parser import Parser
    from samtranslator.plugins.application.serverless_app_plugin import ServerlessAppPlugin
    from samtranslator.translator.translator import Translator

    # The session is asked for its Region alone; left to itself the translator would read the user's AWS profile.
    session = boto3.session.Session(_OFFLINE, _OFFLINE, region_name=_REGION)
    # Its toggles live in AWS; that there are none here is no news.
    logging.getLogger("samtranslator.feature_toggle").setLevel(logging.ERROR)
    metrics = Metrics("ServerlessTransform", DummyMetricsPublisher())
    try:
        plugins = [ServerlessAppPlugin(sar_client=_NoRepository(), validate_only=True, parameters=parameters)]
        return Translator(None, Parser(), plugins, boto_session=session, metrics=metrics).translate(
            body, parameter_values=parameters, get_managed_policy_map=dict
        )
    finally:
        metrics.publish()  # into nothing; the translator warns on standard error when this is left out


class _NoRepository:
    """Takes nested applications of the Serverless Application Repository at their word: looking them up needs AWS."""

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
    """One error for all causes, each with the line of the resource that it names."""
    said = []
    first: str | None = None
    for cause in error.causes:
        logical_id = _logical_id(template, cause)
        place = template.at("Resources", logical_id) if logical_id else template.at()
        first = first or place
        message = re.sub(r"^Resource with id \[[^\]]*\] is invalid\. ", "", cause.message)
        if "Only one of 'InlineCode' or 'CodeUri'" in message:
            message = "there is neither CodeUri nor InlineCode; write for example 'CodeUri: src/'."
        said.append(f"{logical_id}: {message}" if logical_id else message)
    written = [problem for problem in problems(template) if problem.rule == "unknown-property"]
    if written:
        return BlueprintError(
            "SAM refuses the template: " + "; ".join(said),
            where=at(template.path, written[0].line),
            advice="\n  ".join(problem.message for problem in written),
        )
    what = said[0] if len(said) == 1 else "SAM refuses the template:\n  " + "\n  ".join(said)
    return BlueprintError(what, where=first, advice="Mend it as SAM's specification of that resource type says.")


def _logical_id(template: Template, cause: Any) -> str | None:
    named = getattr(cause, "_logical_id", None)
    for candidate in named if isinstance(named, list) else [named]:
        if candidate in template.resources:
            return str(candidate)
    for candidate in re.findall(r"\[(\w+)\]", cause.message):
        if candidate in template.resources:
            return str(candidate)
    return None
