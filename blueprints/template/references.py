"""Names that a template refers to and that nothing in it has."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from blueprints.template.reading import SAM, Place, Template

_PSEUDO = (
    "AWS::AccountId", "AWS::NoValue", "AWS::NotificationARNs", "AWS::Partition", "AWS::Region", "AWS::StackId",
    "AWS::StackName", "AWS::URLSuffix",
)  # fmt: skip
_IN_TEXT = re.compile(r"\$\{([^!}][^}]*)\}")


@dataclass(frozen=True)
class Dangling:
    """A reference to nothing: where it is written, what it names, what there is."""

    place: Place
    name: str
    known: tuple[str, ...]
    kind: str


def dangling(template: Template, expanded: Mapping[str, Any]) -> Iterator[Dangling]:
    """Every reference in Resources and Outputs that names neither a parameter nor a resource, SAM's own included."""
    if _brings_unseen(template):
        return
    resources = {*template.resources, *expanded.get("Resources", {}), *_connectors(template)}
    names = tuple(sorted({*template.section("Parameters"), *resources, *_PSEUDO}))
    conditions = tuple(sorted({*template.section("Conditions"), *expanded.get("Conditions", {})}))
    for place, kind, name in _references(template):
        known = conditions if kind == "condition" else tuple(sorted(resources)) if kind == "resource" else names
        if name not in known:
            yield Dangling(place, name, known, kind)


def _brings_unseen(template: Template) -> bool:
    """Whether macros add resources that cannot be seen here."""
    sections = (template.body, template.section("Resources"), template.section("Outputs"))
    if any(name.startswith(("Fn::Transform", "Fn::ForEach")) for section in sections for name in section):
        return True
    transforms = template.body.get("Transform", [])
    listed = transforms if isinstance(transforms, list) else [transforms]
    return any(each != SAM for each in listed)


def _connectors(template: Template) -> Iterator[str]:
    """Connectors written inside a resource have its name before their own, and are gone once expanded."""
    for logical_id, resource in template.resources.items():
        yield from (f"{logical_id}{name}" for name in resource.get("Connectors") or {})


def _references(template: Template) -> Iterator[tuple[Place, str, str]]:
    for logical_id, resource in template.resources.items():
        place: Place = ("Resources", logical_id)
        if isinstance(resource.get("Condition"), str):
            yield (*place, "Condition"), "condition", resource["Condition"]
        needs = resource.get("DependsOn", [])
        for name in needs if isinstance(needs, list) else [needs]:
            if isinstance(name, str):
                yield (*place, "DependsOn"), "resource", name
        yield from _within(resource.get("Properties"), (*place, "Properties"))
    yield from _within(template.section("Outputs"), ("Outputs",))


def _within(value: object, place: Place) -> Iterator[tuple[Place, str, str]]:
    if isinstance(value, dict):
        if len(value) == 1:
            yield from _function(*next(iter(value.items())), place)
        for name, child in value.items():
            yield from _within(child, (*place, name))
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from _within(child, (*place, index))


def _function(name: str, argument: object, place: Place) -> Iterator[tuple[Place, str, str]]:
    first = argument[0] if isinstance(argument, list) and argument else argument
    if not isinstance(first, str):
        return
    if name == "Ref":
        yield place, "name", _owner(first)
    elif name == "Fn::GetAtt":
        yield place, "resource", _owner(first)
    elif name == "Fn::If":
        yield place, "condition", first
    elif name == "Fn::Sub":
        own = argument[1] if isinstance(argument, list) and len(argument) > 1 else {}
        for named in _IN_TEXT.findall(first):
            if named.strip() not in own:
                yield place, "name", _owner(named.strip())


def _owner(name: str) -> str:
    """`Function.Alias` and `Api.Stage` are SAM's way to name what it makes of a resource."""
    return name.partition(".")[0]
