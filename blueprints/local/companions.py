"""What a pattern needs beside itself on the embedded AWS, such as a database: templates in its folder `companions/`.

The pattern's demo.toml names them. Each is deployed as a stack before the pattern's, and its outputs become the
parameters of the same names. A companion whose parameters were all given on the command line is left out.
"""

import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from blueprints.errors import BlueprintError, at
from blueprints.local.cloud import Cloud
from blueprints.local.deployment import deploy
from blueprints.pattern import COMPANIONS, Pattern
from blueprints.steps import Steps
from blueprints.template.artifacts import packaged
from blueprints.template.reading import Template, load

DEMO = "demo.toml"
_TAKEN = {"companions"}


def companions(pattern: Pattern) -> dict[str, Template]:
    """The companions that demo.toml names, in its order, by name. Raises BlueprintError for what is wrong with it."""
    path = pattern.folder / DEMO
    if not path.is_file():
        return {}
    return {name: _companion(pattern.folder, name, path) for name in _names(path)}


def deploy_companions(cloud: Cloud, pattern: Pattern, given: Mapping[str, str], steps: Steps) -> dict[str, str]:
    """Deploy what is needed; returns the pattern's parameters, given ones included."""

    def outputs_of(name: str, template: Template) -> dict[str, str]:
        with steps.step(f"Deploy its {name}"):
            return deploy(cloud, f"{pattern.stack_name}-{name}", packaged(template, {})).outputs

    return with_companions(pattern, given, outputs_of)


def with_companions(
    pattern: Pattern, given: Mapping[str, str], outputs_of: Callable[[str, Template], Mapping[str, str]]
) -> dict[str, str]:
    """The pattern's parameters, given ones included; `outputs_of` deploys a companion that is needed."""
    wanted = set(load(pattern.template).section("Parameters"))
    parameters = dict(given)
    for name, template in companions(pattern).items():
        if set(template.section("Outputs")) & wanted <= set(given):
            continue
        outputs = outputs_of(name, template)
        parameters |= {output: value for output, value in outputs.items() if output in wanted - set(given)}
    return parameters


def _names(path: Path) -> list[str]:
    try:
        read: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise BlueprintError(f"{DEMO} can't be read: {error}.", where=at(path)) from error
    unknown = sorted(read.keys() - _TAKEN)
    names = read.get("companions", [])
    if unknown or not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise BlueprintError(
            f"{DEMO} holds {unknown[0] if unknown else 'companions'} of a form it can't have.",
            where=at(path),
            advice='Write companions = ["name", …] for the templates companions/name.yaml, and nothing else.',
        )
    return names


def _companion(folder: Path, name: str, named_in: Path) -> Template:
    path = folder / COMPANIONS / f"{name}.yaml"
    if Path(name).name != name or not path.is_file():
        raise BlueprintError(
            f"There is no {COMPANIONS}/{name}.yaml.", where=at(named_in), advice="Write it, or its name."
        )
    return load(path)
