"""Selects the files of a folder for a package, a layer, a copy or a published version, by one rule for all of them.

Leaves out what `sam build` leaves out, more files of tools and editors, virtual environments, and what .gitignore
ignores. Follows symbolic links, as `sam build` does.
"""

import errno
import os
import re
import stat
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from blueprints.errors import BlueprintError, at
from blueprints.packaging.gitignore import IgnoreRules, rules_for

# What sam build leaves out of Python functions (aws-lambda-builders, PythonPipWorkflow.EXCLUDED_FILES), except .env.
_BY_SAM = (
    ".aws-sam", ".chalice", ".git", "*.pyc", "__pycache__", ".Python", "pip-log.txt", "pip-delete-this-directory.txt",
    "htmlcov", ".tox", ".nox", ".coverage", ".cache", ".pytest_cache", ".python-version", ".mypy_cache", ".dmypy.json",
    ".pyre", ".venv", "venv", "venv.bak", "env.bak", "ENV", "env", ".vscode", ".idea",
)  # fmt: skip
_LIBRARIES_BY_SAM = ("*.so", "*.egg-info", "*.egg")
_BY_US = (
    ".blueprints", ".hypothesis", ".ruff_cache", ".pytype", ".eggs", ".ipynb_checkpoints", ".coverage.*", "*.pyo",
    ".hg", ".svn", ".bzr", ".jj", "node_modules", "cdk.out", ".serverless", ".terraform", ".direnv",
    ".vs", ".history", "*.swp", "*.swo", "*~", ".#*", ".DS_Store", "._*", "Thumbs.db", "desktop.ini",
)  # fmt: skip
_NAMES = frozenset(each for each in (*_BY_SAM, *_BY_US) if "*" not in each)
# Each pattern has its only asterisk at one end; text methods are faster than what fnmatch compiles.
_ENDINGS = tuple(each[1:] for each in (*_BY_SAM, *_BY_US) if each.startswith("*"))
_BEGINNINGS = tuple(each[:-1] for each in (*_BY_SAM, *_BY_US) if each.endswith("*"))
_LIBRARIES = tuple(each[1:] for each in _LIBRARIES_BY_SAM)
# Names that sam build leaves out although the user may want them in the package: a note says so.
_SURPRISING = re.compile(r"venv|venv\.bak|env|env\.bak|ENV|.*\.so")
_SETTINGS = re.compile(r"\.env(\..*)?|\.envrc|\.aws|\.ssh|\.gnupg", re.IGNORECASE)
_EXAMPLES = (".example", ".sample", ".template", ".dist", ".defaults")
_SHOWN = 5

Reason = Literal["settings", "ignored", "tool"]


@dataclass(frozen=True)
class SelectedFile:
    """A selected file."""

    name: str
    """Its path relative to the folder, with slashes."""
    path: Path
    program: bool
    """Whether its owner may execute it; git keeps nothing else of a file's mode."""
    linked: bool
    """Whether a symbolic link leads to it."""


@dataclass(frozen=True)
class LeftOut:
    """A file or folder that is not selected although the user may expect it."""

    name: str
    path: Path
    reason: Reason
    """`settings`: local settings, such as .env; `ignored`: .gitignore ignores it; `tool`: sam build leaves it out."""


@dataclass(frozen=True)
class Selection:
    """The selected files of a folder, sorted by name, and what is left out."""

    files: tuple[SelectedFile, ...]
    left_out: tuple[LeftOut, ...]

    def notes(self) -> Iterator[str]:
        """One line per reason, with the files and folders left out for it."""
        for reason, why in _WHY.items():
            names = [each.name for each in self.left_out if each.reason == reason]
            if names:
                more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
                yield f"left out {why}: {', '.join(names[:_SHOWN])}{more}"


_WHY: dict[Reason, str] = {
    "settings": "as local settings",
    "ignored": "because of .gitignore",
    "tool": "as sam build does",
}


def select(
    folder: Path, top: Path | None = None, *, libraries: bool = False, leave_out: Collection[Path] = ()
) -> Selection:
    """Select the files of a folder. Raises BlueprintError for broken and circular symbolic links.

    Outside a git repository, .gitignore files count from `top` (the pattern's folder) down. `leave_out` has the paths
    that the caller is going to write to. `libraries` includes compiled libraries and egg metadata: sam build leaves
    them out of a function's code, but layers and copies need them.
    """
    walk = _Walk(frozenset(leave_out), libraries=libraries)
    top = top if top is not None and folder.is_relative_to(top) else folder
    walk.enter("", folder, rules_for(folder, top), (os.path.realpath(folder),), linked=False)
    return Selection(tuple(sorted(walk.files, key=lambda each: each.name)), tuple(walk.left_out))


