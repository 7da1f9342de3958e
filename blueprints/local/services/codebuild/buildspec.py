"""Reads and checks buildspecs.

Follows the AWS CodeBuild User Guide, "Build specification reference for CodeBuild", version 0.2. What is not emulated
is refused by name, so that no build succeeds without doing what its buildspec says.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

PHASES = ("install", "pre_build", "build", "post_build")

_SECTIONS = {"version", "env", "phases", "cache"}
_ENVIRONMENT = {"shell", "variables", "exported-variables"}
_PHASE = {"runtime-versions", "commands", "finally"}
_SHELLS = ("sh", "bash", "/bin/sh")


class BuildspecRefused(Exception):
    """A buildspec that CodeBuild would refuse, or that asks for what is not emulated."""


@dataclass(frozen=True)
class Phase:
    """One phase: its commands, and those that run afterwards whether they succeeded or not."""

    name: str
    commands: tuple[str, ...]
    finally_: tuple[str, ...]


@dataclass(frozen=True)
class Buildspec:
    """A parsed buildspec. `runtime-versions` and `cache` are ignored: the image is this machine."""

    phases: tuple[Phase, ...]
    variables: dict[str, str]
    exported: tuple[str, ...]
    posix: bool
    """Whether commands run in `sh`, and not in `bash`."""


def read(text: str) -> Buildspec:
    """Read a buildspec. Raises BuildspecRefused."""
    try:
        body = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise BuildspecRefused(f"The buildspec is not YAML: {error}") from error
    if not isinstance(body, dict) or str(body.get("version")) != "0.2":
        raise BuildspecRefused("The buildspec does not begin with 'version: 0.2'")
    _refuse_unknown(body, _SECTIONS, "the buildspec")
    environment = _mapping(body.get("env"), "env")
    _refuse_unknown(environment, _ENVIRONMENT, "env")
    shell = str(environment.get("shell", "sh"))
    if shell not in _SHELLS:
        raise BuildspecRefused(f"env: the shell {shell} is not emulated; sh and bash are")
    phases = tuple(_phases(_mapping(body.get("phases"), "phases")))
    if not any(phase.commands for phase in phases):
        raise BuildspecRefused("The buildspec has no commands")
    variables = _mapping(environment.get("variables"), "env/variables")
    return Buildspec(
        phases=phases,
        variables={name: _scalar(value) for name, value in variables.items()},
        exported=tuple(map(str, environment.get("exported-variables") or ())),
        posix=shell != "bash",
    )


def _phases(written: dict[str, Any]) -> Iterator[Phase]:
    _refuse_unknown(written, set(PHASES), "phases")
    for name in PHASES:
        if name in written:
            body = _mapping(written[name], f"phases/{name}")
            _refuse_unknown(body, _PHASE, f"phases/{name}")
            yield Phase(name, _commands(body, name, "commands"), _commands(body, name, "finally"))


def _commands(body: dict[str, Any], phase: str, key: str) -> tuple[str, ...]:
    written = body.get(key) or []
    if not isinstance(written, list) or not all(isinstance(each, str) for each in written):
        raise BuildspecRefused(f"phases/{phase}/{key} is not a list of commands")
    return tuple(written)


def _mapping(value: Any, where: str) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BuildspecRefused(f"{where} is not a mapping")
    return value


def _refuse_unknown(written: dict[str, Any], known: set[str], where: str) -> None:
    unknown = sorted(map(str, written.keys() - known))
    if unknown:
        raise BuildspecRefused(f"{where} has {', '.join(unknown)}, which is not emulated")


def _scalar(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
