"""YAML with CloudFormation's short-form functions, read into plain values and a line number for each of them."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from blueprints.errors import BlueprintError, at

Place = tuple[str | int, ...]

SAM = "AWS::Serverless-2016-10-31"
"""The transform that makes CloudFormation out of SAM's resource types."""

# libyaml's parser where PyYAML was built with it: ten times as quick.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_FUNCTIONS = {
    "And", "Base64", "Cidr", "Equals", "FindInMap", "GetAtt", "GetAZs", "GetStackOutput", "If", "ImportValue", "Join",
    "Length", "Not", "Or", "Select", "Split", "Sub", "ToJsonString", "Transform",
    "Contains", "EachMemberEquals", "EachMemberIn", "RefAll", "ValueOf", "ValueOfAll",
}  # fmt: skip
_BARE = {"Ref", "Condition"}
# `Version: 2012-10-17` names an edition and is no day; `=` and `<<` as values are what they look like.
_TEXT = {"tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:value", "tag:yaml.org,2002:merge"}
_GLOBALS = {
    "AWS::Serverless::Function": "Function",
    "AWS::Serverless::Api": "Api",
    "AWS::Serverless::HttpApi": "HttpApi",
    "AWS::Serverless::WebSocketApi": "WebSocketApi",
    "AWS::Serverless::SimpleTable": "SimpleTable",
    "AWS::Serverless::StateMachine": "StateMachine",
    "AWS::Serverless::LayerVersion": "LayerVersion",
}


@dataclass(frozen=True)
class Template:
    """A template as it is written, with all functions in their long form."""

    path: Path
    body: dict[str, Any]
    lines: Mapping[Place, int]

    @property
    def folder(self) -> Path:
        """The folder that paths in the template are relative to."""
        return self.path.parent

    @property
    def resources(self) -> dict[str, dict[str, Any]]:
        """Logical id to resource, those that are mappings."""
        return {name: value for name, value in self.section("Resources").items() if isinstance(value, dict)}

    def section(self, name: str) -> dict[str, Any]:
        """A top-level section; empty if there is none."""
        section = self.body.get(name)
        return section if isinstance(section, dict) else {}

    def line(self, *place: str | int) -> int:
        """The line on which a place begins, or the nearest place around it that is written."""
        for end in range(len(place), -1, -1):
            if place[:end] in self.lines:
                return self.lines[place[:end]]
        return 1

    def at(self, *place: str | int) -> str:
        """`file:line` of a place."""
        return at(self.path, self.line(*place))

    def properties(self, logical_id: str) -> dict[str, Any]:
        """A resource's properties, with those of Globals that the resource does not set."""
        resource = self.resources[logical_id]
        own = resource.get("Properties")
        own = own if isinstance(own, dict) else {}
        shared = self.section("Globals").get(_GLOBALS.get(str(resource.get("Type")), ""))
        return {**shared, **own} if isinstance(shared, dict) else own

    def value(self, written: object) -> object:
        """The value with every parameter at its default: resolves a Ref to a parameter, and nothing else."""
        if isinstance(written, dict) and set(written) == {"Ref"}:
            parameter = self.section("Parameters").get(written["Ref"])
            if isinstance(parameter, dict) and "Default" in parameter:
                return parameter["Default"]
        return written

    def of_type(self, *types: str) -> Iterator[str]:
        """Logical ids of the resources of these types, in the order in which they are written."""
        return (name for name, resource in self.resources.items() if resource.get("Type") in types)


