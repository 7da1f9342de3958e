"""The wheel of `blueprints_shared`: from the vendor folder of a copy, or built from `shared/` in a checkout."""

import shutil
import tomllib
import zipfile
from pathlib import Path

from blueprints import cache
from blueprints.errors import BlueprintError, at
from blueprints.packaging import installer, service_models
from blueprints.packaging.file_selection import select
from blueprints.packaging.interpreters import current
from blueprints.packaging.lock import SHARED, Lock
from blueprints.progress import Report

_MODULE = "blueprints_shared"
_EPOCH = "315532800"
"""1980-01-01, the modification time of every file in the wheel."""


def wheel_for(lock: Lock, report: Report | None = None) -> Path | None:
    """The wheel of the shared package for a lock; None if the lock does not name it or the index must have it."""
    if lock.shared_version is None:
        return None
    for folder in lock.links:
        vendored = folder / _file_name(lock.shared_version)
        if vendored.is_file():
            return vendored
    source = _source()
    if source is None:
        return None
    version = _version(source)
    if version != lock.shared_version:
        raise BlueprintError(
            f"{lock.path.name} names {SHARED}=={lock.shared_version}, but {source.name}/ is version {version}.",
            where=at(lock.path),
            advice=f"Write {SHARED}=={version} there, in requirements.in too.",
        )
    return build(source, report)


def shared_wheel(report: Report | None = None) -> Path | None:
    """The wheel of this checkout's `shared/`; None outside a checkout."""
    source = _source()
    return build(source, report) if source else None


def build(source: Path, report: Report | None = None) -> Path:
    """Build a wheel of the current sources. The same sources give the same bytes and are built once."""
    files = _files(source)
    content = cache.digest(service_models.version(), *(part for name, data in files.items() for part in (name, data)))
    place = cache.folder("shared-wheel") / content[:32]
    name = _file_name(_version(source))

    def make(fresh: Path) -> None:
        if report:
            report(f"building the wheel of {source.name}/")
        with cache.scratch() as work:
            # A copy outside the checkout, so that the build backend finds only the package's files.
            models = {
                f"{_MODULE}/{service_models.FOLDER}/{name}": data for name, data in service_models.files().items()
            }
            for file, data in {**files, **models}.items():
                copy = work / "source" / file
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_bytes(data)
            command = ["build", "--wheel", "--no-sources", "--python", str(current().path)]
            installer.run(
                [*command, "--out-dir", str(work / "wheel"), str(work / "source")],
                subject=at(source / "pyproject.toml"),
                report=report,
                environment={"SOURCE_DATE_EPOCH": _EPOCH},
            )
            shutil.copyfile(work / "wheel" / name, fresh / name)

    cache.made_once(place, make)
    return place / name


def unpack(wheel: Path, into: Path) -> None:
    """Unpack a pure Python wheel. uv would take another wheel of the same name and version from its cache."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(into)


def _source() -> Path | None:
    """The package's sources: inside the installed tools, or beside them in a checkout; None if there are none."""
    tools = Path(__file__).resolve().parents[1]
    for source in (tools / "_shared", tools.parent / "shared"):
        if (source / "pyproject.toml").is_file() and (source / _MODULE).is_dir():
            return source
    return None


def _files(source: Path) -> dict[str, bytes]:
    """Path and content of every file of the wheel."""
    package = (each.path for each in select(source / _MODULE, source).files)
    top = (source / name for name in ("pyproject.toml", "README.md", "LICENSE"))
    return {path.relative_to(source).as_posix(): path.read_bytes() for path in [*top, *package] if path.is_file()}


def _version(source: Path) -> str:
    with (source / "pyproject.toml").open("rb") as file:
        return str(tomllib.load(file)["project"]["version"])


def _file_name(version: str) -> str:
    return f"{SHARED.replace('-', '_')}-{version}-py3-none-any.whl"
