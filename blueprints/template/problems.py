"""Mistakes in a template that CloudFormation, or its emulation, would ignore or report too late."""

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from blueprints.findings import Finding
from blueprints.template.artifacts import includes, local_artifacts
from blueprints.template.handlers import missing_handler
from blueprints.template.reading import SAM, Place, Template
from blueprints.template.references import Undeclared, undeclared_names
from blueprints.template.schemas import advice, event_properties, resource_types, schema_of, unknown_names

_ATTRIBUTES = (
    "Type", "Properties", "DependsOn", "Condition", "Metadata", "DeletionPolicy", "UpdateReplacePolicy", "UpdatePolicy",
    "CreationPolicy",
)  # fmt: skip
_SAM_ATTRIBUTES = ("Connectors", "IgnoreGlobals")
_CUSTOM_ATTRIBUTES = ("Version",)


def problems(template: Template, expanded: Mapping[str, Any] | None = None) -> list[Finding]:
    """Every mistake in a template, sorted by line.

    With `expanded`, the template that SAM generates, also mistakes in it: SAM passes many properties on unchecked.
    Without it (if the expansion failed, for example), properties of SAM's resources are checked by SAM's published
    schema alone, which lacks some that SAM accepts.
    """
    found = [
        *(problem for logical_id in template.resources for problem in _resource(template, logical_id, expanded)),
        *_transform(template),
        *_artifacts(template),
        *_handlers(template),
    ]
    if expanded is not None:
        found += _expanded(template, expanded)
        found += _undeclared(template, expanded)
    return sorted(dict.fromkeys(found))


def _problem(template: Template, place: Place, rule: str, message: str) -> Finding:
    return Finding(template.path, template.line(*place), message, rule=rule)


def _transform(template: Template) -> Iterator[Finding]:
    """SAM's resource types need SAM's transform."""
    written = str(template.body.get("Transform", ""))
    first = next((name for name in template.resources if _is_sam(template, name)), None)
    if first and SAM not in written:
        message = (
            f"{first} has a SAM type, which CloudFormation only knows with SAM's transform; write 'Transform: {SAM}'."
        )
        yield _problem(template, ("Resources", first, "Type"), "transform", message)


def _is_sam(template: Template, logical_id: str) -> bool:
    return str(template.resources[logical_id].get("Type")).startswith("AWS::Serverless::")


def _resource(template: Template, logical_id: str, expanded: Mapping[str, Any] | None) -> Iterator[Finding]:
    resource = template.resources[logical_id]
    place = ("Resources", logical_id)
    kind = resource.get("Type")
    if not isinstance(kind, str):
        yield _problem(template, place, "type", f"{logical_id} has no Type; write 'Type: AWS::…'.")
        return
    wrong = _unknown_type(kind)
    if wrong:
        yield _problem(template, (*place, "Type"), "unknown-type", f"{logical_id}: {wrong}")
        return
    yield from _attributes(template, logical_id, resource, kind)
    handed_on = _handed_on(template, logical_id, expanded) if expanded is not None else frozenset()
    for unknown in unknown_names(resource.get("Properties") or {}, kind):
        if unknown.name in handed_on or _known_to_sam(template, (*place, "Properties", *unknown.place)):
            continue
        yield _problem(
            template,
            (*place, "Properties", *unknown.place),
            "unknown-property",
            f"{logical_id}: {_owner(kind, unknown.place)} has no property {unknown.name}; {unknown.advice}",
        )


def _handed_on(template: Template, logical_id: str, expanded: Mapping[str, Any]) -> frozenset[str]:
    """Names that SAM passed on to generated resources, where CloudFormation's schemas apply."""
    if not _is_sam(template, logical_id):
        return frozenset()
    made = (
        resource.get("Properties")
        for name, resource in expanded.get("Resources", {}).items()
        if _source(template, name) == logical_id
    )
    return frozenset(name for properties in made for name in _all_names(properties))


def _known_to_sam(template: Template, place: Place) -> bool:
    """Whether SAM's translator accepts an event's property that its published schema lacks."""
    if len(place) != 7 or place[3] != "Events" or place[5] != "Properties":
        return False
    resource = template.resources[str(place[1])]
    event = resource["Properties"]["Events"][place[4]]
    return place[6] in event_properties(str(resource["Type"]), str(event.get("Type")))


