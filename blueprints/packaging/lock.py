"""A function's requirements.txt: everything it installs, each pinned, so that a build has nothing to resolve."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from blueprints.errors import BlueprintError, at
from blueprints.packaging import cache

SHARED = "serverless-blueprints-shared"

_PINNED = re.compile(r"(?P<name>[A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?\s*(?:===?\s*(?P<version>[^\s;]+)|@\s*\S+)")
_FIND_LINKS = re.compile(r"(?:--find-links|-f)[=\s]\s*(?P<place>\S.*)")


@dataclass(frozen=True)
class Lock:
    """What a requirements.txt names, paths made absolute."""

    path: Path
    requirements: tuple[tuple[str, str], ...]
    """Each distribution's normal name, and its line with the hashes."""
    options: tuple[str, ...]
    """Lines for the installer, such as an index."""
    shared_version: str | None
    links: tuple[Path, ...]
    """Folders of wheels."""

    @property
    def digest(self) -> str:
        """Of what it names, and of the wheels in its folders; where it lies does not count."""
        lines = (line for _, line in self.requirements)
        wheels = sorted(wheel for folder in self.links for wheel in folder.glob("*.whl"))
        content = (part for wheel in wheels for part in (wheel.name, wheel.read_bytes()))
        return cache.digest(*lines, *self.options, *content)

    def names(self) -> frozenset[str]:
        """Every distribution in it."""
        return frozenset(name for name, _ in self.requirements)

    def write(self, path: Path, names: Collection[str]) -> None:
        """Writes a requirements file of some of its distributions, which works from any folder."""
        lines = [line for name, line in self.requirements if name in names]
        links = [f"--find-links {folder}" for folder in self.links]
        path.write_text("\n".join([*self.options, *links, *lines, ""]), encoding="utf-8")


def read(path: Path) -> Lock:
    """Reads a lock and refuses whatever would leave something to resolve."""
    requirements: list[tuple[str, str]] = []
    options: list[str] = []
    links: list[Path] = []
    shared = None
    for number, line in _logical_lines(path.read_text(encoding="utf-8")):
        link = _FIND_LINKS.match(line)
        if link and "://" not in link["place"]:
            links.append((path.parent / link["place"].strip()).resolve())
        elif line.startswith(("-r", "-c", "-e", "--requirement", "--constraint", "--editable")):
            raise _refused(path, number, f"'{line}' leads out of the lock.")
        elif line.startswith("-"):
            options.append(line)
        else:
            pin = _PINNED.match(line)
            if not pin:
                raise _refused(path, number, f"'{line.split()[0]}' is not pinned to one version.")
            name = normal(pin["name"])
            requirements.append((name, line))
            shared = pin["version"] if name == SHARED else shared
    return Lock(path, tuple(requirements), tuple(options), shared, tuple(links))


def normal(name: str) -> str:
    """A distribution's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _logical_lines(text: str) -> list[tuple[int, str]]:
    """Lines with their numbers, continuations joined, comments and blanks gone."""
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
        advice=f"Make the lock with 'uv pip compile {path.with_suffix('.in').name} -o {path.name}'.",
    )
