"""Builds the packages of a pattern's functions. The same sources give the same bytes, on any machine at any time.

If requirements.txt is a lock (it pins every package to one version), a build resolves nothing. If it is not, the build
is refused, or resolves it if the caller allows that. One lock serves two targets: `lambda` is AWS, `host` is the
embedded AWS on this machine. The parts:

    file_selection the files of the code folder that are packaged
    gitignore      the rules of .gitignore files
    lock           reads requirements.txt; refuses it if a package is not pinned
    resolution     makes a lock from a requirements.txt that is not a lock
    targets        which Python, platform and interpreter a function's package is for
    installer      uv, from its cache where possible
    shared_wheel   the wheel of `blueprints_shared`, built from its current sources
    source_wheels  builds pure Python packages that publish no wheel
    secret_files   files that seem to hold a secret
    dependencies   installs, checks, compiles and compresses what a lock names; cached by the lock's digest
    binaries       compiled files that the target could not load
    completeness   finds packages that a lock lacks
    bytecode       compiles modules with the target's Python, reproducibly
    archive        reads and writes zip files of compressed records
"""

import hashlib
import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from blueprints import cache
from blueprints.errors import BlueprintError, at
from blueprints.packaging import archive, dependencies
from blueprints.packaging import lock as locks
from blueprints.packaging.bytecode import compile_folder
from blueprints.packaging.file_selection import Selection, select
from blueprints.packaging.interpreters import Interpreter
from blueprints.packaging.secret_files import SecretFile, by_content, by_name
from blueprints.packaging.shared_wheel import wheel_for
from blueprints.packaging.targets import Kind, Target, resolve
from blueprints.pattern import REQUIREMENTS, Function, Pattern
from blueprints.progress import Report
from blueprints.template.macros import check_macros
from blueprints.template.reading import load

__all__ = ["Kind", "Package", "build"]

UNZIPPED_LIMIT = 250 * 1024 * 1024
"""What Lambda allows a function and its layers, unzipped, in bytes."""

_NOT_SHIPPED = {REQUIREMENTS, "requirements.in"}
"""Not packaged when at the top of the code folder: their packages are installed, so no function reads them."""
_SETTINGS = "local settings that may hold secrets"
_GIT_FILES = (".gitignore", ".gitattributes", ".gitkeep", ".gitmodules")
_ARCHIVE, _MANIFEST = "package.zip", "manifest.json"
_KEPT = 24
_FORM = "2"
"""The version of the cached manifests' format; change it with the format."""


@dataclass(frozen=True)
class Package:
    """The built package of a function."""

    logical_id: str
    path: Path
    manifest: Path
    """A JSON file beside it that says from what and by what it was built."""
    sha256: str
    """Of the zip file, in hexadecimal."""
    size: int
    """Of the zip file, in bytes."""
    unzipped: int
    target: Kind
    interpreter: Interpreter | None
    """The Python that compiled its bytecode, and on the host runs it; None if it has no bytecode."""
    warnings: tuple[str, ...]
    seconds: float
    reused: bool
    """Whether it came from the cache, as nothing has changed since an earlier build."""
    secrets: tuple[SecretFile, ...] = ()
    """The function's own files that seem to hold a secret, packaged or left out."""


def build(
    pattern: Pattern,
    target: Kind,
    output: Path | None = None,
    report: Report | None = None,
    *,
    unpinned: bool = False,
) -> list[Package]:
    """Build every function of a pattern; functions of the same code, runtime and architecture are built once.

    `unpinned` resolves requirements that are not a lock, and adds a warning; otherwise they are refused. Packages and
    manifests are written to `output` as `<logical id>.zip` and `.json`; without it, they stay in the cache. Raises
    BlueprintError if a function cannot be built.
    """
    check_macros(load(pattern.template))  # a macro may generate functions, which would be missed
    made: dict[tuple[Path, str, str], Package] = {}
    packages = []
    results = frozenset({output.absolute()} if output else ())
    for function in pattern.functions:
        same = (function.code, function.runtime, function.architecture)
        if same not in made:
            made[same] = _build(pattern, function, target, results, report, unpinned=unpinned)
        packages.append(_deliver(made[same], function.logical_id, output))
    return packages


