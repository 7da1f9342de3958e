"""What a pattern needs beside itself, such as a database: templates in its folder `companions/`.

The pattern's demo.toml names them. Each is deployed as a stack before the pattern's, and its outputs become the
pattern's parameters of the same names. One whose outputs were all given as parameters is not deployed.
"""

import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from blueprints.errors import BlueprintError, at
from blueprints.pattern import PREREQUISITES, Pattern
from blueprints.template.reading import Template, load

DEMO = "demo.toml"
_KEY = "companions"


def prerequisites(pattern: Pattern) -> dict[str, Template]:
    """The templates that demo.toml names, in its order, by name. Raises BlueprintError if it is wrong."""
    path = pattern.folder / DEMO
    if not path.is_file():
        return {}
    return {name: _template(pattern.folder, name, path) for name in _names(path)}


def with_prerequisites(
    pattern: Pattern, given: Mapping[str, str], deploy: Callable[[str, Template], Mapping[str, str]]
) -> dict[str, str]:
    """The pattern's parameters: `given`, and the outputs of the prerequisites.

    `deploy` deploys a prerequisite by its name and template, and returns its outputs.
    """
    wanted = set(load(pattern.template).section("Parameters"))
    parameters = dict(given)
    for name, template in prerequisites(pattern).items():
        if set(template.section("Outputs")) & wanted <= set(given):
            continue
        outputs = deploy(name, template)
        parameters |= {output: value for output, value in outputs.items() if output in wanted - set(given)}
    return parameters


def _names(path: Path) -> list[str]:
    try:
        read: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise BlueprintError(f"{DEMO} can't be read: {error}.", where=at(path)) from error
    unknown = sorted(read.keys() - {_KEY})
    names = read.get(_KEY, [])
    if unknown or not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        what = f"{DEMO} has a key {unknown[0]}" if unknown else f"{_KEY} in {DEMO} is not a list of names"
        raise BlueprintError(
            f"{what}.",
            where=at(path),
            advice=f'Write {_KEY} = ["name", …] for the templates {PREREQUISITES}/name.yaml, and nothing else.',
        )
    return names


def _template(folder: Path, name: str, named_in: Path) -> Template:
    path = folder / PREREQUISITES / f"{name}.yaml"
    if Path(name).name != name or not path.is_file():
        raise BlueprintError(
            f"There is no {PREREQUISITES}/{name}.yaml.",
            where=at(named_in),
            advice="Write that template, or correct its name.",
        )
    return load(path)
