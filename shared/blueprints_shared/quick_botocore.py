"""botocore, imported in less time than `import botocore.session` takes, with the same result.

- Its documentation generator is left out, as handlers never use it. While botocore is imported, its module of
  docstrings is replaced by one whose docstrings are empty; afterwards the real one can be imported, by boto3 for one.
  Sessions do not register its handlers either.
- Garbage is not collected meanwhile: objects created by imports stay alive.
- Calls get room for their frames at once. CPython (3.11 to 3.13 at least) keeps frames in chunks of 16 KB that it maps
  and unmaps as calls cross an edge; an import that happens to run at an edge crosses it thousands of times.

If another version of botocore cannot be imported in this way, it is imported as usual.
"""

import gc
import importlib
import os
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any, TypeVar

__all__ = ["Config", "Loader", "get_session", "quickly"]

T = TypeVar("T")

_DOCS = "botocore.docs"
_SLOTS = 9000  # of 8 bytes, which CPython rounds up to a chunk of 128 KB


def quickly(work: Callable[[], T]) -> T:
    """Call `work` with room for its frames, and without collecting garbage."""
    collects = gc.isenabled()
    gc.disable()
    try:
        return _with_room(work)
    finally:
        if collects:
            gc.enable()


def _with_room(work: Callable[[], T]) -> T:
    return work()


# A frame this large gets a chunk of its own, and what it leaves of it is for the calls below it.
_with_room.__code__ = _with_room.__code__.replace(co_stacksize=_SLOTS)


class _EmptyDocstring(str):
    """Accepts any arguments of botocore's docstring classes, and is empty."""

    __slots__ = ()

    def __new__(cls, *_args: Any, **_options: Any) -> "_EmptyDocstring":
        return super().__new__(cls)


def _import_session() -> Any:
    before = set(sys.modules)
    if "botocore.client" not in before and _DOCS not in before:
        try:
            return _import_without_docs()
        except Exception:  # noqa: BLE001 - whatever it is, the import below shows it if it is not due to the above
            for name in set(sys.modules) - before:
                if name.partition(".")[0] == "botocore":
                    del sys.modules[name]
    return importlib.import_module("botocore.session")


def _import_without_docs() -> Any:
    package = importlib.import_module("botocore")
    docs, docstrings = ModuleType(_DOCS), ModuleType(f"{_DOCS}.docstring")
    # Its other modules are the real ones.
    docs.__path__ = [os.path.join(os.path.dirname(str(package.__file__)), "docs")]  # noqa: PTH118, PTH120
    docstrings.__getattr__ = lambda _name: _EmptyDocstring  # type: ignore[method-assign]
    sys.modules[_DOCS], sys.modules[docstrings.__name__] = docs, docstrings
    try:
        return importlib.import_module("botocore.session")
    finally:
        for name in [name for name in sys.modules if name == _DOCS or name.startswith(f"{_DOCS}.")]:
            del sys.modules[name]


_session = quickly(_import_session)


class _Session(_session.Session):  # type: ignore[misc,name-defined]  # botocore has no types
    """A session without the handlers that only change documentation, about a quarter of them."""

    def register(self, event_name: str, *arguments: Any, **options: Any) -> None:
        if not event_name.startswith("docs."):
            super().register(event_name, *arguments, **options)


def get_session() -> Any:
    """As botocore's function of this name: a new session."""
    return _Session()


Config = importlib.import_module("botocore.config").Config
Loader = importlib.import_module("botocore.loaders").Loader
