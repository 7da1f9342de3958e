"""Postpones the import of modules that are rarely used until something reads an attribute of them.

The base emulator imports all of its services and some large libraries when CloudFormation is first used. A run needs a
few of them, and importing the others takes longer than starting those.
"""

import importlib.machinery
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

# One lock for all: loading one postponed module often loads another.
_lock = threading.RLock()
_being_loaded: set[ModuleType] = set()


class DeferredModule(ModuleType):
    """A module whose code runs when one of its attributes is read.

    While one thread runs the code, other threads wait for its end: a function that is defined already may use names
    that are defined further down. What the import itself sets, such as `__name__`, is there at once.
    """

    def __getattribute__(self, name: str) -> Any:
        if name == "reset" and self not in _being_loaded:
            return _nothing_to_reset
        if name.startswith("__"):
            with suppress(AttributeError):
                return ModuleType.__getattribute__(self, name)
        load(self)
        return ModuleType.__getattribute__(self, name)


def load(module: ModuleType) -> None:
    """Run the code of a module, unless that was done or this thread is doing it. Raises what the code raises."""
    if not isinstance(module, DeferredModule):
        return
    with _lock:
        if not isinstance(module, DeferredModule) or module in _being_loaded:
            return
        spec = module.__spec__
        assert spec
        assert isinstance(spec.loader, _DeferredLoader)
        _being_loaded.add(module)
        try:
            spec.loader.original.exec_module(module)
        finally:
            _being_loaded.remove(module)
        # Only now, so that other threads wait for the lock above until the module is complete.
        module.__loader__ = spec.loader = spec.loader.original
        module.__class__ = ModuleType  # type: ignore[assignment]  # it was one before


def _nothing_to_reset() -> None:
    """Stand in for the `reset` of a service that was never used."""


class _DeferredLoader(Loader):
    def __init__(self, original: Loader) -> None:
        self.original = original

    def exec_module(self, module: ModuleType) -> None:
        """Leave the module empty: `load` fills it."""
        module.__class__ = DeferredModule


class Deferral(MetaPathFinder):
    """Postpones every module for which `applies` is true; `applies` gets the module's name."""

    def __init__(self, applies: Callable[[str], bool]) -> None:
        self._applies = applies

    def install(self) -> None:
        """Postpone imports from now on."""
        sys.meta_path.insert(0, self)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """As the protocol of import finders has it; leaves other modules to the finders after this one."""
        if not self._applies(fullname):
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec and isinstance(spec.loader, importlib.machinery.SourceFileLoader):
            spec.loader = _DeferredLoader(spec.loader)
        return spec
