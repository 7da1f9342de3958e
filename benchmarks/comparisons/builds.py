"""`blueprints build` and `sam build` of one pattern, each as a whole process.

Each builds a copy of the pattern whose handler changes before every build. `sam build` has a warm pip cache and a local
wheel of the shared package, and builds for the same platform with the same interpreter.
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
from benchmarks.harness import Bench, Sample, Unavailable, Variant
from benchmarks.processes import ROOT, run_measured
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
    """Yield three cases: only the handler changed, only downloads are cached, and nothing changed."""
    try:
        interpreter = python_of_functions()
        sam = peers.sam(bench.progress)
    except Unavailable as reason:
        yield from (Missing(case, str(reason)) for case, *_ in _CASES)
        return
    bench.uses("aws-sam-cli", peers.AWS_SAM_CLI)
    bench.uses("handlers' Python", interpreter.version)
    with tempfile.TemporaryDirectory(dir=cache.folder("benchmarks")) as folder:
        folders = BuildFolders(Path(folder), sam, interpreter.path)
        variants = {
            "sam": Variant("sam build", folders.sam_build),
            "changed": Variant("ours, handler changed", folders.handler_changed),
            "downloads": Variant("ours, from downloads", folders.from_downloads),
            "sam_cached": Variant("sam build --cached", folders.sam_build_cached),
            "unchanged": Variant("ours, unchanged", folders.nothing_changed),
        }
        timed = bench.measure("s3-image-processing", variants, rounds=3 if bench.quick else 5)
    for case, peer, ours, times in _CASES:
        pair = {"peer": timed[peer], "ours": timed[ours]}
        yield Claim(f"build: {case}", pair, measure="wall", target=Target("faster", times))


def python_of_functions() -> Interpreter:
    """Return the interpreter of the functions' runtime, which `sam build` needs. Raises `Unavailable` without one."""
    interpreter = find(_PYTHON)
    if interpreter is None:
        raise Unavailable(f"there is no Python {_PYTHON} on this machine, and sam build needs it")
    return interpreter


class BuildFolders:
    """Copies of the pattern to change and to build, one for each tool."""

    def __init__(self, folder: Path, sam: Path, python: Path) -> None:
        """`python` is the interpreter of the functions' runtime; sam uses the first one on PATH."""
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
        """Run `sam build` after the handler changed."""
        self._change(self._theirs)
        return self._built_by_sam(self._theirs, [])

    def sam_build_cached(self) -> Sample:
        """Run `sam build --cached` with nothing changed."""
        return self._built_by_sam(self._still, ["--cached"])

    def handler_changed(self) -> Sample:
        """Run `blueprints build` after the handler changed."""
        self._change(self._ours)
        return self._built(self._ours)

    def nothing_changed(self) -> Sample:
        """Run `blueprints build` with nothing changed."""
        return self._built(self._still)

    def from_downloads(self) -> Sample:
        """Run `blueprints build` with an empty cache; the downloaded packages are in uv's cache."""
        self._change(self._ours)
        with tempfile.TemporaryDirectory(dir=self._folder) as empty:
            return self._built(self._ours, BLUEPRINTS_CACHE=empty)

    def _built(self, pattern: Path, **environment: str) -> Sample:
        output = self._folder / f"{pattern.name}-built"
        command: list[str | Path] = [Path(sys.executable).with_name("blueprints"), "build", pattern, "--output", output]
        sample = run_measured(command, env={**os.environ, **environment})
        _expect(output, "*/*.zip")
        return sample

    def _built_by_sam(self, pattern: Path, options: list[str]) -> Sample:
        # sam records what it built beside the build folder; `--cached` works only if each copy has its own record.
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
        sample = run_measured(command, cwd=self._folder, env=self._sam_environment)
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