def _all_names(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value
        value = list(value.values())
    for item in value if isinstance(value, list) else ():
        yield from _all_names(item)


def _unknown_type(kind: str) -> str | None:
    """Accepts types of private registries, unless they look like a misspelt type."""
    if schema_of(kind) is not None:
        return None
    close = get_close_matches(kind, resource_types(), n=1, cutoff=0.6 if kind.startswith("AWS::") else 0.9)
    if not close and not kind.startswith("AWS::"):
        return None
    return f"there is no resource type {kind}; " + (f"did you mean {close[0]}?" if close else "look it up.")


def _attributes(template: Template, logical_id: str, resource: dict[str, Any], kind: str) -> Iterator[Finding]:
    known: tuple[str, ...] = _ATTRIBUTES
    if kind.startswith("AWS::Serverless::"):
        known += _SAM_ATTRIBUTES
    elif kind.startswith("Custom::") or kind == "AWS::CloudFormation::CustomResource":
        known += _CUSTOM_ATTRIBUTES
    elif "Connectors" in resource:
        known += _SAM_ATTRIBUTES[:1]
    for name in resource:
        if name not in known and not name.startswith("Fn::"):
            yield _problem(
                template,
                ("Resources", logical_id, name),
                "unknown-attribute",
                f"{logical_id}: a resource has no attribute {name}; {advice(name, (*known, *_own_names(kind, name)))}",
            )


def _own_names(kind: str, name: str) -> tuple[str, ...]:
    """The property of that name, if it was written one level too high."""
    properties = (schema_of(kind) or {}).get("properties", {})
    return (f"Properties.{name}",) if name in properties else ()


def _owner(kind: str, place: Place) -> str:
    path = ".".join(str(part) for part in place[:-1] if isinstance(part, str) and not part.startswith("Fn::"))
    return f"{kind}.{path}" if path else kind


def _artifacts(template: Template) -> Iterator[Finding]:
    paths: list[tuple[Place, str, str]] = [
        (("Resources", each.logical_id, "Properties", *each.place), f"{each.logical_id}: {each.name}", each.path)
        for each in local_artifacts(template)
    ]
    paths += [(place, "AWS::Include", path) for place, path in includes(template)]
    places: dict[str, list[tuple[Place, str]]] = {}
    for place, name, path in paths:
        places.setdefault(path, []).append((place, name))
    home = template.folder.resolve()
    for path, named in places.items():
        place, lines = _first_and_other_lines(template, [place for place, _ in named])
        name = next(name for each, name in named if each == place)
        target = (home / path).resolve()
        if not target.is_relative_to(home):
            message = (
                f"{name} '{path}' lies outside {home.name}/{lines}; move it inside, so that the folder can be copied."
            )
            yield _problem(template, place, "outside", message)
        elif not target.exists():
            siblings = tuple(sorted(each.name for each in target.parent.glob("*") if not each.name.startswith(".")))
            otherwise = f"create it, or name a file in {home.name}/."
            message = f"{name} '{path}' does not exist{lines}; {advice(target.name, siblings, otherwise)}"
            yield _problem(template, place, "missing-path", message)


def _handlers(template: Template) -> Iterator[Finding]:
    wrong: dict[str, list[str]] = {}
    for logical_id in template.of_type("AWS::Serverless::Function", "AWS::Lambda::Function"):
        found = _wrong_handler(template, logical_id)
        if found:
            wrong.setdefault(found, []).append(logical_id)
    for found, functions in wrong.items():
        places: dict[Place, str] = {("Resources", each, "Properties", "Handler"): each for each in functions}
        place, lines = _first_and_other_lines(template, list(places))
        what, semicolon, meant = found.partition(";")
        yield _problem(template, place, "handler", f"{places[place]}: {what}{lines}{semicolon}{meant}")


def _wrong_handler(template: Template, logical_id: str) -> str | None:
    properties = template.properties(logical_id)
    runtime, handler = template.value(properties.get("Runtime")), template.value(properties.get("Handler"))
    code = properties.get("CodeUri", properties.get("Code"))
    if "InlineCode" in properties or not (isinstance(runtime, str) and runtime.startswith("python")):
        return None
    if not isinstance(code, str) or not isinstance(handler, str) or not (template.folder / code).is_dir():
        return None
    return missing_handler(template.folder / code, handler, elsewhere=bool(properties.get("Layers")))


def _expanded(template: Template, expanded: Mapping[str, Any]) -> Iterator[Finding]:
    """Mistakes in resources that SAM generated; those that it left unchanged are checked as written."""
    for logical_id, resource in expanded.get("Resources", {}).items():
        written = template.resources.get(logical_id)
        if written is not None and written.get("Type") == resource.get("Type"):
            continue
        source = _source(template, logical_id)
        kind = str(resource.get("Type"))
        wrong = _unknown_type(kind)
        if wrong:
            yield _problem(template, ("Resources", source), "unknown-type", f"{source}: {wrong}")
        for unknown in unknown_names(resource.get("Properties") or {}, kind):
            yield _problem(
                template,
                _nearest(template, source, unknown.name),
                "unknown-property",
                f"{source}: {_owner(kind, unknown.place)}, which SAM generates from it, has no property "
                f"{unknown.name}; {unknown.advice}",
            )


def _source(template: Template, logical_id: str) -> str:
    """The written resource that SAM generated an expanded one from: the longest of their names that it begins with."""
    fitting = [name for name in template.resources if logical_id.startswith(name)]
    return max(fitting, key=len, default=logical_id)


def _nearest(template: Template, logical_id: str, name: str) -> Place:
    """The place in a resource, or in Globals, of a property of that name; the resource if there is none."""
    start = ("Resources", logical_id)
    for place in template.lines:
        if place and place[-1] == name and (place[:2] == start or place[0] == "Globals"):
            return place
    return start


def _undeclared(template: Template, expanded: Mapping[str, Any]) -> Iterator[Finding]:
    kinds = {"name": "parameter or resource"}
    for each in undeclared_names(template, expanded):
        first, lines = _first_and_other_lines(template, each.places)
        where = f"{first[1]}: " if len(first) > 1 and first[0] != "Metadata" else ""
        message = f"{where}there is no {kinds.get(each.kind, each.kind)} {each.name}{lines}; {_advice_on(each)}"
        yield _problem(template, first, "unknown-reference", message)


def _advice_on(name: Undeclared) -> str:
    if not name.meant:
        return "write it, or remove the reference."
    *others, last = name.meant
    names = f"{', '.join(others)} or {last}" if others else last
    return f"did you mean {names}?{' Nothing refers to that.' if name.meant_is_idle else ''}"


def _first_and_other_lines(template: Template, places: Sequence[Place]) -> tuple[Place, str]:
    """The first place in the file, and text that names the lines of the others."""
    first = min(places, key=lambda place: template.line(*place))
    others = sorted({template.line(*place) for place in places} - {template.line(*first)})
    if not others:
        return first, ""
    listed = ", ".join(map(str, others[:-1])) + (" and " if others[1:] else "") + str(others[-1])
    return first, f" (lines {listed} name it too)" if others[1:] else f" (line {listed} names it too)"
