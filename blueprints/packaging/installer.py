"""Runs uv, first with its cache alone, then with the network if that is not enough."""

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from blueprints.cache import folder
from blueprints.errors import BlueprintError, at
from blueprints.progress import Report

_UNREACHABLE = (
    "network was disabled",
    "Network connectivity is disabled",
    "error sending request",
    "dns error",
    "client error (Connect)",
    "operation timed out",
)
NO_WHEEL = re.compile(r"Wheels are required for `([^`]+)` because building from source is disabled")
_NAMED_BY_UV = (
    re.compile(r"Because (\S+) was not found in"),
    re.compile(r"Failed to (?:download|fetch|build|prepare)[^`\n]*`([^`\n]+)`"),
    re.compile(r"Failed to fetch: `?\S+?/simple/([^/\s]+)/"),
    re.compile(r"Because (\S+) has no usable wheels"),
    NO_WHEEL,
    re.compile(r"Because (\S+) has no wheels with"),
    re.compile(r"there is no version of (\S+)"),
    re.compile(r"Hash mismatch for `([^`]+)`"),
)


@cache
def uv() -> str:
    """The path of the uv that is installed with the tools."""
    from uv import find_uv_bin

    return str(find_uv_bin())


@cache
def uv_version() -> str:
    """uv's version, such as `0.13.9`."""
    # importlib.metadata would tell as well, but its import costs a fifth of a build that has nothing to do.
    import uv as package

    (about,) = Path(package.__file__).parents[1].glob("uv-*.dist-info")
    return about.name.removeprefix("uv-").removesuffix(".dist-info")


def install(
    requirements: Path,
    into: Path,
    options: Sequence[str],
    report: Report | None = None,
    *,
    subject: str | None = None,
    environment: Mapping[str, str] | None = None,
) -> None:
    """Install pinned packages into a folder without resolving. `options` name the Python and the platform."""
    command = ["pip", "install", "--no-deps", "--no-progress", "--no-compile-bytecode", "--target", str(into)]
    command += ["-r", str(requirements.absolute()), *options]
    run(command, subject=subject or at(requirements), report=report, environment=environment)


def run(
    arguments: Sequence[str],
    *,
    subject: str,
    report: Report | None = None,
    environment: Mapping[str, str] | None = None,
    verb: str = "install",
) -> str:
    """Run uv without the network, which takes milliseconds if everything is cached, and with it if that fails.

    `subject` and `verb` describe the work in errors. Returns uv's output. Raises BlueprintError if uv fails.
    """
    succeeded, offline = _run([*arguments, "--offline"], None, environment)
    if succeeded:
        return offline
    if report:
        report(f"downloading what {subject} names")
    succeeded, online = _run(arguments, report, environment)
    if succeeded:
        return online
    raise _explain(online, offline, subject, verb)


def _run(arguments: Sequence[str], report: Report | None, environment: Mapping[str, str] | None) -> tuple[bool, str]:
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
                if line.startswith("Using CPython"):
                    continue
                said.append(line)
                if report and line.lstrip().startswith(("Downloading", "Downloaded", "Building", "Built")):
                    report(line.strip())
        except BaseException:
            process.kill()
            raise
    return process.returncode == 0, "".join(said)


def _explain(online: str, offline: str, subject: str, verb: str) -> BlueprintError:
    if any(sign in online for sign in _UNREACHABLE):
        missing = _package_named_in(offline) or _package_named_in(online) or "a package"
        return BlueprintError(
            f"{missing} is not in the download cache, and the package index cannot be reached.",
            where=subject,
            advice="Connect to the network once and run this again; afterwards it works without.\n\n" + online.rstrip(),
        )
    return BlueprintError(
        f"uv could not {verb} {_package_named_in(online) or 'the packages'}.",
        where=subject,
        advice="uv says:\n" + online.rstrip(),
    )


def _package_named_in(said: str) -> str | None:
    """The package that uv's output names; uv wraps lines at the terminal's width."""
    flat = " ".join(said.split())
    for pattern in _NAMED_BY_UV:
        found = pattern.search(flat)
        if found:
            return found.group(1)
    return None
