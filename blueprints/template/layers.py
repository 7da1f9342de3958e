"""Finds the layers that a template's functions use, if their ARNs are known before the deployment."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_ARN = re.compile(r"arn:[\w-]+:lambda:[\w-]+:(?P<account>\d+):layer:(?P<name>[\w-]+):\d+")
_REFERENCE = re.compile(r"\{\{resolve:ssm:(?P<name>/aws/service/[\w./-]+)(?::\d+)?\}\}")
SSM = "ssm:"
"""Prefix of the name of a public parameter that holds a layer's ARN."""
_IN_TEXT = re.compile(r"\$\{([^!}][^}]*)\}")


@dataclass(frozen=True)
class UsedLayer:
    """A layer version that a function uses."""

    function: str
    """Its logical id."""
    arn: str
    """Or `ssm:` and the name of the public parameter of Systems Manager that holds it."""
    account: str
    """Empty where only the public parameter is known."""
    name: str


def used_layers(
    body: Mapping[str, Any], parameters: Mapping[str, object], pseudo: Mapping[str, str]
) -> Iterator[UsedLayer]:
    """The layers whose ARNs consist of text, parameters, pseudo parameters and mappings; others are skipped.

    `body` is expanded CloudFormation; `pseudo` has values such as `AWS::Region`.
    """
    values = {**_defaults(body), **parameters, **pseudo}
    values |= {name: f"{{{{resolve:ssm:{values[name]}}}}}" for name in _held_in_ssm(body) if name in values}
    for logical_id, resource in body.get("Resources", {}).items():
        if resource.get("Type") != "AWS::Lambda::Function":
            continue
        layers = resource.get("Properties", {}).get("Layers")
        for written in _listed(layers, values):
            text = _text(written, values, body.get("Mappings", {})) or ""
            found, reference = _ARN.fullmatch(text), _REFERENCE.fullmatch(text)
            if found:
                yield UsedLayer(logical_id, found[0], found["account"], found["name"])
            elif reference:
                name = reference["name"]
                yield UsedLayer(logical_id, f"{SSM}{name}", "", name.removeprefix("/aws/service/").replace("/", "-"))


def _defaults(body: Mapping[str, Any]) -> dict[str, object]:
    parameters = body.get("Parameters", {})
    return {
        name: about["Default"] for name, about in parameters.items() if isinstance(about, dict) and "Default" in about
    }


def _held_in_ssm(body: Mapping[str, Any]) -> Iterator[str]:
    """The template's parameters of a type that takes its value from a parameter of Systems Manager."""
    for name, about in body.get("Parameters", {}).items():
        if isinstance(about, dict) and str(about.get("Type")).startswith("AWS::SSM::Parameter::Value"):
            yield name


def _listed(layers: object, values: Mapping[str, object]) -> list[object]:
    if isinstance(layers, dict) and set(layers) == {"Ref"}:
        given = values.get(layers["Ref"])
        return [each.strip() for each in given.split(",")] if isinstance(given, str) else []
    return layers if isinstance(layers, list) else []


def _text(written: object, values: Mapping[str, object], mappings: Mapping[str, Any]) -> str | None:
    """The text that a value resolves to; None if that is unknown."""
    if isinstance(written, str):
        return written
    if not isinstance(written, dict) or len(written) != 1:
        return None
    function, argument = next(iter(written.items()))
    if function == "Ref":
        value = values.get(argument)
        return None if value is None else str(value)
    if function == "Fn::Sub":
        return _substituted(argument, values, mappings)
    if function == "Fn::Join" and isinstance(argument, list) and isinstance(argument[1], list):
        parts = [_text(each, values, mappings) for each in argument[1]]
        return None if None in parts else str(argument[0]).join(filter(None, parts))
    if function == "Fn::FindInMap" and isinstance(argument, list):
        keys = [_text(each, values, mappings) for each in argument[:3]]
        found: Any = mappings
        for key in keys:
            found = found.get(key) if isinstance(found, dict) else None
        return found if isinstance(found, str) else None
    return None


def _substituted(argument: object, values: Mapping[str, object], mappings: Mapping[str, Any]) -> str | None:
    text, own = argument if isinstance(argument, list) and len(argument) == 2 else (argument, {})
    if not isinstance(text, str) or not isinstance(own, dict):
        return None
    known = {**values, **{name: _text(value, values, mappings) for name, value in own.items()}}
    names = {name.strip() for name in _IN_TEXT.findall(text)}
    if any(known.get(name) is None for name in names):
        return None
    return _IN_TEXT.sub(lambda found: str(known[found[1].strip()]), text)