def holds_settings(name: str) -> bool:
    """Whether a file of this name holds local settings or passwords: `.env` and `.aws` do, `.env.example` does not."""
    return bool(_SETTINGS.fullmatch(name)) and not name.lower().endswith(_EXAMPLES)


class _Walk:
    """One walk through a folder."""

    def __init__(self, leave_out: frozenset[Path], *, libraries: bool) -> None:
        self.files: list[SelectedFile] = []
        self.left_out: list[LeftOut] = []
        self._leave_out = leave_out
        self._libraries = libraries

    def enter(self, prefix: str, folder: Path, rules: IgnoreRules, above: tuple[str, ...], *, linked: bool) -> None:
        """Select files of a folder; `above` has the real paths of this folder and of those that led to it."""
        for entry in _entries(folder):
            name, path = f"{prefix}{entry.name}", folder / entry.name
            is_folder = _is_folder(entry)
            if self._is_passed_over(entry.name, path):
                if _SURPRISING.fullmatch(entry.name) and not _is_virtual_environment(path):
                    self.left_out.append(LeftOut(name, path, "tool"))
            elif rules.ignore(entry.name, is_folder=is_folder and not entry.is_symlink()):
                self.left_out.append(LeftOut(name, path, "ignored"))
            elif is_folder and _is_virtual_environment(path):
                continue
            elif holds_settings(entry.name):
                self.left_out.append(LeftOut(name, path, "settings"))
            elif not is_folder:
                self.files.append(_file(name, path, linked=linked or entry.is_symlink()))
            else:
                self._enter_subfolder(f"{name}/", path, rules, above, linked=linked or entry.is_symlink())

    def _enter_subfolder(
        self, prefix: str, folder: Path, rules: IgnoreRules, above: tuple[str, ...], *, linked: bool
    ) -> None:
        real = os.path.realpath(folder) if folder.is_symlink() else f"{above[-1]}/{folder.name}"
        if any(f"{each}/".startswith(f"{real}/") for each in above):
            raise _circle(folder)
        self.enter(prefix, folder, rules.below(folder.name, folder), (*above, real), linked=linked)

    def _is_passed_over(self, name: str, path: Path) -> bool:
        of_a_tool = name in _NAMES or name.endswith(_ENDINGS) or name.startswith(_BEGINNINGS)
        return of_a_tool or path in self._leave_out or (not self._libraries and name.endswith(_LIBRARIES))


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as listed:
            return sorted(listed, key=lambda entry: entry.name)
    except PermissionError as error:
        raise _unreadable(folder, error) from None


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False  # a link to itself; it is refused as a file


def _is_virtual_environment(path: Path) -> bool:
    return (path / "pyvenv.cfg").is_file()


def _file(name: str, path: Path, *, linked: bool) -> SelectedFile:
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise _unreadable(path, error) from None
    if not stat.S_ISREG(mode):
        raise BlueprintError(
            "This is neither a file nor a folder, so it can't be packaged.",
            where=at(path),
            advice="Remove it, or add it to .gitignore.",
        )
    if not os.access(path, os.R_OK):
        raise _unreadable(path, PermissionError(errno.EACCES, os.strerror(errno.EACCES)))
    try:
        name.encode()
    except UnicodeEncodeError:
        raise BlueprintError(
            "This file's name is not UTF-8, as names in a package must be.",
            where=ascii(str(path)),
            advice="Rename it, or add it to .gitignore.",
        ) from None
    return SelectedFile(name, path, bool(mode & stat.S_IXUSR), linked)


def _unreadable(path: Path, error: OSError) -> BlueprintError:
    if not path.is_symlink() or path.exists():
        return BlueprintError(f"It can't be read: {error.strerror}.", where=at(path), advice="Change its permissions.")
    return BlueprintError(
        f"This symbolic link is broken: it points to {path.readlink()}.",
        where=at(path),
        advice="Point it at a file or folder, remove it, or add it to .gitignore.",
    )


def _circle(path: Path) -> BlueprintError:
    return BlueprintError(
        f"This symbolic link is circular: it points to {path.readlink()}, a folder that contains it.",
        where=at(path),
        advice="Point it elsewhere, remove it, or add it to .gitignore.",
    )
