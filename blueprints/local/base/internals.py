"""Replaces internals of the base emulator, after checking that they are still what this project was built against.

A module names each function or variable of the base emulator that it uses or replaces as an `Internal`. At start, a
base emulator that lacks one, or has it with other parameters, is refused with a list of what changed: a new version
cannot fall back to its own behaviour unnoticed.
"""

import importlib
import inspect
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from types import ModuleType
from typing import Any

from blueprints.local.base.deferred_imports import load


class IncompatibleEmulator(Exception):
    """The installed base emulator is not the one the extensions were written for."""


@dataclass(frozen=True)
class Internal:
    """An internal of the base emulator: `module` below `ministack`, its `name`, and the parameters it must take.

    `parameters` is None for a registry or a constant, which only has to exist.
    """

    module: str
    name: str
    parameters: tuple[str, ...] | None = None

    def holder(self) -> Any:
        """The module that holds the internal."""
        module = _imported(self.module)
        load(module)
        return module

    def current(self) -> Any:
        """The internal itself, or what replaced it."""
        return getattr(self.holder(), self.name)

    def replace(self, replacement: object) -> Any:
        """Replace the internal; returns what was there before."""
        original = self.current()
        setattr(self.holder(), self.name, replacement)
        return original

    def mismatch(self) -> str | None:
        """What is wrong with the internal in the installed version, or None."""
        try:
            found = getattr(importlib.import_module(f"ministack.{self.module}"), self.name)
        except AttributeError:
            return f"ministack.{self.module}.{self.name} is gone"
        except ImportError as error:
            if error.name == f"ministack.{self.module}":
                return f"ministack.{self.module}.{self.name} is gone"
            return f"ministack.{self.module} cannot be imported: {error}"
        if self.parameters is None:
            return None
        if not callable(found):
            return f"ministack.{self.module}.{self.name} is no function any more"
        parameters = tuple(inspect.signature(found).parameters)
        if parameters != self.parameters:
            taken, wanted = ", ".join(parameters), ", ".join(self.parameters)
            return f"ministack.{self.module}.{self.name} takes ({taken}), not ({wanted})"
        return None


@cache
def _imported(module: str) -> ModuleType:
    """A module of the base emulator, looked up once: every invocation of a function uses several internals."""
    return importlib.import_module(f"ministack.{module}")


def verify(internals: Iterable[Internal]) -> None:
    """Raise IncompatibleEmulator that names every internal the installed version lacks or has otherwise."""
    mismatches = [problem for each in dict.fromkeys(internals) if (problem := each.mismatch())]
    if mismatches:
        raise IncompatibleEmulator(
            f"ministack {version('ministack')} is not the version the embedded AWS was written for: "
            + "; ".join(mismatches)
        )


def internals_in(module: ModuleType) -> Iterator[Internal]:
    """Every Internal that a module's variables and the attributes of its classes hold, also in collections."""
    for value in list(vars(module).values()):
        yield from _held(value)
        if isinstance(value, type) and value.__module__ == module.__name__:
            for attribute in list(vars(value).values()):
                yield from _held(attribute)


def _held(value: object) -> Iterator[Internal]:
    if isinstance(value, Internal):
        yield value
    elif isinstance(value, dict):
        yield from _held(tuple(value.values()))
    elif isinstance(value, tuple | list | set | frozenset):
        for each in value:
            yield from _held(each)
