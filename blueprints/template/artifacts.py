"""Properties that name a local file or folder, and the template with the uploads' locations in their place."""

import copy
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from blueprints.errors import BlueprintError
from blueprints.template.reading import Template

_REMOTE = ("s3://", "https://", "http://")


@dataclass(frozen=True)
class Artifact:
    """One property that names a local file or folder."""

    logical_id: str
    place: tuple[str, ...]
    """Below the resource's Properties."""
    path: str
    form: str
    kind: str
    """`zip` for code, `file` for a file that is uploaded unchanged, `template` for another template."""

    @property
    def name(self) -> str:
        """Such as `CodeUri` or `Command.ScriptLocation`."""
        return ".".join(self.place)


# What `aws cloudformation package` and `sam package` upload, and the form in which CloudFormation takes its location.
_ARTIFACTS: dict[str, tuple[tuple[str, str, str], ...]] = {
    "AWS::Serverless::Function": (("CodeUri", "Bucket Key", "zip"),),
    "AWS::Serverless::LayerVersion": (("ContentUri", "Bucket Key", "zip"),),
    "AWS::Serverless::Api": (("DefinitionUri", "Bucket Key", "file"),),
    "AWS::Serverless::HttpApi": (("DefinitionUri", "Bucket Key", "file"),),
    "AWS::Serverless::StateMachine": (("DefinitionUri", "Bucket Key", "file"),),
    "AWS::Serverless::GraphQLApi": (("SchemaUri", "s3", "file"),),
    "AWS::Serverless::Application": (("Location", "https", "template"),),
    "AWS::Lambda::Function": (("Code", "S3Bucket S3Key", "zip"),),
    "AWS::Lambda::LayerVersion": (("Content", "S3Bucket S3Key", "zip"),),
    "AWS::ApiGateway::RestApi": (("BodyS3Location", "Bucket Key", "file"),),
    "AWS::ApiGatewayV2::Api": (("BodyS3Location", "Bucket Key", "file"),),
    "AWS::AppSync::GraphQLSchema": (("DefinitionS3Location", "s3", "file"),),
    "AWS::AppSync::Resolver": (
        ("CodeS3Location", "s3", "file"),
        ("RequestMappingTemplateS3Location", "s3", "file"),
        ("ResponseMappingTemplateS3Location", "s3", "file"),
    ),
    "AWS::AppSync::FunctionConfiguration": (
        ("CodeS3Location", "s3", "file"),
        ("RequestMappingTemplateS3Location", "s3", "file"),
        ("ResponseMappingTemplateS3Location", "s3", "file"),
    ),
    "AWS::StepFunctions::StateMachine": (("DefinitionS3Location", "Bucket Key", "file"),),
    "AWS::Glue::Job": (("Command.ScriptLocation", "s3", "file"),),
    "AWS::ElasticBeanstalk::ApplicationVersion": (("SourceBundle", "S3Bucket S3Key", "zip"),),
    "AWS::CloudFormation::Stack": (("TemplateURL", "https", "template"),),
}


def local_artifacts(template: Template) -> Iterator[Artifact]:
    """Every local path in the template's resources, Globals included."""
    for logical_id, resource in template.resources.items():
        properties = template.properties(logical_id)
        if "InlineCode" in properties:
            continue  # SAM then passes over a CodeUri, which Globals may have set
        for name, form, kind in _ARTIFACTS.get(str(resource.get("Type")), ()):
            place = tuple(name.split("."))
            value: Any = properties
            for part in place:
                value = value.get(part) if isinstance(value, dict) else None
            if isinstance(value, str) and not value.startswith(_REMOTE):
                yield Artifact(logical_id, place, value, form, kind)


def includes(template: Template) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Local files named by AWS::Include: the place in the template, and the path."""
    yield from _includes(template.body, ())


def packaged(
    template: Template,
    code: Mapping[str, tuple[str, str]],
    files: Mapping[tuple[str, ...], tuple[str, str]] | None = None,
) -> str:
    """The template as JSON with `code`, logical id to (bucket, key), in place of local paths.

    `files` has the uploads that are not code: by logical id and property name, or by the place of an AWS::Include.
    Raises BlueprintError for a local path without an upload, as CloudFormation cannot read it.
    """
    files = files or {}
    body = copy.deepcopy(template.body)
    unknown = sorted(set(code) - {artifact.logical_id for artifact in local_artifacts(template)})
    if unknown:
        raise BlueprintError(
            f"{', '.join(unknown)}: there are uploads for resources that name no local path.",
            where=template.at("Resources"),
            advice="Give uploads only for resources whose CodeUri, ContentUri or DefinitionUri is a local path.",
        )
    for artifact in local_artifacts(template):
        place = ("Resources", artifact.logical_id, "Properties", *artifact.place)
        upload = files.get((artifact.logical_id, artifact.name)) or code.get(artifact.logical_id)
        if upload is None:
            raise _not_uploaded(template, place, f"{artifact.logical_id}: {artifact.name} '{artifact.path}'")
        _put(body["Resources"][artifact.logical_id], artifact, *upload)
    for found, path in includes(template):
        upload = files.get(tuple(str(part) for part in found))
        if upload is None:
            owner = found[1] if len(found) > 1 else "Fn::Transform"
            raise _not_uploaded(template, found, f"{owner}: AWS::Include '{path}'")
        _holder(body, found)["Parameters"]["Location"] = f"s3://{upload[0]}/{upload[1]}"
    for shared in body.get("Globals", {}).values():
        if isinstance(shared, dict) and isinstance(shared.get("CodeUri"), str):
            del shared["CodeUri"]  # each function has its own by now
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def _holder(body: Any, place: tuple[str | int, ...]) -> Any:
    for part in place:
        body = body[part]
    return body


def _put(resource: dict[str, Any], artifact: Artifact, bucket: str, key: str) -> None:
    holder = resource.setdefault("Properties", {})
    for part in artifact.place[:-1]:
        holder = holder[part]
    if artifact.form == "s3":
        value: object = f"s3://{bucket}/{key}"
    elif artifact.form == "https":
        value = f"https://s3.amazonaws.com/{bucket}/{key}"
    else:
        value = dict(zip(artifact.form.split(), (bucket, key), strict=True))
    holder[artifact.place[-1]] = value


def _not_uploaded(template: Template, place: tuple[str | int, ...], what: str) -> BlueprintError:
    return BlueprintError(
        f"{what} is a path on this machine, and nothing was uploaded for it.",
        where=template.at(*place),
        advice="Only functions are built and uploaded; write other content into the template itself "
        "(DefinitionBody, DefinitionString, Definition), or name an s3:// location.",
    )


def _includes(value: object, place: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _includes(item, (*place, index))
    if not isinstance(value, dict):
        return
    for name, item in value.items():
        if name == "Fn::Transform" and isinstance(item, dict) and item.get("Name") == "AWS::Include":
            path = item.get("Parameters", {}).get("Location")
            if isinstance(path, str) and not path.startswith(_REMOTE):
                yield (*place, name), path
        yield from _includes(item, (*place, name))
