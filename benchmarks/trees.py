"""Working trees of this project: the one that the benchmarks run from, and a clean one of another commit."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.harness import Progress, Sample
from benchmarks.processes import ROOT, finished, run_measured
from blueprints import cache
from blueprints.packaging.installer import uv, uv_version

# Variables that would make a command of one tree use another tree's packages or caches, or compile itself every time.
_NOT_INHERITED = (
    "PYTHONPATH",
    "PYTHONHOME",
    "PYTHONDONTWRITEBYTECODE",
    "VIRTUAL_ENV",
    "UV_PROJECT_ENVIRONMENT",
    "BLUEPRINTS_CACHE",
)


class NoTree(Exception):
    """A commit cannot be compared with; the message says why and what to do."""


@dataclass(frozen=True)
class Tree:
    """A working tree that is set up. Its commands use its own `.venv` and its own cache of the tools."""

    name: str
    """How results name it, such as `commit b426251`."""
    commit: str
    """The full hash of the commit that is checked out."""
    root: Path
    scratch: Path
    """A folder outside the tree for caches and outputs; deleted at the end."""
    changed_files: int = field(default=0)
    """Number of files that differ from the commit."""

    @property
    def description(self) -> str:
        """Short hash, date and subject of the commit, and how many files differ from it."""
        about = _git(self.root, "show", "--no-patch", "--format=%h of %cs, “%s”", self.commit)
        return f"{about}, with {self.changed_files} files changed" if self.changed_files else about

    def command(self, name: str) -> Path:
        """An executable of the tree's own environment."""
        return self.root / ".venv" / "bin" / name

    def run(self, name: str, *arguments: str | Path, cwd: Path | None = None, empty_cache: bool = False) -> Sample:
        """Run one of the tree's executables from start to end.

        The cache stays warm between runs; with `empty_cache` the run gets a new one. Raises `processes.Broke` unless
        the exit status is 0.
        """
        command = [self.command(name), *arguments]
        if not empty_cache:
            return run_measured(command, cwd=cwd or self.root, env=self.environment(self.scratch / "cache"))
        with tempfile.TemporaryDirectory(dir=self.scratch) as empty:
            return run_measured(command, cwd=cwd or self.root, env=self.environment(Path(empty)))

    def run_script(self, name: str, **environment: str) -> Sample:
        """Run one of the tree's `scripts/` from start to end, with its warm cache."""
        variables = {**self.environment(self.scratch / "cache"), **environment}
        return run_measured([self.root / "scripts" / name], cwd=self.root, env=variables)

    def environment(self, cache_folder: Path) -> dict[str, str]:
        """Environment variables for the tree's commands."""
        return {**_inherited(), "BLUEPRINTS_CACHE": str(cache_folder)}


@contextmanager
def both(commit: str, progress: Progress, repository: Path = ROOT) -> Iterator[tuple[Tree, Tree]]:
    """Yield this working tree and a clean one of `commit`, which is deleted at the end, as are all caches.

    The clean tree is a clone in a temporary folder, so that the repository is left as it is even if this process is
    killed. Raises `NoTree` if there is no such commit or its `scripts/setup` fails.
    """
    known = resolve(commit, repository)
    changed = _git(repository, "status", "--porcelain").splitlines()
    with cache.scratch() as scratch:
        for name in ("this", "that"):
            (scratch / name).mkdir()
        head = _git(repository, "rev-parse", "HEAD")
        this = Tree("this tree", head, repository, scratch / "this", changed_files=len(changed))
        that = Tree(f"commit {known[:7]}", known, scratch / "tree", scratch / "that")
        _check_out(repository, that, progress)
        yield this, that


def resolve(commit: str, repository: Path = ROOT) -> str:
    """Return the full hash of a commit, branch or tag. Raises `NoTree` if there is none of that name."""
    try:
        return _git(repository, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{commit}^{{commit}}")
    except NoTree as error:
        message = f"There is no commit {commit!r} in {repository}. `git log --oneline` lists the commits;"
        raise NoTree(f"{message} a shallow clone gets the older ones with `git fetch --unshallow`.") from error


def _check_out(repository: Path, tree: Tree, progress: Progress) -> None:
    progress(f"checking out {tree.name} and setting it up")
    _git(repository, "clone", "--quiet", "--shared", "--no-checkout", str(repository), str(tree.root))
    _git(tree.root, "checkout", "--quiet", "--detach", tree.commit)
    if _set_up(tree, offline=True):
        shutil.rmtree(tree.root / ".venv", ignore_errors=True)
        failure = _set_up(tree, offline=False)
        if failure:
            raise NoTree(f"scripts/setup of {tree.name} failed:\n{failure}")


def _set_up(tree: Tree, *, offline: bool) -> str:
    """Run the tree's `scripts/setup`. Return its output if it failed, else an empty string.

    Offline, all packages come from uv's cache. uv itself has to be in the environment first, or `scripts/setup` would
    get it from the package index.
    """
    environment = _inherited()
    if offline:
        environment["UV_OFFLINE"] = "1"
        place = str(tree.root / ".venv")
        for command in (
            [uv(), "venv", "--quiet", "--python", sys.executable, place],
            [uv(), "pip", "install", "--quiet", "--python", place, f"uv=={uv_version()}"],
        ):
            failure = _run(command, tree.root, environment)
            if failure:
                return failure
    return _run([tree.root / "scripts" / "setup"], tree.root, environment)


def _run(command: Sequence[str | Path], cwd: Path, environment: Mapping[str, str]) -> str:
    try:
        _, status, said = finished(command, cwd=cwd, env=environment)
    except OSError as error:
        return str(error)
    return said.strip()[-2000:] or f"exit status {status} without output" if status else ""


def _git(repository: Path, *arguments: str) -> str:
    command = ["git", "-C", str(repository), *arguments]
    try:
        ended = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    except FileNotFoundError as error:
        raise NoTree("Comparing with another commit needs git, which is not on PATH.") from error
    if ended.returncode:
        raise NoTree(f"`git {arguments[0]}` in {repository} failed: {ended.stderr.strip() or 'no reason given'}")
    return ended.stdout.strip()


def _inherited() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in _NOT_INHERITED}
