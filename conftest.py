"""Lets the tests of several patterns run in one process: each finds its own modules, as if it were there alone.

A pattern is copied whole, so its files have plain names (`replay`, `deployment_probe`) that other patterns use too, and
its tests put its folders on the path. Here that path, and what was imported from it, is put away when it is the turn of
another pattern.
"""

import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parent
_put_away: dict[Path, tuple[list[str], dict[str, ModuleType]]] = {}
_turn: list[Path | None] = [None]


@pytest.hookimpl(tryfirst=True)
def pytest_collect_directory(path: Path) -> None:
    """A pattern's conftest, imported when its folder is collected, is imported with its own modules."""
    _take_turns(_pattern(path))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Iterator[None]:
    """A pattern's test files are imported with its own modules."""
    _take_turns(_pattern(collector.path))
    return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """A pattern's tests run with its own modules."""
    _take_turns(_pattern(item.path))
    return (yield)


def pytest_plugin_registered(plugin: object) -> None:
    """A pattern's conftest was imported, and the next one to come may be another pattern's."""
    if _pattern(Path(str(getattr(plugin, "__file__", None) or ROOT))):
        _turn_to(None)


@cache
def _pattern(path: Path) -> Path | None:
    """The folder of the pattern that a file belongs to."""
    below = [folder for folder in (path, *path.parents) if folder.is_relative_to(ROOT) and folder != ROOT]
    return next((folder for folder in below if (folder / "template.yaml").is_file()), None)


def _take_turns(pattern: Path | None) -> None:
    if pattern != _turn[0]:
        _turn_to(pattern)


def _turn_to(pattern: Path | None) -> None:
    """Put away what belongs to other patterns, and bring back what belongs to this one."""
    for place in [place for place in sys.path if _pattern(Path(place)) not in (None, pattern)]:
        _kept(_pattern(Path(place)))[0].append(place)
        sys.path.remove(place)
    for name, module in [each for each in sys.modules.items() if "." not in each[0]]:
        owner = _pattern(Path(getattr(module, "__file__", None) or ROOT))
        if owner not in (None, pattern):
            _kept(owner)[1][name] = sys.modules.pop(name)
    if pattern in _put_away:
        places, modules = _put_away.pop(pattern)
        sys.path[:0] = places
        sys.modules.update(modules)
    _turn[0] = pattern


def _kept(pattern: Path | None) -> tuple[list[str], dict[str, ModuleType]]:
    assert pattern
    return _put_away.setdefault(pattern, ([], {}))
