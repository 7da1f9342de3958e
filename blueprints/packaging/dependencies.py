"""The packages that a lock names, installed and compressed to archive entries; cached by lock and target."""

import json
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from blueprints import cache
from blueprints.errors import BlueprintError, at
from blueprints.packaging import archive, binaries, installer, shared_wheel
from blueprints.packaging.bytecode import compile_folder
from blueprints.packaging.completeness import missing
from blueprints.packaging.lock import SHARED, Lock
from blueprints.packaging.source_wheels import FROM_SOURCE, BoundToThisMachine, pure_package, without_wheel
from blueprints.packaging.targets import Target
from blueprints.progress import Report

TASK = "/var/task"
"""The folder that Lambda unpacks a function to; tracebacks name files in it."""

# Times, absolute paths and the installer's notes, which differ between builds and which no running code reads.
_LEFT_OUT = re.compile(
    r"""(^|/)__pycache__/ | \.py[co]$ | ^bin/ | ^\.lock$
    | \.dist-info/(RECORD|INSTALLER|REQUESTED|WHEEL|direct_url\.json|uv_cache\.json|uv_build\.json)$""",
    re.VERBOSE,
)
_ARCHIVE, _MISSING = "entries.zip", "missing.json"
_KEPT = 16


def key(lock: Lock, wheel: Path | None, target: Target) -> str:
    """A digest of everything that the installed files depend on: lock, wheel of the shared package, target."""
    return cache.digest(lock.digest, wheel.read_bytes() if wheel else b"", target.digest)


@dataclass(frozen=True)
class Dependencies:
    """The installed, compiled and compressed files of a lock."""

    entries: list[archive.Entry]
    missing: list[str]
    """Packages that the lock lacks although its packages need them."""


def lacking(lock: Lock, wheel: Path | None, target: Target, report: Report | None = None) -> list[str]:
    """Packages that the lock lacks although its packages need them."""
    found: list[str] = json.loads((_install_once(lock, wheel, target, report) / _MISSING).read_text())
    return found


def dependencies(lock: Lock, wheel: Path | None, target: Target, report: Report | None = None) -> Dependencies:
    """Install a lock for a target, or take the result from the cache."""
    place = _install_once(lock, wheel, target, report)
    return Dependencies(archive.read((place / _ARCHIVE).read_bytes()), json.loads((place / _MISSING).read_text()))


def _install_once(lock: Lock, wheel: Path | None, target: Target, report: Report | None) -> Path:
    """The cache folder of what a lock installs, filled if it does not exist."""
    place = cache.folder("dependencies") / key(lock, wheel, target)[:32]

    def make(fresh: Path) -> None:
        with cache.scratch() as work:
            site = work / "site"
            site.mkdir()
            _install(lock, target, site, wheel, report)
            _check(lock, target, site)
            absent = [] if lock.resolved else missing(lock, target, wheel)
            (fresh / _ARCHIVE).write_bytes(archive.write(_compress(site, target, report)))
            (fresh / _MISSING).write_text(json.dumps(absent), encoding="utf-8")

    if cache.made_once(place, make):
        cache.keep_newest(place.parent, _KEPT)
    else:
        place.touch()
    return place


def _install(lock: Lock, target: Target, site: Path, wheel: Path | None, report: Report | None) -> None:
    names = set(lock.names())
    if wheel:
        names.discard(SHARED)
        shared_wheel.unpack(wheel, site)
    for name in sorted(names & FROM_SOURCE):
        names.discard(name)
        shutil.copytree(pure_package(lock, name, report), site, dirs_exist_ok=True)
    _install_wheels(lock, names, target, site, report)
    for path in sorted(site.rglob("*"), reverse=True):
        if path.is_dir():
            if not any(path.iterdir()):
                path.rmdir()
        elif _LEFT_OUT.search(path.relative_to(site).as_posix()):
            path.unlink()


def _install_wheels(lock: Lock, names: set[str], target: Target, site: Path, report: Report | None) -> None:
    """Install packages from wheels. A package without a wheel is built from source if it is pure Python."""
    requirements = site.parent / "requirements.txt"
    while names:
        lock.write(requirements, names)
        try:
            installer.install(requirements, site, [*target.options, *_fresh(lock)], report, subject=at(lock.path))
        except BlueprintError as error:
            name = without_wheel(error)
            if name not in names:
                raise _for_target(error, target) from None
            try:
                package = pure_package(lock, name, report)
            except BoundToThisMachine:
                raise
            except BlueprintError:
                raise _for_target(error, target) from None
        else:
            return
        names.discard(name)
        shutil.copytree(package, site, dirs_exist_ok=True)


def _fresh(lock: Lock) -> list[str]:
    """Options that make uv rebuild local packages: by itself it only notices changes of their project files."""
    folders = [name for name, place in lock.local_places().items() if place.is_dir()]
    return [part for name in folders for part in ("--refresh-package", name, "--no-binary", name)]


def _compress(site: Path, target: Target, report: Report | None) -> list[archive.Entry]:
    """Compile and compress in parallel: both take about the same time, and zlib releases the GIL."""
    with ThreadPoolExecutor() as pool:
        sources = [pool.submit(archive.file_entry, site, path) for path in archive.files(site)]
        if target.interpreter:
            if report:
                report(f"compiling the dependencies for Python {target.interpreter.version}")
            compile_folder(site, TASK, target.interpreter)
        compiled = [archive.file_entry(site, path) for path in archive.files(site) if path.suffix == ".pyc"]
        return [*(each.result() for each in sources), *compiled]


def _for_target(error: BlueprintError, target: Target) -> BlueprintError:
    """The error with the Python and the platform for which the installation failed."""
    name = target.platform or "this machine"
    return BlueprintError(f"For Python {target.python} on {name}: {error.what}", where=error.where, advice=error.advice)


def _check(lock: Lock, target: Target, site: Path) -> None:
    wrong = binaries.misfits(site, target)
    if wrong:
        raise BlueprintError(
            f"The packages do not fit Python {target.python} on {target.machine}:\n  " + "\n  ".join(wrong),
            where=at(lock.path),
            advice="Pin versions of these packages that publish wheels for that platform.",
        )
