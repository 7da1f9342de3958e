"""Runs a pattern's demo.py on a deployed stack."""

import ast
import importlib.util
import shlex
import shutil
import traceback
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from botocore.exceptions import BotoCoreError

from blueprints.errors import BlueprintError, at
from blueprints.folders import check_can_be_made
from blueprints.pattern import Pattern
from blueprints.progress import Progress
from blueprints.stacks.calls import advice_on
from blueprints.stacks.logs import described_errors
from blueprints.stacks.stack import Stack

OWN_FOLDER = ".blueprints"
"""The folder in the working folder that the tools write to."""


@dataclass(frozen=True)
class DemoStack:
    """What a demo gets, for a stack of a real account or of an embedded AWS."""

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
    """The result of a demo."""

    result: dict[str, Any]
    files: list[Path]
    """All files that it downloaded, as absolute paths."""


def check_playable(pattern: Pattern, own: Path | None, folder: Path) -> None:
    """Raise what would otherwise fail after deploying: no demo, a demo without input, a folder that cannot be made."""
    demo_module(pattern)
    if own and not _takes_a_file(pattern.folder / "demo.py"):
        raise BlueprintError(
            f"The demo of {pattern.name} takes no file, so {own} would have no effect.", advice="Leave out --input."
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
    progress: Progress,
) -> Played:
    """Run the demo. If it fails, what it added to `folder` is removed.

    A folder below `.blueprints` is emptied first; any other may hold files of the user's, which stay.
    Raises BlueprintError if there is no demo, and what the demo raises.
    """
    demo = demo_module(pattern)
    if OWN_FOLDER in folder.parts:
        shutil.rmtree(folder, ignore_errors=True)
    before = _contents(folder)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        result = demo.run(DemoStack(outputs, client, own, folder, progress.step))
    except BaseException:
        _remove_added(folder, before)
        raise
    written = (path for path, changed in _contents(folder).items() if before.get(path) != changed and path.is_file())
    return Played(result, sorted(path.absolute() for path in written))


def _contents(folder: Path) -> dict[Path, int]:
    """A folder and all in it, with the nanosecond in which each was changed; nothing if there is no such folder."""
    return {path: path.stat().st_mtime_ns for path in (folder, *folder.rglob("*")) if path.exists()}


def _remove_added(folder: Path, before: dict[Path, int]) -> None:
    for path in sorted(_contents(folder).keys() - before.keys(), reverse=True):
        if path.is_dir() and not path.is_symlink():
            path.rmdir()
        else:
            path.unlink()


@contextmanager
def explaining_failures(
    client: Callable[[str], Any],
    find_stack: Callable[[], Stack],
    *,
    since: float | None = None,
    where: str | None = None,
) -> Iterator[None]:
    """Turn what a demo raises into a BlueprintError that says what to do, or what the functions of the stack logged.

    `since` is when the demo began, in seconds since 1970; errors that were logged before are not shown.
    """
    try:
        yield
    except BlueprintError:
        raise
    except Exception as error:
        advice = advice_on(error) or _logged(client, find_stack, since)
        raise BlueprintError(f"The demo failed: {error}", where=where, advice=advice) from error


def _logged(client: Callable[[str], Any], find_stack: Callable[[], Stack], since: float | None) -> str | None:
    try:
        return described_errors(client, find_stack(), since)
    except (BlueprintError, BotoCoreError) as error:
        return f"The logs of its functions could not be read: {error}"


def demo_module(pattern: Pattern) -> ModuleType:
    """The pattern's demo.py, loaded anew. Raises BlueprintError if there is none, or if it cannot be loaded."""
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
