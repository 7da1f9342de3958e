"""Compares two templates of an application, and decides whether the next version is major, minor or patch."""

from collections.abc import Iterator, Mapping
from typing import Any

from blueprints.sar_rules.versions import Bump

_STATEFUL = ("::Table", "::Bucket", "::Queue", "::Stream", "::SimpleTable", "::UserPool", "::DBCluster", "::LogGroup")


def bump(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[Bump, list[str]]:
    """The kind of the next version, and the reasons."""
    breaking = [*_lost_parameters(old, new), *_lost(old, new, "Outputs", "output"), *_lost_state(old, new)]
    if breaking:
        return "major", breaking
    added = [
        f"{kind} {name} is new"
        for section, kind in (("Parameters", "parameter"), ("Outputs", "output"), ("Resources", "resource"))
        for name in sorted(set(_section(new, section)) - set(_section(old, section)))
    ]
    return ("minor", added) if added else ("patch", ["parameters, outputs and resources are the same"])


def _lost_parameters(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    before, after = _section(old, "Parameters"), _section(new, "Parameters")
    for name, parameter in before.items():
        if name not in after:
            yield f"parameter {name} was removed"
        elif after[name].get("Type") != parameter.get("Type"):
            yield f"parameter {name} has another type"
    for name, parameter in after.items():
        if "Default" not in parameter and (name not in before or "Default" in before[name]):
            yield f"parameter {name} has no default"


def _lost(old: Mapping[str, Any], new: Mapping[str, Any], section: str, kind: str) -> Iterator[str]:
    for name in sorted(set(_section(old, section)) - set(_section(new, section))):
        yield f"{kind} {name} was removed"


def _lost_state(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    after = _section(new, "Resources")
    for name, resource in _section(old, "Resources").items():
        kind = str(resource.get("Type"))
        if kind.endswith(_STATEFUL) and after.get(name, {}).get("Type") != kind:
            yield f"{kind} {name} was removed with its data"


def _section(template: Mapping[str, Any], name: str) -> dict[str, Any]:
    section = template.get(name)
    return {key: each for key, each in section.items() if isinstance(each, dict)} if isinstance(section, dict) else {}
