"""Writes the definitions of state machines into a template, for destinations that take no file beside it."""

import copy
import dataclasses
import json

import yaml

from blueprints.errors import BlueprintError, at
from blueprints.template.artifacts import Artifact, local_artifacts
from blueprints.template.reading import Template

_TYPE = "AWS::Serverless::StateMachine"


def definition_files(template: Template) -> list[Artifact]:
    """The local files that state machines of SAM have as their DefinitionUri."""
    return [each for each in local_artifacts(template) if template.resources[each.logical_id]["Type"] == _TYPE]


def with_definitions_inline(template: Template) -> Template:
    """The template with a Definition in place of each DefinitionUri that is a local file.

    SAM fills in DefinitionSubstitutions in both. Raises BlueprintError, with the file, if one cannot be read.
    """
    body = copy.deepcopy(template.body)
    for artifact in definition_files(template):
        properties = body["Resources"][artifact.logical_id]["Properties"]
        properties["Definition"] = _read(template, artifact)
        properties.pop("DefinitionUri", None)
    return dataclasses.replace(template, body=body)


def _read(template: Template, artifact: Artifact) -> object:
    path = template.folder / artifact.path
    try:
        text = path.read_text(encoding="utf-8-sig")
        return json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    except (OSError, ValueError, yaml.YAMLError) as error:
        advice = f"Correct the file, or DefinitionUri of {artifact.logical_id}."
        raise BlueprintError(f"The definition cannot be read: {error}", where=at(path), advice=advice) from error
