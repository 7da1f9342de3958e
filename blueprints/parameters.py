"""Values of a template's parameters: given, written in samconfig.toml, or missing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from blueprints import samconfig
from blueprints.errors import BlueprintError, at
from blueprints.pattern import Pattern
from blueprints.stacks.prerequisites import prerequisites
from blueprints.template.reading import load


@dataclass(frozen=True)
class Missing:
    """A parameter that has no value."""

    name: str
    description: str
    allowed: tuple[str, ...]
    secret: bool
    """Whether a prompt must not echo the value (NoEcho)."""

    def __str__(self) -> str:
        said = f": {self.description}" if self.description else ""
        return f"{self.name}{said}" + (f" (one of {', '.join(self.allowed)})" if self.allowed else "")


def complete(pattern: Pattern, given: Mapping[str, str]) -> tuple[dict[str, str], list[Missing]]:
    """Add samconfig's values for parameters without a default. Returns the values, and the parameters that lack one."""
    declared = load(pattern.template).section("Parameters")
    brought = {name for each in prerequisites(pattern).values() for name in each.section("Outputs")}
    needed = {
        name: about
        for name, about in declared.items()
        if isinstance(about, dict) and "Default" not in about and name not in given and name not in brought
    }
    written = _overrides(pattern) if needed else {}
    found = {**given, **{name: written[name] for name in needed if name in written}}
    return found, [_missing(name, about) for name, about in needed.items() if name not in found]


def refusal(pattern: Pattern, missing: list[Missing], command: str | None = None) -> BlueprintError:
    """The error that lists the missing parameters; its advice repeats `command`, the user's own, with options added."""
    options = " ".join(f"--parameter {each.name}=VALUE" for each in missing)
    listed = "".join(f"\n    {each}" for each in missing)
    one = len(missing) == 1
    return BlueprintError(
        f"{pattern.name} has {'a parameter' if one else f'{len(missing)} parameters'} without a value:{listed}",
        where=at(pattern.template),
        advice=f"Give {'it' if one else 'them'}: {command or 'blueprints …'} {options}\n"
        f"  or set parameter_overrides in [default.deploy.parameters] of {samconfig.NAMES[0]}.",
    )


def _missing(name: str, about: Mapping[str, Any]) -> Missing:
    allowed = about.get("AllowedValues") or []
    secret = str(about.get("NoEcho", "")).lower() == "true"
    return Missing(name, str(about.get("Description") or "").strip(), tuple(str(each) for each in allowed), secret)


def _overrides(pattern: Pattern) -> dict[str, str]:
    """The parameters that the samconfig file sets for `sam deploy` in its default environment."""
    try:
        return samconfig.read(pattern.folder).overrides("default")
    except samconfig.Unreadable as error:
        path = next(pattern.folder / name for name in samconfig.NAMES if (pattern.folder / name).is_file())
        raise BlueprintError(f"{path.name} can't be read: {error}.", where=at(path, error.line)) from error
