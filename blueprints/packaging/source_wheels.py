"""Builds wheels of packages that publish only their source, and are pure Python.

Many old packages need nothing special. pyvips 3 does: built where libvips is installed, it links to that library; built
with libvips hidden, it is pure Python that loads the library of `pyvips-binary` at run time, on any machine. With
`--only-binary`, uv would silently take pyvips 2.1, which comes without libvips, and report success.
"""

import os
from pathlib import Path

from blueprints import cache
from blueprints.errors import BlueprintError, at
from blueprints.packaging import installer
from blueprints.packaging.interpreters import current
from blueprints.packaging.lock import Lock, normal

FROM_SOURCE = frozenset({"pyvips"})

_PURE = "py3-none-any"
_CONSTRAINTS = Path(__file__).with_name("build_constraints.txt")


class BoundToThisMachine(BlueprintError):
    """A package whose source builds a wheel that runs on this machine only."""


def pure_package(lock: Lock, name: str, progress: installer.Progress | None = None) -> Path:
    """A folder with one package of the lock, built from its source as pure Python; built once."""
    line = dict(lock.requirements)[name]
    place = cache.folder("source-wheels") / cache.digest(line, _CONSTRAINTS.read_bytes())[:32]

    def make(fresh: Path) -> None:
        if progress:
            progress(f"building {line.split()[0]} from source")
        _install(lock, name, fresh, progress, {})
        if name in FROM_SOURCE and _tags(fresh) != {_PURE}:
            # uv had built it before, with libvips in sight: build again where it cannot find that.
            cache.clear(fresh)
            _install(lock, name, fresh, progress, {"UV_CACHE_DIR": str(cache.folder("source-builds"))})
        if not all(tag.endswith("-none-any") for tag in _tags(fresh)):
            raise BoundToThisMachine(
                f"{name} built from source is tagged {', '.join(sorted(_tags(fresh))) or 'nothing'}, not {_PURE}.",
                where=at(lock.path),
                advice="It is bound to libraries of this machine; remove libvips' development files and build again."
                if name in FROM_SOURCE
                else "It publishes no wheel for Lambda, and its source builds one for this machine only. Use a "
                "version that publishes a wheel, or another package.",
            )

    cache.made_once(place, make)
    return place


def without_wheel(error: BlueprintError) -> str:
    """The package without any wheel that the error is about; an empty string for other errors."""
    found = installer.NO_WHEEL.search(" ".join(str(error).split()))
    return normal(found[1]) if found else ""


def _install(
    lock: Lock, name: str, into: Path, progress: installer.Progress | None, environment: dict[str, str]
) -> None:
    constraints = ["--build-constraints", str(_CONSTRAINTS)] if name in FROM_SOURCE else []
    hidden = {"PKG_CONFIG_LIBDIR": os.devnull, "PKG_CONFIG_PATH": "", "PKG_CONFIG_SYSROOT_DIR": ""}
    options = ["--python", str(current().path), "--no-binary", name, *constraints]
    with cache.scratch() as work:
        alone = work / "requirements.txt"
        lock.write(alone, {name})
        installer.install(alone, into, options, progress, subject=at(lock.path), environment={**hidden, **environment})


def _tags(folder: Path) -> set[str]:
    """Which Pythons and platforms the installed wheels say they are for."""
    lines = (line for wheel in folder.glob("*.dist-info/WHEEL") for line in wheel.read_text().splitlines())
    return {line.removeprefix("Tag:").strip() for line in lines if line.startswith("Tag:")}
