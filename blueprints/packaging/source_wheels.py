"""Builds wheels of pure Python packages that publish only their source.

pyvips 3 needs special care: if libvips is installed, a build links to it. If libvips is hidden, the build is pure
Python, which loads the library of `pyvips-binary` at run time on any machine. With `--only-binary`, uv would install
pyvips 2.1, which has no libvips, and report success.
"""

import os
from pathlib import Path

from blueprints import cache
from blueprints.errors import BlueprintError, at
from blueprints.packaging import installer
from blueprints.packaging.interpreters import current
from blueprints.packaging.lock import Lock, normal
from blueprints.progress import Report

FROM_SOURCE = frozenset({"pyvips"})

_PURE = "py3-none-any"
_CONSTRAINTS = Path(__file__).with_name("build_constraints.txt")


class BoundToThisMachine(BlueprintError):
    """The source of a package builds a wheel that runs only on this machine."""


def pure_package(lock: Lock, name: str, report: Report | None = None) -> Path:
    """A folder with one package of the lock, built once from its source as pure Python."""
    line = dict(lock.requirements)[name]
    place = cache.folder("source-wheels") / cache.digest(line, _CONSTRAINTS.read_bytes())[:32]

    def make(fresh: Path) -> None:
        if report:
            report(f"building {line.split()[0]} from source")
        _install(lock, name, fresh, report, {})
        if name in FROM_SOURCE and _tags(fresh) != {_PURE}:
            # uv has it in its cache, built with libvips: build it again in another cache.
            cache.clear(fresh)
            _install(lock, name, fresh, report, {"UV_CACHE_DIR": str(cache.folder("source-builds"))})
        if not all(tag.endswith("-none-any") for tag in _tags(fresh)):
            raise BoundToThisMachine(
                f"{name} built from source is tagged {', '.join(sorted(_tags(fresh))) or 'nothing'}, not {_PURE}.",
                where=at(lock.path),
                advice="It is linked to libraries of this machine: remove libvips' development files and build again."
                if name in FROM_SOURCE
                else "It publishes no wheel for Lambda, and its source builds one for this machine only. Use a "
                "version that publishes a wheel, or another package.",
            )

    cache.made_once(place, make)
    return place


def without_wheel(error: BlueprintError) -> str:
    """The package that has no wheel, if that is what the error reports; otherwise an empty string."""
    found = installer.NO_WHEEL.search(" ".join(str(error).split()))
    return normal(found[1]) if found else ""


def _install(lock: Lock, name: str, into: Path, report: Report | None, environment: dict[str, str]) -> None:
    constraints = ["--build-constraints", str(_CONSTRAINTS)] if name in FROM_SOURCE else []
    hidden = {"PKG_CONFIG_LIBDIR": os.devnull, "PKG_CONFIG_PATH": "", "PKG_CONFIG_SYSROOT_DIR": ""}
    options = ["--python", str(current().path), "--no-binary", name, *constraints]
    with cache.scratch() as work:
        alone = work / "requirements.txt"
        lock.write(alone, {name})
        installer.install(alone, into, options, report, subject=at(lock.path), environment={**hidden, **environment})


def _tags(folder: Path) -> set[str]:
    """The tags of the installed wheels: the Pythons and platforms that they are for."""
    lines = (line for wheel in folder.glob("*.dist-info/WHEEL") for line in wheel.read_text().splitlines())
    return {line.removeprefix("Tag:").strip() for line in lines if line.startswith("Tag:")}
