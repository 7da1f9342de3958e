"""Locks: requirements.txt files that pin every package to one version, so that a build resolves nothing."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from blueprints import cache
from blueprints.errors import BlueprintError, at

SHARED = "serverless-blueprints-shared"

# packaging.requirements would parse it too, but its import takes a quarter of a build in which nothing has changed.
_PINNED = re.compile(
    r"(?P<name>[A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?\s*(?:===?\s*(?P<version>[^\s;,*]+)(?=\s*(?:;|--|$))|@\s*\S+)"
)
_AT_PATH = re.compile(r"@\s*file://(?P<path>/[^\s;#]+)")
_PASSING = {".git", "__pycache__", ".venv", "build", "dist"}
_FIND_LINKS = re.compile(r"(?:--find-links|-f)[=\s]\s*(?P<place>\S.*)")


@dataclass(frozen=True)
class Lock:
    """The content of a lock, with absolute paths."""

    path: Path
    requirements: tuple[tuple[str, str], ...]
    """Each package's normalised name, and its line with the hashes."""
    options: tuple[str, ...]
    """Lines with options for the installer, such as an index."""
    shared_version: str | None
    links: tuple[Path, ...]
    """Folders of wheels."""
    resolved: bool = False
    """Whether it was made in this run from requirements that are not a lock."""

    @property
    def digest(self) -> str:
        """A digest of its lines and of the local files that they name. It does not depend on the lock's own path."""
        lines = (line for _, line in self.requirements)
        wheels = sorted(wheel for folder in self.links for wheel in folder.glob("*.whl"))
        content = (part for wheel in wheels for part in (wheel.name, wheel.read_bytes()))
        return cache.digest(*lines, *self.options, *content, *self._local_content())

    def _local_content(self) -> Iterator[str | bytes]:
        """Names and content of files at local paths, which can change while the lines stay the same."""
        for place in self.local_places().values():
            files = sorted(place.rglob("*")) if place.is_dir() else [place]
            for path in files:
                if path.is_file() and not _PASSING.intersection(path.relative_to(place).parts):
                    yield str(path.relative_to(place))
                    yield path.read_bytes()

    def local_places(self) -> dict[str, Path]:
        """The folder or file of each package that is a local path, by normalised name."""
        found = ((name, _AT_PATH.search(line)) for name, line in self.requirements)
        return {name: Path(unquote(place["path"])) for name, place in found if place}

    def names(self) -> frozenset[str]:
        """The normalised names of all packages."""
        return frozenset(name for name, _ in self.requirements)

    def write(self, path: Path, names: Collection[str]) -> None:
        """Write a requirements file with the packages of these names. It can be used from any folder."""
        lines = [line for name, line in self.requirements if name in names]
        links = [f"--find-links {folder}" for folder in self.links]
        path.write_text("\n".join([*self.options, *links, *lines, ""]), encoding="utf-8")


def read(path: Path) -> Lock:
    """Read a lock. Raises BlueprintError if a package in it is not pinned."""
    return parse(path.read_text(encoding="utf-8"), path)


def parse(text: str, path: Path) -> Lock:
    """Parse a lock's text. Its relative paths are relative to the folder of `path`."""
    requirements: list[tuple[str, str]] = []
    options: list[str] = []
    links: list[Path] = []
    shared = None
    for number, line in logical_lines(text):
        link = _FIND_LINKS.match(line)
        if link and "://" not in link["place"]:
            links.append((path.parent / link["place"].strip()).resolve())
        elif line.startswith(("-r", "-c", "-e", "--requirement", "--constraint", "--editable")):
            raise _refused(path, number, f"'{line}' refers to another file, so the lock is not complete.")
        elif line.startswith("-"):
            options.append(line)
        else:
            pin = _PINNED.match(line)
            if not pin:
                raise _refused(path, number, f"'{line.split()[0]}' is not pinned to one version.")
            if re.search(r"@\s*\.", pin[0]):
                raise _refused(path, number, f"'{line}' is a relative path, whose content is not pinned.")
            name = normal(pin["name"])
            requirements.append((name, line))
            shared = pin["version"] if name == SHARED else shared
    return Lock(path, tuple(requirements), tuple(options), shared, tuple(links))


def how_to_lock(path: Path) -> str:
    """The command that makes a lock, in quotes, to run in its folder.

    It renames requirements.txt if there is no requirements.in. The new lock names the same folders of wheels.
    """
    source = path.with_suffix(".in")
    keep = "" if source.is_file() else f"mv {path.name} {source.name} && "
    links = _links(path)
    known = _links(source) if source.is_file() else links
    options = [
        *(["--universal"] if keep else []),
        *(f"--find-links {place}" for place in links if place not in known),
        *(["--emit-find-links"] if links else []),
    ]
    return f"'{keep}uv pip compile {' '.join([*options, source.name])} -o {path.name}'"


def _links(path: Path) -> list[str]:
    """The places after --find-links in a requirements file, as they are written; none if the file does not exist."""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []
    return [match["place"].strip() for match in map(_FIND_LINKS.match, lines) if match]


def normal(name: str) -> str:
    """A package's name as package indexes compare names (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def logical_lines(text: str) -> list[tuple[int, str]]:
    """Numbers and texts of the lines, with continuation lines joined, and without comments and empty lines."""
    joined: list[tuple[int, str]] = []
    open_line = False
    for number, raw in enumerate(text.splitlines(), 1):
        line = re.sub(r"(^|\s)#.*", "", raw).strip()
        more = line.endswith("\\")
        line = line.removesuffix("\\").strip()
        if open_line:
            start, before = joined[-1]
            joined[-1] = (start, f"{before} {line}".strip())
        elif line:
            joined.append((number, line))
        open_line = more and bool(joined)
    return joined


def _refused(path: Path, line: int, what: str) -> BlueprintError:
    return BlueprintError(
        what,
        where=at(path, line),
        advice=f"Make the lock with {how_to_lock(path)}.",
    )
