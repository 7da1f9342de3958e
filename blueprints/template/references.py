"""Finds names that a template refers to and does not declare: one finding per name, with all its places."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

from blueprints.template.reading import SAM, Place, Template

_PSEUDO = (
    "AWS::AccountId", "AWS::NoValue", "AWS::NotificationARNs", "AWS::Partition", "AWS::Region", "AWS::StackId",
    "AWS::StackName", "AWS::URLSuffix",
)  # fmt: skip
_INTERFACE = "AWS::CloudFormation::Interface"
_IN_TEXT = re.compile(r"\$\{([^!}][^}]*)\}")


# Types that other resources seldom refer to, so a missing reference is no sign of a mistake.
_ENDS = ("Policy", "Alarm", "Dashboard", "Permission", "EventSourceMapping", "Rule", "Subscription")


_LISTED = 4  # at most so many names are suggested for one


@dataclass(frozen=True)
class Undeclared:
    """A name that the template refers to and does not declare."""

    name: str
    kind: str
    """`name` (a parameter or a resource), `resource`, `parameter` or `condition`."""
    places: tuple[Place, ...]
    """The places that name it, or a name that SAM would derive from it."""
    meant: tuple[str, ...]
    """Declared names that may be meant: the most similar one, or the few to which nothing refers."""
    meant_is_idle: bool
    """Whether nothing refers to `meant`, as after it was renamed."""
    derived: tuple[str, ...] = ()
    """Names that SAM would derive from it, such as those of its events, which are unknown for the same reason."""


def undeclared_names(template: Template, expanded: Mapping[str, Any]) -> list[Undeclared]:
    """Every name that is referred to although no parameter, resource (written or generated) or condition has it."""
    if _brings_unseen(template):
        return []
    references = list(_references(template))
    declared = _Declared.of(template, expanded, {name for _, _, name in references})
    unknown: dict[tuple[str, bool], dict[Place, str]] = {}
    for place, kind, name in references:
        if name not in declared.of_kind(kind):
            unknown.setdefault((name, kind == "condition"), {})[place] = kind
    found = []
    for (name, _), places in unknown.items():
        # A name that is used as a resource once is a resource everywhere.
        kind = next(each for each in ("condition", "resource", "parameter", "name") if each in places.values())
        longer = [each.removeprefix(name) for each, _ in unknown if each != name and each.startswith(name)]
        found.append(Undeclared(name, kind, tuple(places), *declared.meant(name, kind, longer)))
    return list(_without_derived(found, declared))


def _without_derived(unknown: Sequence[Undeclared], declared: "_Declared") -> Iterator[Undeclared]:
    """Leave out names that SAM would derive from another unknown name, such as RenderImageChanged from RenderImage.

    A derived name ends like one that SAM derives from the resource that was probably meant. The other name gets its
    places.
    """
    for each in unknown:
        if any(_derives(each, other, declared) for other in unknown):
            continue
        derived = [other for other in unknown if _derives(other, each, declared)]
        places = (*each.places, *(place for other in derived for place in other.places))
        yield replace(each, places=places, derived=tuple(other.name for other in derived))


def _derives(name: Undeclared, origin: Undeclared, declared: "_Declared") -> bool:
    if name.name == origin.name or not name.name.startswith(origin.name):
        return False
    return any(meant + name.name.removeprefix(origin.name) in declared.resources for meant in origin.meant)


@dataclass(frozen=True)
class _Declared:
    """The names that a template declares and that SAM adds, by kind of reference."""

    parameters: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: tuple[str, ...]
    idle: frozenset[str]
    """Declared names to which nothing refers although something should."""

    @classmethod
    def of(cls, template: Template, expanded: Mapping[str, Any], used: set[str]) -> "_Declared":
        parameters, conditions = template.section("Parameters"), template.section("Conditions")
        resources = {*template.resources, *expanded.get("Resources", {}), *_connectors(template)}
        conditions_made = {*conditions, *expanded.get("Conditions", {})}
        referred_to = {name for name in template.resources if not _seldom_referred_to(template, name)}
        idle = {*parameters, *conditions, *referred_to} - used
        return cls(tuple(sorted(parameters)), tuple(sorted(resources)), tuple(sorted(conditions_made)), frozenset(idle))

    def of_kind(self, kind: str) -> tuple[str, ...]:
        """The names that are valid for a reference of this kind."""
        if kind == "name":
            return tuple(sorted({*self.parameters, *self.resources, *_PSEUDO}))
        return {"parameter": self.parameters, "resource": self.resources, "condition": self.conditions}[kind]

    def meant(self, name: str, kind: str, endings: Sequence[str]) -> tuple[tuple[str, ...], bool]:
        """The declared names that may be meant by an unknown one, and whether nothing refers to those.

        `endings` are those of other unknown names that begin like this one: SAM makes such names of a resource.
        """
        slip = get_close_matches(name, self.of_kind(kind), n=1, cutoff=0.9)
        known = [each for each in self.of_kind(kind) if not _goes_on(each, name)]
        idle = [each for each in known if each in self.idle]
        origins = [each for each in idle if any(each + ending in self.resources for ending in endings)]
        close = get_close_matches(name, idle, n=1)
        several = idle if kind == "resource" and len(idle) <= _LISTED else []
        found = slip or origins or close or several or get_close_matches(name, known, n=1)
        return tuple(found), bool(found) and all(each in self.idle for each in found)


def _goes_on(name: str, beginning: str) -> bool:
    """Whether a name continues another one with a word, as RenderImageLogs does RenderImage; then it is not meant."""
    return name.startswith(beginning) and name[len(beginning) :][:1].isupper()


def _seldom_referred_to(template: Template, name: str) -> bool:
    return str(template.resources.get(name, {}).get("Type", "")).endswith(_ENDS)


def _brings_unseen(template: Template) -> bool:
    """Whether macros add resources that are unknown before the deployment."""
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
    for name, output in template.section("Outputs").items():
        if isinstance(output, dict) and isinstance(output.get("Condition"), str):
            yield ("Outputs", name, "Condition"), "condition", output["Condition"]
    yield from _within(template.section("Conditions"), ("Conditions",))
    yield from _within(template.section("Globals"), ("Globals",))
    yield from _listed_for_the_console(template)


def _listed_for_the_console(template: Template) -> Iterator[tuple[Place, str, str]]:
    """Parameters that the console's form groups and labels."""
    place: Place = ("Metadata", _INTERFACE)
    about = template.section("Metadata").get(_INTERFACE)
    groups = about.get("ParameterGroups") if isinstance(about, dict) else None
    for number, group in enumerate(groups if isinstance(groups, list) else []):
        names = group.get("Parameters") if isinstance(group, dict) else None
        for index, name in enumerate(names if isinstance(names, list) else []):
            yield (*place, "ParameterGroups", number, "Parameters", index), "parameter", str(name)
    labels = about.get("ParameterLabels") if isinstance(about, dict) else None
    for name in labels if isinstance(labels, dict) else ():
        yield (*place, "ParameterLabels", name), "parameter", str(name)


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
        yield place, *_named(first)
    elif name == "Fn::GetAtt":
        yield place, "resource", first.partition(".")[0]
    elif name == "Fn::If" or (name == "Condition" and place[0] == "Conditions"):
        yield place, "condition", first
    elif name == "Fn::Sub":
        own = argument[1] if isinstance(argument, list) and len(argument) > 1 else {}
        for named in _IN_TEXT.findall(first):
            if named.strip() not in own:
                yield place, *_named(named.strip())


def _named(name: str) -> tuple[str, str]:
    """The kind and the name of a reference; with a dot, as in `Function.Arn`, it is to a resource."""
    owner, dot, _ = name.partition(".")
    return "resource" if dot else "name", owner
