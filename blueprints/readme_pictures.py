"""The pictures of state machines in a README, drawn from their definitions.

The picture of a state machine is a file beside the README, named after its logical id: `OrderMachine.svg`.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from blueprints.errors import BlueprintError, at
from blueprints.template.reading import Template

_TYPES = ("AWS::Serverless::StateMachine", "AWS::StepFunctions::StateMachine")
_PATHS = ("DefinitionUri", "DefinitionS3Location")


def pictures(template: Template) -> dict[str, str]:
    """The picture of each state machine of a template as SVG, by file name.

    State machines whose definition is neither in the template nor in its folder have none. Raises BlueprintError, with
    the file, for a definition that cannot be drawn.
    """
    return {f"{logical_id}.svg": picture for logical_id, picture in _drawn(template)}


def _drawn(template: Template) -> Iterator[tuple[str, str]]:
    if not any(template.of_type(*_TYPES)):
        return
    from blueprints.flow_pictures import draw, read_flow

    for logical_id in template.of_type(*_TYPES):
        properties = template.properties(logical_id)
        found = _definition(template, logical_id, properties)
        if found is None:
            continue
        where, definition = found
        try:
            flow = read_flow(definition, _names(properties.get("DefinitionSubstitutions")))
        except BlueprintError as error:
            raise BlueprintError(error.what, where=where, advice="Correct it there.") from error
        title = f"{logical_id}: {flow.comment}" if flow.comment else logical_id
        yield logical_id, draw(flow, title)


def is_shown(readme: str, file: str) -> bool:
    """Whether a README shows a picture."""
    path = rf"(?:\./)?{re.escape(file)}"
    return (
        re.search(rf"!\[[^\]]*\]\({path}(?:\s[^)]*)?\)|<(?:img|source)\b[^>]*[\"'\s]{path}[\"'\s>]", readme) is not None
    )


def _definition(template: Template, logical_id: str, properties: Mapping[str, Any]) -> tuple[str, object] | None:
    """Where a definition is, and the definition as a value or as JSON text."""
    for name in _PATHS:
        path = template.value(properties.get(name))
        if isinstance(path, str) and not path.startswith("s3://"):
            return at(template.folder / path), _read(template.folder / path)
    for name in ("Definition", "DefinitionString"):
        written = properties.get(name)
        if isinstance(written, dict) and set(written) == {"Fn::Sub"}:
            written = written["Fn::Sub"][0] if isinstance(written["Fn::Sub"], list) else written["Fn::Sub"]
        if written:
            return template.at("Resources", logical_id, "Properties", name), written
    return None


def _read(path: Path) -> object:
    try:
        text = path.read_text(encoding="utf-8-sig")
        return json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    except FileNotFoundError:
        raise BlueprintError("There is no such definition.", where=at(path), advice="Correct DefinitionUri.") from None
    except (ValueError, yaml.YAMLError) as error:
        raise BlueprintError(f"The state machine's definition cannot be read: {error}", where=at(path)) from error


def _names(substitutions: object) -> dict[str, str]:
    """Placeholders by name, with the logical id of the resource or parameter that each stands for."""
    return dict(_named(substitutions)) if isinstance(substitutions, Mapping) else {}


def _named(substitutions: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    from blueprints.flow_pictures.resources import reference

    for name, value in substitutions.items():
        found = reference(value)
        if found:
            yield str(name), found
