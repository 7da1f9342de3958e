"""Finds macros in a template: they run in an AWS account, so SAM's translator cannot expand them here."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from blueprints.errors import BlueprintError
from blueprints.template.reading import SAM, Place, Template

EXTENSIONS = "AWS::LanguageExtensions"
INCLUDE = "AWS::Include"
NO_MACROS = "neither the Serverless Application Repository nor this tool supports macros"

_OF_EXTENSIONS = {
    "Fn::Length": "write the number itself",
    "Fn::ToJsonString": "write the JSON as text, in Fn::Sub where it has references",
}
_LOOP = "Fn::ForEach"
_INCLUDED = "write the content of the included file into the template"


@dataclass(frozen=True)
class MacroUse:
    """One place where a template uses a macro."""

    place: Place
    macro: str
    """Such as `AWS::LanguageExtensions`."""
    used: str
    """The key in the template, such as `Fn::ForEach::Queues`."""
    remedy: str

    def __str__(self) -> str:
        subject = f"{self.used} needs the macro {self.macro}" if self.used != self.macro else f"{self.macro} is a macro"
        return f"{subject}, and {NO_MACROS}; {self.remedy}."


class UsesMacros(BlueprintError):
    """A template that uses macros."""


def macro_uses(template: Template) -> Iterator[MacroUse]:
    """Every use of a macro, in the template's order, except AWS::Include within a resource."""
    yield from _transforms(template.body.get("Transform"))
    yield from _within(template.body, ())


def check_macros(template: Template) -> None:
    """Raise UsesMacros if a template uses macros; its advice says what to write instead of each."""
    uses = list(macro_uses(template))
    if not uses:
        return
    first = next((use for use in uses if use.used != use.macro), uses[0])
    named = ", ".join(dict.fromkeys(use.used for use in uses if use.used != use.macro))
    macros = ", ".join(dict.fromkeys(use.macro for use in uses))
    what = f"{named} needs the macro {macros}" if named else f"The template's Transform names the macro {macros}"
    remedies = dict.fromkeys(f"{use.used} (line {template.line(*use.place)}): {use.remedy}." for use in uses)
    raise UsesMacros(f"{what}, and {NO_MACROS}.", where=template.at(*first.place), advice="\n  ".join(remedies))


def _transforms(written: object) -> Iterator[MacroUse]:
    for each in written if isinstance(written, list) else [written]:
        name = each.get("Name") if isinstance(each, dict) else each
        if name is None or name == SAM:
            continue
        alone = f"write 'Transform: {SAM}' alone, and write out what the macro generates"
        yield MacroUse(("Transform",), str(name), str(name), _INCLUDED if name == INCLUDE else alone)


def _within(value: object, place: Place) -> Iterator[MacroUse]:
    if isinstance(value, dict):
        for name, child in value.items():
            at = (*place, name)
            if place or name != "Transform":
                yield from _use(name, child, at)
                yield from _within(child, at)
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from _within(child, (*place, index))


def _use(name: str, argument: Any, place: Place) -> Iterator[MacroUse]:
    if name.split("::")[:2] == _LOOP.split("::"):
        yield MacroUse(place, EXTENSIONS, name, "write out what the loop generates, once for each item")
    elif name in _OF_EXTENSIONS:
        yield MacroUse(place, EXTENSIONS, name, _OF_EXTENSIONS[name])
    elif name == "Fn::FindInMap" and isinstance(argument, list) and len(argument) > 3:
        remedy = "give every key a value in the map, and leave DefaultValue out"
        yield MacroUse(place, EXTENSIONS, "DefaultValue in Fn::FindInMap", remedy)
    elif name == "Fn::Transform":
        called = argument.get("Name") if isinstance(argument, dict) else argument
        if called != INCLUDE:
            yield MacroUse(place, str(called), "Fn::Transform", "write what the macro generates in its place")
        elif len(place) == 2:
            # There it would add resources or parameters, which SAM's translator has to see.
            yield MacroUse(place, INCLUDE, f"Fn::Transform in {place[0]}", _INCLUDED)
