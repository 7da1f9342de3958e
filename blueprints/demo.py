"""Plays a pattern's demo.py: the story it tells, against a deployed stack."""

import ast
import importlib.util
import shlex
import shutil
import traceback
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from blueprints.errors import BlueprintError, at
from blueprints.folders import check_can_be_made
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


def check_playable(pattern: Pattern, own: Path | None, folder: Path) -> None:
    """Raise for what else would show only after deploying: no demo, one that takes no file, nowhere to put results."""
    _loaded(pattern)
    if own and not _takes_a_file(pattern.folder / "demo.py"):
        raise BlueprintError(
            f"The demo of {pattern.name} takes no file, so {own} would change nothing.", advice="Leave out --input."
        )
    check_can_be_made(folder)


def _takes_a_file(path: Path) -> bool:
    """Whether the demo looks at an `input` anywhere, by whatever name it has the stack."""
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return any(isinstance(node, ast.Attribute) and node.attr == "input" for node in nodes)


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
            f"{pattern.name} has no demo.py, so there is no demo to run.",
            where=at(pattern.folder),
            advice=f"Try it by hand: `blueprints up {shlex.quote(pattern.argument)}` deploys it and stays up.",
        )
    spec = importlib.util.spec_from_file_location(f"demo_of_{pattern.name.replace('-', '_')}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise BlueprintError(
            f"The demo can't be loaded: {type(error).__name__}: {error}", where=at(path, _line(error, path))
        ) from error
    if not callable(getattr(module, "run", None)):
        raise BlueprintError(f"{path.name} of {pattern.name} has no function run(stack).", where=at(path))
    return module


def _line(error: Exception, path: Path) -> int | None:
    """Where in the file it went wrong."""
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return error.lineno
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return lines[-1] if lines else None
