"""Imports a module when something of it is used, not when it is imported."""

import sys
from importlib.util import find_spec
from types import ModuleType
from typing import Any


def import_when_used(*names: str) -> None:
    """Have these modules run at the first use of a name in them, wherever they are imported later.

    Modules that do not exist or are imported already are left alone. `importlib.util.LazyLoader` would run a module as
    soon as it is imported a second time.
    """
    for name in names:
        spec = find_spec(name)
        if spec is not None and name not in sys.modules:
            module = _Deferred(name)
            module.__spec__, module.__loader__ = spec, spec.loader
            module.__file__, module.__package__ = spec.origin, spec.parent
            sys.modules[name] = module


class _Deferred(ModuleType):
    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        self.__class__ = ModuleType  # type: ignore[assignment]
        loader: Any = self.__loader__
        loader.exec_module(self)
        return getattr(self, name)
