"""Installs exactly what a lock names into a folder with uv: from its cache where possible, else from the index."""

import os
import re
import subprocess
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path

from blueprints.errors import BlueprintError, at
from blueprints.packaging.cache import folder

Progress = Callable[[str], None]

_UNREACHABLE = (
    "network was disabled",
    "Network connectivity is disabled",
    "error sending request",
    "dns error",
    "client error (Connect)",
    "operation timed out",
)
_NAMED_BY_UV = (
    re.compile(r"Because (\S+) was not found in the cache"),
    re.compile(r"Failed to (?:download|fetch|build|prepare)[^`\n]*`([^`\n]+)`"),
    re.compile(r"Failed to fetch: `?\S+?/simple/([^/\s]+)/"),
    re.compile(r"you require (\S+?)[,\s]"),
)


@cache
def uv() -> str:
    """The uv that came with the tools."""
    from uv import find_uv_bin

    return str(find_uv_bin())


@cache
def uv_version() -> str:
    """Such as `0.13.9`."""
    from importlib.metadata import version

    return version("uv")


def install(
    requirements: Path,
    into: Path,
    options: Sequence[str],
    progress: Progress | None = None,
    *,
    subject: str | None = None,
    environment: Mapping[str, str] | None = None,
) -> None:
    """Installs pinned packages into a folder, resolving nothing. `options` say for which Python and platform."""
    command = ["pip", "install", "--no-deps", "--no-progress", "--no-compile-bytecode", "--target", str(into)]
    command += ["-r", str(requirements.absolute()), *options]
    run(command, subject=subject or at(requirements), progress=progress, environment=environment)


def run(
    arguments: Sequence[str],
    *,
    subject: str,
    progress: Progress | None = None,
    environment: Mapping[str, str] | None = None,
) -> None:
    """Runs uv without the network (milliseconds when all is cached), and with it only when that was not enough."""
    offline = _run([*arguments, "--offline"], None, environment)
    if offline is None:
        return
    if progress:
        progress(f"downloading what {subject} names")
    online = _run(arguments, progress, environment)
    if online is None:
        return
    raise _explained(online, offline, subject)


def _run(arguments: Sequence[str], progress: Progress | None, environment: Mapping[str, str] | None) -> str | None:
    """None on success, else what uv said."""
    # From a folder of its own: beside a pyproject.toml uv would read that project's settings.
    process = subprocess.Popen(
        [uv(), *arguments],
        cwd=folder("uv"),
        env={**os.environ, "UV_PYTHON_DOWNLOADS": "never", "NO_COLOR": "1", **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    said = []
    with process:
        try:
            for line in process.stderr or ():
                said.append(line)
                if progress and line.lstrip().startswith(("Downloading", "Downloaded", "Building", "Built")):
                    progress(line.strip())
        except BaseException:
            process.kill()
            raise
    return "".join(said) if process.returncode else None


def _explained(online: str, offline: str, subject: str) -> BlueprintError:
    if any(sign in online for sign in _UNREACHABLE):
        missing = _named(offline) or _named(online) or "a package"
        return BlueprintError(
            f"{missing} is not in the download cache, and the package index cannot be reached.",
            where=subject,
            advice="Connect to the network once and run this again; afterwards it works without.\n\n" + online.rstrip(),
        )
    return BlueprintError(
        f"uv could not install {_named(online) or 'the packages'}.",
        where=subject,
        advice="uv says:\n" + online.rstrip(),
    )


def _named(said: str) -> str | None:
    for pattern in _NAMED_BY_UV:
        found = pattern.search(said)
        if found:
            return found.group(1)
    return None
