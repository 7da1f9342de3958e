"""Resolves requirements that are not a lock, as `sam build` does: for one Python and platform, with today's versions.

The result is a lock, used like a committed one. Relative paths, nested files, constraints and editable packages work as
with pip; an editable package is installed as a copy of its current files.
"""

import codecs
import configparser
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from packaging.utils import InvalidSdistFilename, InvalidWheelFilename, parse_sdist_filename, parse_wheel_filename

from blueprints import cache
from blueprints.errors import BlueprintError, at
from blueprints.packaging import installer
from blueprints.packaging.lock import Lock, logical_lines, parse
from blueprints.packaging.source_wheels import FROM_SOURCE, without_wheel
from blueprints.packaging.targets import Target
from blueprints.progress import Report

_INCLUDED = re.compile(r"(?:-r|--requirement)[=\s]?\s*(?P<file>\S.*)")
_CONSTRAINED = re.compile(r"(?:-c|--constraint)[=\s]?\s*(?P<file>\S.*)")
_EDITABLE = re.compile(r"(?:-e|--editable)[=\s]\s*(?P<what>\S.*)")
_LINKS = re.compile(r"(?:-f|--find-links)[=\s]\s*(?P<place>\S.*)")
_TRUSTED = re.compile(r"--trusted-host[=\s]\s*(?P<host>\S+)")
_LOCAL = re.compile(r"(?:file:(?://)?)?(?P<path>[^\[;\s]+)(?P<extras>\[[^\]]*\])?(?P<rest>\s*(?:;.*)?)")
_NAMED = re.compile(r"(?P<name>[A-Za-z0-9][\w.-]*(?:\[[^\]]*\])?)\s*@\s*(?P<place>\.\S*)(?P<rest>.*)")
_ARCHIVES = (".whl", ".tar.gz", ".zip")
# Options of pip that have no meaning for uv.
_WITHOUT_MEANING = (
    "--require-hashes",
    "--no-cache-dir",
    "--use-feature",
    "--prefer-binary",
    "--process-dependency-links",
)


def resolve(path: Path, target: Target, report: Report | None = None) -> Lock:
    """Resolve a requirements file for the target.

    Raises BlueprintError if no set of versions fits, or if a file that it names does not exist.
    """
    flat = _Flat()
    flat.read(path)
    with cache.scratch() as work:
        given, constraints, made = work / "requirements.txt", work / "constraints.txt", work / "lock.txt"
        given.write_text("\n".join([*flat.options, *flat.requirements, ""]), encoding="utf-8")
        command = ["pip", "compile", str(given), "--output-file", str(made), "--no-header", "--no-annotate"]
        command += ["--no-progress", *target.options, *flat.arguments]
        if flat.constraints:
            constraints.write_text("\n".join([*flat.constraints, ""]), encoding="utf-8")
            command += ["--constraint", str(constraints)]
        _resolve_to_wheels(command, path, target, report)
        lines = made.read_text(encoding="utf-8")
    lock = parse("\n".join([*flat.options, lines]), path)
    return replace(lock, resolved=True, requirements=tuple(_with_hashes(lock, flat.hashes)))


def _resolve_to_wheels(command: list[str], path: Path, target: Target, report: Report | None) -> None:
    """Resolve to wheels only, except for packages that publish no wheel at all.

    By default uv takes the newest version even if only its source fits, and compiles it for minutes.
    """
    from_source = sorted(FROM_SOURCE)
    while True:
        only = ["--only-binary", ":all:", *(part for name in from_source for part in ("--no-binary", name))]
        try:
            installer.run([*command, *only], subject=at(path), report=report, verb="resolve")
        except BlueprintError as error:
            name = without_wheel(error)
            if name and name not in from_source:
                from_source.append(name)
                continue
            where = target.platform or "this machine"
            raise BlueprintError(
                f"For Python {target.python} on {where}: {error.what}",
                where=error.where,
                advice=(error.advice or "").replace(command[2], path.name),
            ) from None
        return


def read_text(path: Path) -> str:
    """A requirements file's text, also as PowerShell's `pip freeze > requirements.txt` writes it."""
    data = path.read_bytes()
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return data.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise BlueprintError(
            f"The requirements are not UTF-8 ({error.reason} at byte {error.start}).",
            where=at(path),
            advice="Save the file as UTF-8.",
        ) from None


