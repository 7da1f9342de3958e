"""Packaging a function for Lambda, as a person waits for it: the command from start to end.

The pattern is copied, its handler changed before every build. `sam build` has pip's cache warm and the wheel of the
shared package at hand, and builds for the same platform with the same interpreter.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterable
from itertools import count
from pathlib import Path

from benchmarks import peers
from benchmarks.claims import Claim, Missing, Target
from benchmarks.harness import Bench, Sample, Unavailable, Way
from benchmarks.processes import ROOT, whole
from blueprints import cache
from blueprints.packaging.interpreters import Interpreter, find
from blueprints.packaging.shared_wheel import shared_wheel

TITLE = "Package for Lambda"

_PATTERN = ROOT / "patterns" / "s3-image-processing"
_HANDLER = Path("src", "render_image.py")
_PYTHON = "3.13"
_CASES = (
    ("only the handler changed", "sam", "changed", 25),
    ("nothing but the downloads cached", "sam", "downloads", 5),
    ("nothing changed", "sam_cached", "unchanged", 10),
)


def compare(bench: Bench) -> Iterable[Claim | Missing]:
    """Ours when only the handler changed, from the download cache, and with nothing to do."""
    try:
        interpreter = python_of_functions()
        sam = peers.sam(bench.progress)
    except Unavailable as reason:
        yield from (Missing(case, str(reason)) for case, *_ in _CASES)
        return
    bench.uses("aws-sam-cli", peers.AWS_SAM_CLI)
    bench.uses("handlers' Python", interpreter.version)
    with tempfile.TemporaryDirectory(dir=cache.folder("benchmarks")) as folder:
        workshop = Workshop(Path(folder), sam, interpreter.path)
        ways = {
            "sam": Way("sam build", workshop.sam_build),
            "changed": Way("ours, handler changed", workshop.handler_changed),
            "downloads": Way("ours, from downloads", workshop.from_downloads),
            "sam_cached": Way("sam build --cached", workshop.sam_build_cached),
            "unchanged": Way("ours, unchanged", workshop.nothing_changed),
        }
        timed = bench.measure("s3-image-processing", ways, rounds=3 if bench.quick else 5)
    for case, peer, ours, times in _CASES:
        pair = {"peer": timed[peer], "ours": timed[ours]}
        yield Claim(f"build: {case}", pair, measure="wall", target=Target("faster", times))


def python_of_functions() -> Interpreter:
    """Return the interpreter of the functions' runtime, which `sam build` needs. Raises `Unavailable` without one."""
    interpreter = find(_PYTHON)
    if interpreter is None:
        raise Unavailable(f"there is no Python {_PYTHON} on this machine, and sam build needs it")
    return interpreter


class Workshop:
    """A copy of the pattern to change and to build, for each tool one."""

    def __init__(self, folder: Path, sam: Path, python: Path) -> None:
        """`python` is the interpreter of the functions' runtime; sam takes the one that comes first on PATH."""
        self._folder, self._sam = folder, sam
        self._ours, self._theirs, self._still = (self._copy(name) for name in ("ours", "theirs", "still"))
        self._numbers = count()
        path = os.pathsep.join([str(self._put_first(python)), os.environ.get("PATH", "")])
        wheel = shared_wheel()
        assert wheel
        links = " ".join(filter(None, [os.environ.get("PIP_FIND_LINKS"), str(wheel.parent)]))
        self._sam_environment = {
            **os.environ,
            "PATH": path,
            "PIP_FIND_LINKS": links,
            "SAM_CLI_TELEMETRY": "0",
            "AWS_DEFAULT_REGION": "us-east-1",
        }

    def sam_build(self) -> Sample:
        """`sam build` after a change of the handler."""
        self._change(self._theirs)
        return self._built_by_sam(self._theirs, [])

    def sam_build_cached(self) -> Sample:
        """`sam build --cached` with nothing to do."""
        return self._built_by_sam(self._still, ["--cached"])

    def handler_changed(self) -> Sample:
        """Ours after a change of the handler."""
        self._change(self._ours)
        return self._built(self._ours)

    def nothing_changed(self) -> Sample:
        """Ours with nothing to do."""
        return self._built(self._still)

    def from_downloads(self) -> Sample:
        """Ours with a cache of its own that is empty; what was downloaded before lies in uv's cache."""
        self._change(self._ours)
        with tempfile.TemporaryDirectory(dir=self._folder) as empty:
            return self._built(self._ours, BLUEPRINTS_CACHE=empty)

    def _built(self, pattern: Path, **environment: str) -> Sample:
        output = self._folder / f"{pattern.name}-built"
        command: list[str | Path] = [Path(sys.executable).with_name("blueprints"), "build", pattern, "--output", output]
        sample = whole(command, env={**os.environ, **environment})
        _expect(output, "*/*.zip")
        return sample

    def _built_by_sam(self, pattern: Path, options: list[str]) -> Sample:
        # Beside the build folder sam keeps a record of what it built; each copy needs its own for `--cached` to hold.
        output = self._folder / f"{pattern.name}-sam" / "build"
        command: list[str | Path] = [
            self._sam,
            "build",
            *options,
            "--template",
            pattern / "template.yaml",
            "--build-dir",
            output,
        ]
        command += ["--cache-dir", self._folder / "sam-cache"] if options else []
        sample = whole(command, cwd=self._folder, env=self._sam_environment)
        _expect(output, "RenderImage/render_image.py")
        return sample

    def _copy(self, name: str) -> Path:
        copy = self._folder / name
        shutil.copytree(_PATTERN, copy, ignore=shutil.ignore_patterns("__pycache__", ".aws-sam", "samconfig.toml"))
        return copy

    def _change(self, pattern: Path) -> None:
        handler = pattern / _HANDLER
        original = (_PATTERN / _HANDLER).read_text(encoding="utf-8")
        handler.write_text(f"{original}\n# change {next(self._numbers)}\n", encoding="utf-8")

    def _put_first(self, python: Path) -> Path:
        folder = self._folder / "bin"
        folder.mkdir()
        (folder / f"python{_PYTHON}").symlink_to(python)
        return folder


def _expect(folder: Path, what: str) -> None:
    if not any(folder.glob(what)):
        raise RuntimeError(f"a build succeeded without making {what}")