def load(path: Path) -> Template:
    """Read a template. Raises BlueprintError with file and line for a mistake in its YAML or JSON.

    The same text is parsed once in a process, and its content is shared: copy it before you change it.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise BlueprintError(
            "There is no such template.", where=at(path), advice="Name a folder that contains a template.yaml."
        ) from None
    except UnicodeDecodeError as error:
        raise BlueprintError(
            f"The template is not UTF-8 ({error.reason} at byte {error.start}).",
            where=at(path),
            advice="Save it as UTF-8.",
        ) from None
    return _parsed(path, text)


def parse(path: Path, text: str) -> Template:
    """Read a text as if it were the content of a file, such as a definition in which substitutions are made.

    Raises BlueprintError with file and line for a mistake in its YAML or JSON.
    """
    return _parsed(Path(path), text)


@lru_cache(maxsize=32)
def _parsed(path: Path, text: str) -> Template:
    """Parsing takes most of the time of a build with nothing to do, so a text is parsed once."""
    reader = _Reader(path)
    body = reader.read(_checked_json(path, text) if path.suffix == ".json" else text)
    if not isinstance(body, dict):
        raise BlueprintError(
            "A template is a mapping that contains Resources.", where=at(path, 1), advice="Begin it with 'Resources:'."
        )
    return Template(path, body, reader.lines)


def _checked_json(path: Path, text: str) -> str:
    """JSON as YAML reads it: indented with spaces instead of tabs."""
    try:
        json.loads(text)
    except ValueError as error:
        line = getattr(error, "lineno", 1)
        raise BlueprintError(
            f"This is not valid JSON: {error}.", where=at(path, line), advice="Correct it there."
        ) from None
    return text.replace("\t", "  ")


class _Reader:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines: dict[Place, int] = {}
        self._loader: Any = None

    def read(self, text: str) -> object:
        try:
            self._loader = _LOADER(text)
            node = self._loader.get_single_node()
            return self._value(node, ()) if node else None
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            said = " ".join(part for part in (error.context, error.problem) if part)
            raise self._error(mark.line if mark else 0, f"This is not valid YAML: {said}.", _hint(text, mark)) from None
        except yaml.YAMLError as error:
            raise self._error(
                0, f"This is not valid YAML: {error}.", "Correct the file's encoding or characters."
            ) from None

    def _value(self, node: yaml.Node, place: Place) -> object:
        self.lines.setdefault(place, node.start_mark.line + 1)
        if node.tag.startswith("!") and node.tag != "!":
            return self._function(node, place)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, place)
        if isinstance(node, yaml.SequenceNode):
            return [self._value(item, (*place, index)) for index, item in enumerate(node.value)]
        if node.tag in _TEXT:
            return node.value
        try:
            return self._loader.construct_object(node, deep=True)
        except ValueError as error:
            raise self._error(node.start_mark.line, f"{node.value!r}: {error}.", "Quote it if it is text.") from None

    def _mapping(self, node: yaml.MappingNode, place: Place) -> dict[str, object]:
        values: dict[str, object] = {}
        for key, child in node.value:
            if key.tag == "tag:yaml.org,2002:merge":
                self._merge(values, child, place)
                continue
            name = str(key.value)
            if name in values and (*place, name) in self.lines:
                raise self._error(
                    key.start_mark.line,
                    f"{name!r} is written twice; the first time on line {self.lines[(*place, name)]}.",
                    "Keep one of the two: CloudFormation would silently take the last.",
                )
            self.lines[(*place, name)] = key.start_mark.line + 1
            values[name] = self._value(child, (*place, name))
        return values

    def _merge(self, values: dict[str, object], child: yaml.Node, place: Place) -> None:
        sources = child.value if isinstance(child, yaml.SequenceNode) else [child]
        for source in sources:
            if isinstance(source, yaml.MappingNode):
                # The lines of merged values are not kept, as values beside them may override them.
                aside = _Reader(self.path)
                aside._loader = self._loader
                for name, value in aside._mapping(source, place).items():
                    values.setdefault(name, value)

    def _function(self, node: yaml.Node, place: Place) -> dict[str, object]:
        name = node.tag[1:]
        if name not in _FUNCTIONS and name not in _BARE:
            raise self._error(
                node.start_mark.line,
                f"CloudFormation has no function !{name}.",
                f"It has {', '.join('!' + known for known in sorted(_FUNCTIONS | _BARE))}.",
            )
        long_form = name if name in _BARE else f"Fn::{name}"
        if isinstance(node, yaml.ScalarNode):
            value: object = node.value
            if name == "GetAtt":
                value = node.value.split(".", 1)
            return {long_form: value}
        plain = type(node)(_plain_tag(node), node.value, node.start_mark, node.end_mark)
        return {long_form: self._value(plain, (*place, long_form))}

    def _error(self, line: int, what: str, advice: str | None) -> BlueprintError:
        return BlueprintError(what, where=at(self.path, line + 1), advice=advice)


def _plain_tag(node: yaml.Node) -> str:
    return "tag:yaml.org,2002:map" if isinstance(node, yaml.MappingNode) else "tag:yaml.org,2002:seq"


def _hint(text: str, mark: yaml.Mark | None) -> str:
    if mark is None:
        return "Correct the YAML there."
    line = text.splitlines()[mark.line] if mark.line < len(text.splitlines()) else ""
    if re.match(r"\s*\t", line):
        return "Indent with spaces: YAML does not allow tabs."
    return f"Look at: {line.strip()}" if line.strip() else "Look at the lines just before."
