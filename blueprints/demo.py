"""Plays a pattern's demo.py: the story it tells, against a deployed stack."""

import importlib.util
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from blueprints.errors import BlueprintError, at
from blueprints.pattern import Pattern
from blueprints.steps import Steps


@dataclass(frozen=True)
class DemoStack:
    """What a demo gets: enough to play on any stack, embedded or on a real account."""

    outputs: dict[str, str]
    """The stack's outputs."""
    client: Callable[[str], Any]
    """Makes a boto3 client of a service."""
    input: Path | None
    """The user's own file, if there is one."""
    folder: Path
    """Where downloads go."""
    step: Callable[[str], AbstractContextManager[object]]
    """Names what happens inside the `with`."""


@dataclass(frozen=True)
class Played:
    """What a demo came to."""

    result: dict[str, Any]
    files: list[Path]
    """All it downloaded, as absolute paths."""


def play(
    pattern: Pattern,
    outputs: dict[str, str],
    client: Callable[[str], Any],
    own: Path | None,
    folder: Path,
    steps: Steps,
) -> Played:
    """Play the demo into `folder`, which is emptied first and removed again when the demo fails.

    Raises BlueprintError when there is no demo; what the demo itself raises passes through.
    """
    demo = _loaded(pattern)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        result = demo.run(DemoStack(outputs, client, own, folder, steps.step))
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return Played(result, sorted(path.absolute() for path in folder.rglob("*") if path.is_file()))


def _loaded(pattern: Pattern) -> ModuleType:
    path = pattern.folder / "demo.py"
    if not path.is_file():
        raise BlueprintError(
            f"{pattern.name} has no demo.py, so there is nothing to play.",
            where=at(pattern.folder),
            advice=f"`blueprints up {pattern.name}` deploys it for you to try by hand.",
        )
    spec = importlib.util.spec_from_file_location(f"demo_of_{pattern.name.replace('-', '_')}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if not callable(getattr(module, "run", None)):
        raise BlueprintError(f"{path.name} of {pattern.name} has no function run(stack).", where=at(path))
    return module
