"""How a pattern is rehearsed: `rehearsal.toml` in its folder makes its demo small enough to be played many times."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from blueprints.errors import BlueprintError, at

FILE = "rehearsal.toml"
_KEYS = ("parameters", "demo")


@dataclass(frozen=True)
class RehearsalSettings:
    """What `rehearsal.toml` says; nothing if there is no such file."""

    parameters: Mapping[str, str]
    """Parameters of the stack."""
    demo: Mapping[str, int]
    """Values of constants of demo.py."""

    def write_demo(self, folder: Path) -> None:
        """Set the constants in the demo.py of a pattern's copy."""
        if self.demo:
            lines = "".join(f"{name} = {value}\n" for name, value in self.demo.items())
            with (folder / "demo.py").open("a", encoding="utf-8") as demo:
                demo.write(f"\n\n{lines}")


def read_settings(folder: Path) -> RehearsalSettings:
    """Read the file in a pattern's folder. Raises BlueprintError if it is wrong."""
    path = folder / FILE
    if not path.is_file():
        return RehearsalSettings({}, {})
    try:
        read: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise BlueprintError(f"{FILE} can't be read: {error}.", where=at(path)) from error
    parameters, demo = read.get("parameters", {}), read.get("demo", {})
    if (
        set(read) - set(_KEYS)
        or not _all(parameters, str)
        or not _all(demo, int)
        or not all(name.isidentifier() for name in demo)
    ):
        raise BlueprintError(
            f"{FILE} has something else than parameters and numbers for the demo.",
            where=at(path),
            advice='Write [parameters] with lines such as Size = "1", and [demo] with lines such as ROWS = 10.',
        )
    return RehearsalSettings(parameters, demo)


def _all(values: object, kind: type) -> bool:
    return isinstance(values, dict) and all(isinstance(each, kind) for each in values.values())