def _build(
    pattern: Pattern,
    function: Function,
    kind: Kind,
    results: frozenset[Path],
    report: Report | None,
    *,
    unpinned: bool,
) -> Package:
    began = time.perf_counter()
    target = resolve(pattern, function, kind)
    lock = _read_or_resolve(function.requirements, target, report, unpinned=unpinned) if function.requirements else None
    selection = _select(pattern, function, results | set(lock.links if lock else ()))
    sources = [_Source(each.name, each.path.read_bytes(), each.program) for each in selection.files]
    named = _secret_by_name(function, selection)
    wheel = wheel_for(lock, report) if lock else None
    made_of = dependencies.key(lock, wheel, target) if lock else target.digest
    content = (part for each in sources for part in (each.name, each.content, "x" if each.program else "-"))
    place = cache.folder("packages") / cache.digest(_FORM, made_of, *content)[:32]

    def make(fresh: Path) -> None:
        if report:
            report(f"packaging {function.logical_id} for {'Lambda' if kind == 'lambda' else 'this machine'}")
        nothing = dependencies.Dependencies([], [])
        installed = dependencies.dependencies(lock, wheel, target, report) if lock else nothing
        entries = _merge_own_files(installed.entries, function, sources, target)
        _check_size(pattern, function, entries)
        lacks = {"lock": lock.digest if lock else None, "missing": installed.missing}
        facts = {**target.facts, "bytecode": target.interpreter is not None, **lacks, "secrets": _secrets_in(sources)}
        _write(fresh, entries, facts)

    fresh = cache.made_once(place, make)
    if fresh:
        cache.keep_newest(place.parent, _KEPT)
    else:
        place.touch()
    about = json.loads((place / _MANIFEST).read_text(encoding="utf-8"))
    held = [SecretFile(function.code / name, what, line) for name, what, line in about["secrets"]]
    return Package(
        logical_id=function.logical_id,
        path=place / _ARCHIVE,
        manifest=place / _MANIFEST,
        sha256=about["sha256"],
        size=about["size"],
        unzipped=about["unzipped"],
        target=kind,
        interpreter=target.interpreter,
        warnings=(
            *target.warnings,
            *_resolution_warnings(function, lock),
            *_completeness_warnings(function, about["missing"]),
            *(f"{function.logical_id}: {note}." for note in selection.notes()),
        ),
        secrets=(*named, *held),
        seconds=time.perf_counter() - began,
        reused=not fresh,
    )


@dataclass(frozen=True)
class _Source:
    """A source file of the function, read once, so that an edit during the build cannot change it after its digest."""

    name: str
    content: bytes
    program: bool


def _select(pattern: Pattern, function: Function, leave_out: frozenset[Path]) -> Selection:
    """Select the function's own files, without folders of wheels and the output folder."""
    if not function.code.is_dir():
        raise BlueprintError(
            f"{function.logical_id}: its code folder {function.code.name}/ does not exist.",
            where=at(pattern.template, function.line),
            advice="Create it, or correct CodeUri.",
        )
    selection = select(function.code, pattern.folder.resolve(), leave_out=leave_out)
    files = tuple(
        each
        for each in selection.files
        if each.name not in _NOT_SHIPPED and each.name.rpartition("/")[2] not in _GIT_FILES
    )
    return replace(selection, files=files)


def _secret_by_name(function: Function, selection: Selection) -> list[SecretFile]:
    """Files whose names suggest a secret. For a link, its own name and that of its target are checked."""
    named = [SecretFile(each.path, _SETTINGS) for each in selection.left_out if each.reason == "settings"]
    for each in selection.files:
        found = by_name(each.name) or (by_name(os.path.realpath(each.path)) if each.linked else None)
        if found:
            named.append(SecretFile(function.code / each.name, found.what))
    return named


def _secrets_in(sources: Sequence[_Source]) -> list[tuple[str, str, int | None]]:
    """Name, kind and line of each secret in the content of files."""
    found = ((source.name, by_content(source.name, source.content)) for source in sources)
    return [(name, secret.what, secret.line) for name, secret in found if secret]


