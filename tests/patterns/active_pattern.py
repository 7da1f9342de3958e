"""Lets the tests of several patterns run in one process, though their modules have the same names.

A pattern is copied whole, so its files have plain names (`replay`, `template_facts`) that other patterns use too, and
its conftest puts its folders on sys.path. Before a file of another pattern is collected or run, what belongs to this
one leaves sys.path and sys.modules; it comes back when its turn comes again.

`tests/patterns/NAME/`, the proofs of a pattern's design, belongs to `patterns/NAME`.

This is a plugin, because pytest does not call the hooks of a conftest for a folder whose own conftest is still to be
imported.
"""

import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
PROOFS = Path(__file__).parent
_saved: dict[Path, tuple[list[str], dict[str, ModuleType]]] = {}
_active: list[Path | None] = [None]


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Iterator[None]:
    """Activate the pattern whose conftest or test file is imported."""
    _activate(_pattern_of(collector.path))
    return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Activate the pattern whose test runs."""
    _activate(_pattern_of(item.path))
    return (yield)


def pytest_plugin_registered(plugin: object) -> None:
    """Deactivate a pattern whose conftest was imported: the next conftest may be another pattern's."""
    if _pattern_of(Path(str(getattr(plugin, "__file__", None) or ROOT))):
        _exchange(None)


@cache
def _pattern_of(path: Path) -> Path | None:
    """The folder of the pattern that a file or folder belongs to, None if it belongs to none."""
    if PROOFS in path.parents:
        path = ROOT / "patterns" / path.relative_to(PROOFS).parts[0]
    below = [folder for folder in (path, *path.parents) if folder.is_relative_to(ROOT) and folder != ROOT]
    return next((folder for folder in below if (folder / "template.yaml").is_file()), None)


def _activate(pattern: Path | None) -> None:
    if pattern != _active[0]:
        _exchange(pattern)


def _exchange(pattern: Path | None) -> None:
    """Save and remove the path entries and modules of other patterns; restore those of this one."""
    for place in list(sys.path):
        owner = _pattern_of(Path(place))
        if owner and owner != pattern:
            _saved.setdefault(owner, ([], {}))[0].append(place)
            sys.path.remove(place)
    for name, module in [each for each in sys.modules.items() if "." not in each[0]]:
        owner = _pattern_of(Path(getattr(module, "__file__", None) or ROOT))
        if owner and owner != pattern:
            _saved.setdefault(owner, ([], {}))[1][name] = sys.modules.pop(name)
    if pattern in _saved:
        places, modules = _saved.pop(pattern)
        sys.path[:0] = places
        sys.modules.update(modules)
    _active[0] = pattern
