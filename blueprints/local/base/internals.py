"""Replaces internals of the base emulator, after checking that they are still what this project was built against.

Every extension states what it takes hold of as a `Internal`. A base emulator that lacks one, or has it with other
parameters, is refused at start with a list of what changed: a version bump cannot quietly fall back to stock behaviour.
"""

import importlib
import inspect
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from blueprints.local.base.deferred_imports import load


class IncompatibleEmulator(Exception):
    """The installed base emulator is not the one the extensions were written for."""


@dataclass(frozen=True)
class Internal:
    """An internal of the base emulator: `module` below `ministack`, its `name`, and the parameters it must take.

    `parameters` is None for what is no function (a registry, a constant): then it only has to exist.
    """

    module: str
    name: str
    parameters: tuple[str, ...] | None = None

    def holder(self) -> Any:
        """The module that holds the internal."""
        module = importlib.import_module(f"ministack.{self.module}")
        load(module)
        return module

    def current(self) -> Any:
        """The internal itself, as it stands now."""
        return getattr(self.holder(), self.name)

    def replace(self, replacement: object) -> Any:
        """Put `replacement` in the internal's place; return what stood there."""
        original = self.current()
        setattr(self.holder(), self.name, replacement)
        return original

    def mismatch(self) -> str | None:
        """What is wrong with the internal in the installed version, or None."""
        try:
            found = self.current()
        except (ImportError, AttributeError):
            return f"ministack.{self.module}.{self.name} is gone"
        if self.parameters is None:
            return None
        if not callable(found):
            return f"ministack.{self.module}.{self.name} is no function any more"
        parameters = tuple(inspect.signature(found).parameters)
        if parameters != self.parameters:
            taken, wanted = ", ".join(parameters), ", ".join(self.parameters)
            return f"ministack.{self.module}.{self.name} takes ({taken}), not ({wanted})"
        return None


def verify(hooks: Iterable[Internal]) -> None:
    """Raise IncompatibleEmulator naming every hook the installed version does not offer."""
    mismatches = [problem for hook in hooks if (problem := hook.mismatch())]
    if mismatches:
        raise IncompatibleEmulator(
            f"ministack {version('ministack')} is not the version the embedded AWS was written for: "
            + "; ".join(mismatches)
            + ". Install the pinned version (see pyproject.toml)."
        )