@dataclass
class _Flat:
    """Requirements files merged into one, with absolute paths."""

    requirements: list[str] = field(default_factory=list)
    constraints: list[str] = field(default_factory=list)
    options: list[str] = field(default_factory=list)
    arguments: list[str] = field(default_factory=list)
    hashes: dict[str, str] = field(default_factory=dict)
    """Hashes by `name==version`."""
    _seen: set[Path] = field(default_factory=set)

    def read(self, path: Path, *, constrain: bool = False) -> None:
        """Add a file's lines, and those of the files that it includes."""
        if path.resolve() in self._seen:
            return
        self._seen.add(path.resolve())
        for number, line in logical_lines(read_text(path)):
            nested = _INCLUDED.match(line) or _CONSTRAINED.match(line)
            if nested:
                named = _nested_file(path, number, nested["file"])
                self.read(named, constrain=constrain or line.startswith(("-c", "--c")))
            elif line.startswith("-") and not _EDITABLE.match(line):
                self._option(path, line)
            else:
                self._requirement(path, line, constrain=constrain)

    def _requirement(self, path: Path, line: str, *, constrain: bool) -> None:
        editable = _EDITABLE.match(line)
        bare, *hashes = re.split(r"\s+(?=--hash)", editable["what"] if editable else line)
        requirement = _with_absolute_path(bare.strip(), path.parent)
        if hashes:
            self.hashes[re.sub(r"\s|;.*", "", requirement).lower()] = " ".join(hashes)
        (self.constraints if constrain else self.requirements).append(requirement)

    def _option(self, path: Path, line: str) -> None:
        links, trusted = _LINKS.match(line), _TRUSTED.match(line)
        if links and "://" not in links["place"]:
            self.options.append(f"--find-links {(path.parent / links['place'].strip()).resolve()}")
        elif trusted:
            self.arguments += ["--allow-insecure-host", trusted["host"]]
        elif line == "--pre":
            self.arguments += ["--prerelease", "allow"]
        elif not line.startswith(_WITHOUT_MEANING):
            self.options.append(line)


def _nested_file(path: Path, number: int, name: str) -> Path:
    found = path.parent / name.strip().strip("\"'")
    if not found.is_file():
        raise BlueprintError(
            f"It includes {name.strip()}, which does not exist.",
            where=at(path, number),
            advice="Create the file, or correct its name.",
        )
    return found


def _with_absolute_path(requirement: str, folder: Path) -> str:
    """A requirement with its local path made absolute, in the form `name @ file:///path`."""
    named = _NAMED.fullmatch(requirement)
    if named:
        return f"{named['name']} @ {(folder / named['place']).resolve().as_uri()}{named['rest']}"
    local = _LOCAL.fullmatch(requirement)
    if not local or "://" in requirement.removeprefix("file://"):
        return requirement
    looks = requirement.startswith((".", "/", "file:")) or local["path"].endswith(_ARCHIVES) or "/" in local["path"]
    place = (folder / local["path"]).resolve()
    if not looks:
        return requirement
    return f"{_name(place)}{local['extras'] or ''} @ {place.as_uri()}{local['rest']}"


def _name(place: Path) -> str:
    """The name of the package in a folder, a wheel or a source archive."""
    if place.name.endswith(_ARCHIVES):
        return _name_of_archive(place)
    return next(_declared_names(place), place.name)


def _name_of_archive(place: Path) -> str:
    try:
        named = parse_wheel_filename(place.name) if place.suffix == ".whl" else parse_sdist_filename(place.name)
    except (InvalidWheelFilename, InvalidSdistFilename) as error:
        raise BlueprintError(
            f"The name of the package is not in the name of {place.name}: {error}.",
            where=at(place),
            advice=f"Write it: 'NAME @ {place.as_uri()}'.",
        ) from error
    return named[0]


def _declared_names(folder: Path) -> Iterator[str]:
    project, config, setup = folder / "pyproject.toml", folder / "setup.cfg", folder / "setup.py"
    if project.is_file():
        about = tomllib.loads(project.read_text(encoding="utf-8"))
        name = about.get("project", {}).get("name") or about.get("tool", {}).get("poetry", {}).get("name")
        if name:
            yield str(name)
    if config.is_file():
        read = configparser.ConfigParser()
        read.read(config)
        if read.has_option("metadata", "name"):
            yield read.get("metadata", "name")
    if setup.is_file():
        yield from re.findall(r"\bname\s*=\s*[\"']([\w.-]+)[\"']", setup.read_text(encoding="utf-8"))[:1]


def _with_hashes(lock: Lock, hashes: dict[str, str]) -> Iterator[tuple[str, str]]:
    """The lock's lines with the hashes of the requirements file, so that those packages are still verified."""
    for name, line in lock.requirements:
        written = hashes.get(re.sub(r"\[[^\]]*\]", "", line).strip().lower())
        yield name, f"{line} {written}" if written else line
