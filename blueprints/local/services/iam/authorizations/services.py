"""Finds what is known about each service: every module of this folder that has `SERVICES`."""

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.services.iam.authorizations.call import Authorization, Call

Authorize = Callable[[Call], list[Authorization]]
"""From a call to everything that it needs permission for."""


def authorizers() -> dict[str, Authorize]:
    """By service of the base emulator's router: the function that knows its calls."""
    return {service: known for module in _modules() for service, known in module.SERVICES.items()}


def superseded_checks() -> dict[Internal, Callable[..., Any]]:
    """Functions of the base emulator that ask for more checks, each with what it shall be instead."""
    return {internal: instead for module in _modules() for internal, instead in _superseded(module).items()}


def _superseded(module: ModuleType) -> dict[Internal, Callable[..., Any]]:
    found: dict[Internal, Callable[..., Any]] = getattr(module, "SUPERSEDED", {})
    return found


def _modules() -> Iterator[ModuleType]:
    package = importlib.import_module(__package__)
    for each in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f"{package.__name__}.{each.name}")
        if hasattr(module, "SERVICES"):
            yield module