def _read_or_resolve(requirements: Path, target: Target, report: Report | None, *, unpinned: bool) -> locks.Lock:
    """The lock of a function: as written, or resolved now if `unpinned` allows it and the file pins too little."""
    if not unpinned:
        return locks.read(requirements)
    try:
        lock = locks.read(requirements)
    except (BlueprintError, UnicodeDecodeError):
        return _resolve_now(requirements, target, report)
    own = lock.shared_version is not None  # the shared package is on no package index, so uv cannot resolve it
    if own or not dependencies.lacking(lock, wheel_for(lock, report), target, report):
        return lock
    return _resolve_now(requirements, target, report)


def _resolve_now(requirements: Path, target: Target, report: Report | None) -> locks.Lock:
    from blueprints.packaging.resolution import resolve as resolve_requirements  # locks need none of it

    return resolve_requirements(requirements, target, report)


def _resolution_warnings(function: Function, lock: locks.Lock | None) -> Iterator[str]:
    if lock and lock.resolved:
        yield (
            f"{function.logical_id}: {REQUIREMENTS} does not pin every package, so the newest versions were installed, "
            f"as 'sam build' does. To make the build reproducible: {locks.how_to_lock(lock.path)}."
        )


def _completeness_warnings(function: Function, missing: Sequence[str]) -> Iterator[str]:
    if missing:
        yield (
            f"{function.logical_id}: {REQUIREMENTS} lacks {', '.join(missing)}, which packages in it need; "
            f"renew it: {locks.how_to_lock(function.requirements or function.code / REQUIREMENTS)}."
        )


def _merge_own_files(
    installed: Sequence[archive.Entry], function: Function, sources: Sequence[_Source], target: Target
) -> list[archive.Entry]:
    """The entries of the dependencies and of the function's own files, which replace dependencies of the same name."""
    merged = {entry.name: entry for entry in installed}
    with cache.scratch() as work:
        own = work / "own"
        own.mkdir()
        for source in sources:
            copy = own / source.name
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(source.content)
            copy.chmod(0o755 if source.program else 0o644)
        if target.interpreter:
            refused = compile_folder(own, dependencies.TASK, target.interpreter)
            if refused:
                raise BlueprintError(
                    f"{function.logical_id}: Python {target.python} cannot compile its code:\n{refused}",
                    where=at(function.code),
                    advice="Correct that file, and build again.",
                )
        merged.update((entry.name, entry) for entry in (archive.file_entry(own, path) for path in archive.files(own)))
    return list(merged.values())


def _check_size(pattern: Pattern, function: Function, entries: Sequence[archive.Entry]) -> None:
    total = sum(entry.size for entry in entries)
    if total <= UNZIPPED_LIMIT:
        return
    sizes: dict[str, int] = {}
    for entry in entries:
        top = entry.name.split("/")[0]
        sizes[top] = sizes.get(top, 0) + entry.size
    largest = sorted(sizes.items(), key=lambda item: -item[1])[:5]
    listed = ", ".join(f"{name} {size / 2**20:.0f} MB" for name, size in largest)
    raise BlueprintError(
        f"{function.logical_id} is {total / 2**20:.0f} MB unzipped; Lambda accepts {UNZIPPED_LIMIT // 2**20} MB.",
        where=at(pattern.template, function.line),
        advice=f"The largest are {listed}. Remove what the function does not need, or use a container image.",
    )


def _write(fresh: Path, entries: Sequence[archive.Entry], facts: Mapping[str, object]) -> None:
    data = archive.write(entries)
    about = {
        "sha256": hashlib.sha256(data).hexdigest(),
        "size": len(data),
        "unzipped": sum(entry.size for entry in entries),
        "files": len(entries),
        **facts,
    }
    (fresh / _ARCHIVE).write_bytes(data)
    (fresh / _MANIFEST).write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")


def _deliver(package: Package, logical_id: str, output: Path | None) -> Package:
    if output is None:
        return replace(package, logical_id=logical_id)
    archive_path, manifest = output / f"{logical_id}.zip", output / f"{logical_id}.json"
    if not _is_same(archive_path, package):
        cache.write(archive_path, package.path.read_bytes())
    cache.write(manifest, package.manifest.read_bytes())
    return replace(package, logical_id=logical_id, path=archive_path, manifest=manifest)


def _is_same(path: Path, package: Package) -> bool:
    if not path.is_file() or path.stat().st_size != package.size:
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == package.sha256
