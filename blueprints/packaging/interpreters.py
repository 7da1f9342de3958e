"""Finds a Python of a version on this machine, by running each candidate until one answers with that version.

`uv python find 3.13` fails at the first candidate that does not start, such as a pyenv shim of an inactive version.
findpython lists every program of every folder in PATH, and has to be imported in every build: together they take longer
than the rest of a build in which nothing changed.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from blueprints.errors import BlueprintError

_ANSWER_SECONDS = 20.0
_QUESTION = """
import json, platform, sys, sysconfig
print(json.dumps({
    "version": platform.python_version(),
    "platform": sysconfig.get_platform(),
    "libc": "".join(platform.libc_ver()),
    "plain": sys.implementation.name == "cpython" and not sysconfig.get_config_var("Py_GIL_DISABLED"),
}))
"""


@dataclass(frozen=True)
class Interpreter:
    """A Python that was run and has answered."""

    path: Path
    version: str
    """The full version, such as `3.13.0`."""
    platform: str
    """As sysconfig has it, such as `linux-x86_64` or `macosx-14.0-arm64`."""
    libc: str
    """`glibc2.36`, or empty for another C library."""

    @property
    def minor(self) -> str:
        """The version without its patch level, such as `3.13`."""
        return ".".join(self.version.split(".")[:2])

    @property
    def tag(self) -> str:
        """A name for the interpreters that can share packages, such as `cp3.13.0-linux-x86_64-glibc2.36`."""
        return "-".join(part for part in (f"cp{self.version}", self.platform, self.libc) if part)


@dataclass(frozen=True)
class StandIn:
    """The interpreter that runs a function on this machine, and whether it has the version of the template."""

    interpreter: Interpreter
    wanted: str
    is_wanted: bool

    def __str__(self) -> str:
        if self.is_wanted:
            return f"Python {self.interpreter.version} on {self.interpreter.platform}"
        found = f"Python {self.interpreter.version} on {self.interpreter.platform}"
        return f"{found}, standing in for Python {self.wanted}, which this machine does not have"


def find(version: str) -> Interpreter | None:
    """The first interpreter of a version, such as `3.13`, that answers; None if this machine has none."""
    return _find(version, os.environ.get("PATH", ""), os.environ.get("PYENV_ROOT", ""))


def stand_in(version: str) -> StandIn:
    """The interpreter of a version, such as `3.13`, or else the interpreter that runs the tools."""
    found = find(version)
    if found:
        return StandIn(found, version, is_wanted=True)
    return StandIn(current(), version, is_wanted=False)


@cache
def current() -> Interpreter:
    """The interpreter that runs the tools."""
    answer = ask(Path(sys.executable))
    if answer is None:
        raise BlueprintError(
            f"{sys.executable}, which runs these tools, is not a regular CPython interpreter.",
            advice="Install the tools with a regular CPython of version 3.11 or later.",
        )
    return answer


@cache
def prefixes(executable: Path) -> tuple[Path, ...]:
    """The folders that an interpreter needs: of its installation, and of its virtual environment if it has one."""
    homes = [executable.parent, executable.resolve().parent]
    settings = executable.parent.parent / "pyvenv.cfg"
    if settings.is_file():
        lines = (line.partition("=") for line in settings.read_text(encoding="utf-8").splitlines())
        homes += [Path(value.strip()) for name, _, value in lines if name.strip() == "home"]
    return tuple(dict.fromkeys(home.parent for home in homes))


@cache
def _find(version: str, path: str, pyenv_root: str) -> Interpreter | None:
    for candidate in _candidates(version, path, pyenv_root):
        answer = ask(candidate)
        if answer and answer.minor == version:
            return answer
    return None


def _candidates(version: str, path: str, pyenv_root: str) -> Iterator[Path]:
    yield from _newest_first(_uv_folder(), f"cpython-{version}.*/bin/python{version}")
    for root in dict.fromkeys([pyenv_root, str(Path.home() / ".pyenv")]):
        if root:
            yield from _newest_first(Path(root) / "versions", f"{version}.*/bin/python{version}")
    for folder in dict.fromkeys(path.split(os.pathsep)):
        candidate = Path(folder or os.curdir, f"python{version}")
        if candidate.is_file():
            yield candidate.absolute()
    yield Path(sys.executable)


def _newest_first(folder: Path, pattern: str) -> list[Path]:
    def numbers(path: Path) -> list[int]:
        name = path.relative_to(folder).parts[0]
        return [int(part) for part in name.replace("-", ".").split(".") if part.isdigit()]

    return sorted(folder.glob(pattern), key=numbers, reverse=True)


def _uv_folder() -> Path:
    """The folder of the Pythons that uv manages. Asking uv would start a process."""
    chosen = os.environ.get("UV_PYTHON_INSTALL_DIR")
    if chosen:
        return Path(chosen)
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(data) / "uv" / "python"


@cache
def ask(executable: Path) -> Interpreter | None:
    """Run a candidate. None if it fails, does not answer in time, or is not a regular CPython."""
    facts = _ask_cached(executable)
    if facts is None or not facts["plain"]:
        return None
    return Interpreter(executable, facts["version"], facts["platform"], facts["libc"])


def _ask_cached(executable: Path) -> dict[str, Any] | None:
    """The answer of a program, from the cache if the program has not changed, as running it takes long."""
    from blueprints import cache as disk

    try:
        state = executable.resolve().stat()
    except OSError:
        return None
    # A shim of a version manager is a script that stays the same while its answer changes with the environment.
    if executable.parent.name == "shims":
        return _run(executable)
    name = disk.digest(_QUESTION, str(executable), str(executable.resolve()), f"{state.st_mtime_ns} {state.st_size}")
    kept = disk.folder("interpreters") / f"{name[:32]}.json"
    try:
        return dict(json.loads(kept.read_bytes()))
    except (OSError, ValueError):
        facts = _run(executable)
    if facts is not None:
        fresh = kept.with_suffix(f".{os.getpid()}")
        fresh.write_text(json.dumps(facts))
        fresh.replace(kept)
    return facts


def _run(executable: Path) -> dict[str, Any] | None:
    """Run a candidate. Failures are not cached, as they may be repaired before the next time."""
    try:
        answer = subprocess.run(
            [executable, "-I", "-S", "-c", _QUESTION],
            capture_output=True,
            check=True,
            timeout=_ANSWER_SECONDS,
            stdin=subprocess.DEVNULL,
        )
        return dict(json.loads(answer.stdout))
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
