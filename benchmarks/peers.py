"""Installs other projects' tools to compare with: each into its own environment in the cache, when first needed."""

import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.harness import Progress, Unavailable
from blueprints import cache
from blueprints.packaging.installer import uv

AWS_SAM_CLI = "1.170.0"
MOTO = "5.2.5"
SHARP = "0.35.5"


def sam(progress: Progress) -> Path:
    """Return the path of AWS SAM CLI's `sam`. Raises `Unavailable` if it cannot be installed."""
    return _python_tool(progress, "aws-sam-cli", AWS_SAM_CLI) / "sam"


def moto(progress: Progress) -> Path:
    """Return the path of moto's `moto_server`. Raises `Unavailable` if it cannot be installed."""
    return _python_tool(progress, "moto", MOTO, extras="[server,stepfunctions]") / "moto_server"


def _python_tool(progress: Progress, name: str, version: str, extras: str = "") -> Path:
    """Return the folder with the commands of a Python package in an environment of its own."""
    place = cache.folder("benchmarks") / f"{name}-{version}"
    if not (place / ".installed").exists():
        progress(f"installing {name} {version} into the cache (once)")
        shutil.rmtree(place, ignore_errors=True)
        _run([uv(), "venv", "--quiet", "--python", sys.executable, place], name)
        wanted = f"{name}{extras}=={version}"
        _run([uv(), "pip", "install", "--quiet", "--compile-bytecode", "--python", place, wanted], name)
        (place / ".installed").touch()
    return place / "bin"


def node() -> str:
    """Return the path of Node.js. Raises `Unavailable` without it."""
    found = shutil.which("node")
    if not found:
        raise Unavailable("Node.js is not on this machine")
    return found


def sharp(progress: Progress) -> Path:
    """Return the folder of a Node.js project with sharp installed. Raises `Unavailable` if that is not possible."""
    node()
    npm = shutil.which("npm")
    if not npm:
        raise Unavailable("npm is not on this machine")
    place = cache.folder("benchmarks") / f"sharp-{SHARP}"

    def make(fresh: Path) -> None:
        progress(f"installing sharp {SHARP} into the cache (once)")
        (fresh / "package.json").write_text('{"private": true}\n', encoding="utf-8")
        _run([npm, "install", "--no-audit", "--no-fund", "--prefix", fresh, f"sharp@{SHARP}"], "sharp")

    cache.made_once(place, make)
    return place


def _run(command: list[str | Path], name: str) -> None:
    finished = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if finished.returncode:
        raise Unavailable(f"{name} could not be installed: {(finished.stderr.strip() or 'no reason given')[-300:]}")
