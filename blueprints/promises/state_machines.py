"""State machines of a template, with their definitions as the service gets them."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blueprints.errors import BlueprintError
from blueprints.promises.values import alternatives
from blueprints.template.reading import Place, Template
from blueprints.template.reading import parse as parse_text

if TYPE_CHECKING:  # the language is only imported for templates with state machines
    from blueprints.states_language.definition import Block, Definition, State

TYPE = "AWS::StepFunctions::StateMachine"

_PLACEHOLDER = re.compile(r"\$\{([a-zA-Z0-9_]+)\}")
_IN_SUB = re.compile(r"\$\{([^!}][^}]*)\}")
_PSEUDO = {
    "AWS::AccountId": "123456789012",
    "AWS::Partition": "aws",
    "AWS::Region": "us-east-1",
    "AWS::StackName": "stack",
    "AWS::URLSuffix": "amazonaws.com",
}
_REF_IS_ARN = (
    *("AWS::Lambda::Version", "AWS::Lambda::Alias", "AWS::SNS::Topic", "AWS::SecretsManager::Secret"),
    *(TYPE, "AWS::StepFunctions::StateMachineAlias", "AWS::StepFunctions::StateMachineVersion"),
    *("AWS::StepFunctions::Activity", "AWS::ECS::Cluster", "AWS::ECS::TaskDefinition"),
)
_ARN_KINDS = {"lambda": "function:", "states": "stateMachine:", "dynamodb": "table/"}


@dataclass(frozen=True)
class StateMachine:
    """One state machine with its definition, in which example values stand for what is not known yet."""

    logical_id: str
    is_express: bool
    text: str | None
    """JSON; None if the definition is not in the folder, or cannot be read."""
    file: Template | None
    """The file with the definition; None if it is in the template."""
    place: Place
    """The place of the definition in the file or the template."""

    def __str__(self) -> str:
        return self.logical_id

    @cached_property
    def definition(self) -> "Definition | None":
        """The definition; None if there is none, or Step Functions refuses it."""
        from blueprints.states_language.definition import InvalidDefinition, parse

        try:
            return parse(self.text, express=self.is_express) if self.text is not None else None
        except InvalidDefinition:
            return None

    @property
    def states(self) -> "Iterator[tuple[Place, State]]":
        """Every state with its place in the definition, also those in branches and iterations."""
        if self.definition:
            yield from _states(self.definition.block, ())


def state_machines(template: Template, expanded: Mapping[str, Any]) -> Iterator[StateMachine]:
    """The state machines of a template as it is written and as SAM expands it."""
    resources = expanded.get("Resources") or {}
    for logical_id, resource in resources.items():
        if not isinstance(resource, dict) or resource.get("Type") != TYPE:
            continue
        properties = resource.get("Properties") or {}
        is_express = "EXPRESS" in alternatives(properties.get("StateMachineType"))
        examples = _Examples(template, resources)
        yield _read(template, logical_id, properties, examples, is_express)


def _read(
    template: Template, logical_id: str, properties: dict[str, Any], examples: "_Examples", is_express: bool
) -> StateMachine:
    written = template.properties(logical_id) if logical_id in template.resources else {}
    place: Place = ("Resources", logical_id, "Properties")
    substitutions = {
        name: examples.text(value) for name, value in (properties.get("DefinitionSubstitutions") or {}).items()
    }
    for name in ("DefinitionUri", "DefinitionS3Location"):
        if isinstance(written.get(name), str):
            file = _file(template.folder / written[name], substitutions)
            return StateMachine(logical_id, is_express, json.dumps(file.body) if file else None, file, ())
    source = next((name for name in ("Definition", "DefinitionString") if properties.get(name)), None)
    if source is None:
        return StateMachine(logical_id, is_express, None, None, place)
    value = properties[source]
    text = json.dumps(examples.whole(value)) if source == "Definition" else examples.text(value)
    shown = next((name for name in ("Definition", "DefinitionString") if name in written), source)
    return StateMachine(logical_id, is_express, _substituted(text, substitutions), None, (*place, shown))


def _file(path: Path, substitutions: Mapping[str, str]) -> Template | None:
    """A file with substitutions made in its text, which may make a number of `${Number}`; None if it cannot be read."""
    try:
        return parse_text(path, _substituted(path.read_text(encoding="utf-8-sig"), substitutions))
    except (BlueprintError, OSError, UnicodeDecodeError):
        return None  # other findings report a file that is missing or not YAML


def _substituted(text: str, substitutions: Mapping[str, str]) -> str:
    return _PLACEHOLDER.sub(lambda found: substitutions.get(found[1], found[0]), text)


def _states(block: "Block", place: Place) -> "Iterator[tuple[Place, State]]":
    for name, state in block.states.items():
        here = (*place, "States", name)
        yield here, state
        processor = "ItemProcessor" if "ItemProcessor" in state.fields else "Iterator"
        for index, inner in enumerate(state.blocks):
            inside = ("Branches", index) if state.type == "Parallel" else (processor,)
            yield from _states(inner, (*here, *inside))


class _Examples:
    """Texts that CloudFormation's functions may have: a default, or an ARN or name of the right form."""

    def __init__(self, template: Template, resources: Mapping[str, Any]) -> None:
        self._template = template
        self._resources = resources

    def text(self, value: object) -> str:
        """The text of a value."""
        if isinstance(value, dict) and len(value) == 1:
            name, argument = next(iter(value.items()))
            if name == "Ref":
                return self._named(str(argument))
            if name == "Fn::GetAtt":
                return self._named(".".join(argument) if isinstance(argument, list) else str(argument))
            if name == "Fn::Sub":
                return self._sub(argument)
            if name == "Fn::Join" and isinstance(argument, list) and isinstance(argument[-1], list):
                return str(argument[0]).join(map(self.text, argument[-1]))
            if name == "Fn::If" and isinstance(argument, list):
                return self.text(next(alternatives(value), ""))
            return "1" if name.startswith("Fn::") else json.dumps(value)
        return str(value).lower() if isinstance(value, bool) else str(value)

    def whole(self, value: object) -> object:
        """A definition that is written as an object, with texts in place of functions."""
        if isinstance(value, dict):
            if len(value) == 1 and next(iter(value)).startswith(("Ref", "Fn::")):
                return self.text(value)
            return {name: self.whole(each) for name, each in value.items()}
        return [self.whole(each) for each in value] if isinstance(value, list) else value

    def _sub(self, argument: object) -> str:
        words, own = argument if isinstance(argument, list) and len(argument) == 2 else (argument, {})
        return _IN_SUB.sub(
            lambda found: self.text(own[found[1]]) if found[1] in own else self._named(found[1]), str(words)
        )

    def _named(self, name: str) -> str:
        if name in _PSEUDO:
            return _PSEUDO[name]
        parameter = self._template.section("Parameters").get(name)
        if isinstance(parameter, dict):
            return str(parameter.get("Default") or "1")
        logical_id, _, attribute = name.partition(".")
        kind = str((self._resources.get(logical_id) or {}).get("Type", ""))
        if attribute.endswith("Arn") or (not attribute and kind in _REF_IS_ARN):
            _, service, *_ = (*kind.lower().split("::"), "", "")
            service = "states" if service == "stepfunctions" else service
            return f"arn:aws:{service}:us-east-1:123456789012:{_ARN_KINDS.get(service, '')}{logical_id}"
        return logical_id
