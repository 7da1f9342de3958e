"""Installs other projects' tools to compare with: each into its own environment in the cache, when first needed."""

import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.harness import Progress, Unavailable
from blueprints import cache
from blueprints.packaging.installer import uv

AWS_SAM_CLI = "1.170.0"
SHARP = "0.35.5"


def sam(progress: Progress) -> Path:
    """Return the path of AWS SAM CLI's `sam`. Raises `Unavailable` if it cannot be installed."""
    place = cache.folder("benchmarks") / f"aws-sam-cli-{AWS_SAM_CLI}"
    command = place / "bin" / "sam"
    if not (place / ".installed").exists():
        progress(f"installing aws-sam-cli {AWS_SAM_CLI} into the cache (once)")
        shutil.rmtree(place, ignore_errors=True)
        _run([uv(), "venv", "--quiet", "--python", sys.executable, place], "aws-sam-cli")
        wanted = f"aws-sam-cli=={AWS_SAM_CLI}"
        _run([uv(), "pip", "install", "--quiet", "--compile-bytecode", "--python", place, wanted], "aws-sam-cli")
        (place / ".installed").touch()
    return command


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
