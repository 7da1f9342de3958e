"""Publishes what changes: a changed property or parameter makes a new version, which a deployment gives traffic."""

from collections.abc import Iterator, Mapping
from typing import Any

from blueprints.findings import Finding
from blueprints.promises.checked_pattern import CheckedPattern, Resource
from blueprints.promises.values import always, conditions, references

_LONGEST_DESCRIPTION = 256
_NOT_VERSIONED = ("ReservedConcurrentExecutions", "RecursiveLoop", "Tags")
"""Properties of a function that are not part of its versions."""


def changed_properties_make_a_version(checked: CheckedPattern) -> Iterator[Finding]:
    """Any changed property of a function makes a new version: SAM's AutoPublishAliasAllProperties."""
    for function, _ in _published(checked):
        if not always(_setting(checked, function, "AutoPublishAliasAllProperties"), expected=True):
            message = (
                f"A changed Timeout, Layer or Handler of {function} does not reach its alias; "
                "write 'AutoPublishAliasAllProperties: true'."
            )
            yield checked.finding_at(function, message, "AutoPublishAliasAllProperties")


def changed_parameters_make_a_version(checked: CheckedPattern) -> Iterator[Finding]:
    """A function's VersionDescription names each parameter that it uses, whose values SAM does not compare."""
    for function, version in _published(checked):
        properties = {name: each for name, each in function.properties.items() if name not in _NOT_VERSIONED}
        described = _parameters_in(checked, version.properties.get("Description"))
        for name in sorted(_parameters_in(checked, properties)):
            if described.isdisjoint((name, _label_of(checked, name))):
                yield checked.finding_at(function, _advice(checked, function, version, name), "VersionDescription")


def old_versions_are_kept(checked: CheckedPattern) -> Iterator[Finding]:
    """A version that a changed parameter replaces is kept, for executions and events that still need it."""
    for function, version in _published(checked):
        if version.body.get("UpdateReplacePolicy") != "Retain":
            message = f"A changed parameter deletes the old version of {function}; write 'UpdateReplacePolicy: Retain'."
            yield checked.finding_at(function, message)


def _published(checked: CheckedPattern) -> Iterator[tuple[Resource, Resource]]:
    """Every function that has an alias, with the version that the alias is moved to."""
    for function in checked.functions:
        alias = checked.alias_of(function)
        versions = checked.named(alias.properties.get("FunctionVersion"), "AWS::Lambda::Version") if alias else []
        yield from ((function, version) for version in versions)


def _setting(checked: CheckedPattern, function: Resource, name: str) -> Any:
    """A property of a function as it is written, or that of Globals."""
    written = checked.template.properties(function.logical_id)
    common = checked.template.section("Globals").get("Function")
    return written.get(name, common.get(name) if isinstance(common, Mapping) else None)


def _parameters_in(checked: CheckedPattern, value: object) -> set[str]:
    """The parameters that a value depends on, also by conditions."""
    found, seen = references(value), set[str]()
    waiting = conditions(value)
    while waiting:
        name = waiting.pop()
        seen.add(name)
        condition = checked.template.section("Conditions").get(name)
        found |= references(condition)
        waiting |= conditions(condition) - seen
    return found & checked.parameters.keys()


def _label_of(checked: CheckedPattern, parameter: str) -> str | None:
    """The name of the parameter that is changed with one whose values are too long for a description."""
    longest = checked.parameters[parameter].get("MaxLength")
    return f"{parameter}Version" if isinstance(longest, int) and longest > _LONGEST_DESCRIPTION else None


def _advice(checked: CheckedPattern, function: Resource, version: Resource, parameter: str) -> str:
    label = _label_of(checked, parameter)
    name = label or parameter
    what = f"write '${{{name}}}' into its VersionDescription"
    if not version.properties.get("Description"):
        what = f"write 'VersionDescription: !Sub \"${{{name}}}\"'"
    if label:
        what += f", with a parameter {label} that is changed together with {parameter}: its values are too long"
    return f"A changed {parameter} alone does not reach the alias of {function}; {what}."
