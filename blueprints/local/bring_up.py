"""Brings up a pattern: checks its template, packages its functions, deploys it, and starts every function."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from blueprints.counting import counted
from blueprints.errors import BlueprintError
from blueprints.local.cloud import Cloud
from blueprints.local.deployment import (
    EmbeddedStack,
    check_event_sources,
    check_functions,
    deploy,
    nested_stacks,
    uploads,
)
from blueprints.local.layer_copies import check_layers, provide_layers
from blueprints.local.spark_preparation import prepare_spark
from blueprints.local.state_machine_checks import check_state_machines
from blueprints.local.supported_types import check_types
from blueprints.packaging.build import Package
from blueprints.packaging.host import host_packages
from blueprints.packaging.local_files import LocalFiles, collect
from blueprints.packaging.unrunnable import check_runnable
from blueprints.parameters import complete, refusal
from blueprints.pattern import Pattern
from blueprints.progress import Progress, Report, Step

_SWITCHES = {"AWS::Events::Rule": ("State",), "AWS::Lambda::EventSourceMapping": ("Enabled",)}


@dataclass(frozen=True)
class Prepared:
    """A checked and packaged pattern, ready to deploy."""

    pattern: Pattern
    packages: list[Package]
    files: LocalFiles
    parameters: dict[str, str]
    off: frozenset[str] = frozenset()
    """Rules and event source mappings that the template disables."""


def prepare(pattern: Pattern, progress: Progress, parameters: Mapping[str, str] | None = None) -> Prepared:
    """Check the template and package the functions. Raises BlueprintError if the pattern cannot run here."""
    from blueprints.stacks.prerequisites import prerequisites

    with progress.step(f"Check the template of {pattern.name}") as step:
        values, absent = complete(pattern, parameters or {})
        body = _check(pattern, values)
        check_runnable(pattern)
        prerequisites(pattern)
        if absent:
            raise refusal(pattern, absent)
        if pattern.other_templates:
            step.notes.append(f"uses {pattern.template.name}, not {', '.join(pattern.other_templates)} beside it")
    with progress.step("Package the functions") as step:
        packages, notes = host_packages(pattern, progress.report)
        step.notes.extend(notes)
        files = collect(pattern, packages, lambda each: _other_packages(each, pattern, step, progress.report))
    prepare_spark(body, values, progress)
    return Prepared(pattern, packages, files, values, frozenset(_switched_off(body, values)))


def _other_packages(pattern: Pattern, outer: Pattern, step: Step, report: Report) -> list[Package]:
    """Packages of a nested template's functions, after checking it, or of a layer."""
    if pattern.template != outer.template:
        _check(pattern, None)
        check_runnable(pattern)
    packages, notes = host_packages(pattern, report)
    step.notes.extend(note for note in notes if note not in step.notes)
    return packages


def check_stacks_differ(patterns: Sequence[Pattern]) -> None:
    """Raise BlueprintError if two patterns have the same stack name, as the second would replace the first."""
    for first, second in combinations(patterns, 2):
        if first.stack_name == second.stack_name:
            raise BlueprintError(
                f"{first.argument} and {second.argument} would both be deployed as the stack {first.stack_name}.",
                advice="Rename one of the folders, or run 'blueprints up' for each alone.",
            )


def bring_up(cloud: Cloud, prepared: Prepared, progress: Progress) -> EmbeddedStack:
    """Deploy a pattern under its own name. Raises BlueprintError if that fails, or if the stack cannot work."""
    from blueprints.local.prerequisites import deploy_prerequisites

    pattern = prepared.pattern
    parameters = deploy_prerequisites(cloud, pattern, prepared.parameters, progress)
    with progress.step(f"Deploy {pattern.name}") as step:
        provide_layers(cloud, pattern)
        stack = deploy(cloud, pattern.stack_name, prepared.files.uploaded(uploads(cloud)), parameters)
        step.notes.append(counted(len(stack.resources), "resource"))
        if stack.name != pattern.name:
            step.notes.append(f"the stack is named {stack.name}, because {pattern.name} is not a valid stack name")
    with progress.step("Start every function once") as step:
        for each in (stack, *nested_stacks(cloud, stack)):
            if check_functions(cloud, each, pattern if each is stack else None):
                step.notes.extend(note for note in cloud.notes if note not in step.notes)
            check_state_machines(cloud, each)
            off = check_event_sources(cloud, each, prepared.off if each is stack else frozenset())
            step.notes.extend(f"{what}, as the template sets it" for what in off)
    return stack


def _switched_off(body: Mapping[str, Any], values: Mapping[str, str]) -> Iterator[str]:
    defaults = {name: str(about.get("Default")) for name, about in (body.get("Parameters") or {}).items()}
    for logical_id, resource in body["Resources"].items():
        properties = resource.get("Properties") or {}
        written = [each for name in _SWITCHES.get(resource["Type"], ()) for each in _branches(properties.get(name))]
        known = [
            {**defaults, **values}.get(each["Ref"]) if isinstance(each, dict) and "Ref" in each else each
            for each in written
        ]
        if any(str(each).lower() in ("disabled", "false") for each in known):
            yield logical_id


def _branches(value: object) -> Iterator[object]:
    """Every value that Fn::If may choose: whichever the condition is, the template sets it."""
    branches = value.get("Fn::If") if isinstance(value, dict) else None
    if isinstance(branches, list):
        for branch in branches[1:]:
            yield from _branches(branch)
    else:
        yield value


def _check(pattern: Pattern, parameters: Mapping[str, str] | None) -> dict[str, Any]:
    from blueprints.template.expansion import expand
    from blueprints.template.macros import UsesMacros
    from blueprints.template.problems import problems
    from blueprints.template.reading import load

    template = load(pattern.template)
    unknown = sorted(set(parameters or {}) - set(template.section("Parameters")))
    if unknown:
        known = ", ".join(template.section("Parameters")) or "none"
        raise BlueprintError(f"The template has no parameter {unknown[0]}.", advice=f"It has: {known}.")
    refusal = None
    try:
        body = expand(template, parameters)
        found = problems(template, body)
    except UsesMacros:
        raise
    except BlueprintError as error:
        # What SAM refuses is often the consequence of a mistake that can be named better.
        found, refusal = problems(template), error
    if found:
        listed = "\n".join(f"  {problem.where}: {problem.message}" for problem in found)
        raise BlueprintError(f"The template of {pattern.name} can't be deployed:\n{listed}")
    if refusal:
        raise refusal
    check_types(pattern, template, body)
    check_layers(pattern, body, parameters or {})
    return body
