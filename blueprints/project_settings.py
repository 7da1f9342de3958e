"""Reads blueprints.toml: the tools' settings for one pattern, or any other SAM folder."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from blueprints.errors import BlueprintError, at

NAME = "blueprints.toml"
_FORM = """Write it as:

    [publish]
    public-files = ["src/certificate.pem"]    # may be published although they look like secrets

    [layers]
    "arn:aws:lambda:*:123456789012:layer:name:1" = "layers/name"    # a folder or zip file to run with here"""


@dataclass(frozen=True)
class ProjectSettings:
    """A folder's blueprints.toml; empty if there is none."""

    path: Path
    public_files: tuple[str, ...] = ()
    """Patterns of files in the folder that may be published although they look like secrets."""
    layers: Mapping[str, Path] = field(default_factory=dict)
    """The folder or zip file that replaces a layer on this machine, by its ARN; `*` matches any part."""

    def may_publish(self, file: Path) -> bool:
        """Whether a file was declared public."""
        if not file.is_relative_to(self.path.parent):
            return False
        name = file.relative_to(self.path.parent).as_posix()
        return any(fnmatchcase(name, pattern) for pattern in self.public_files)

    def layer(self, arn: str) -> Path | None:
        """The local copy of a layer version, or None."""
        return next((path for pattern, path in self.layers.items() if fnmatchcase(arn, pattern)), None)


def load(folder: Path) -> ProjectSettings:
    """Read a folder's settings. Raises BlueprintError if they are invalid."""
    path = folder / NAME
    try:
        read = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return ProjectSettings(path)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BlueprintError(f"{NAME} can't be read: {error}.", where=at(path), advice=_FORM) from None
    publish, layers = _section(path, read, "publish", {"public-files"}), _section(path, read, "layers", None)
    unknown = sorted(read.keys() - {"publish", "layers"})
    if unknown:
        raise _refused(path, f"has the unknown section '{unknown[0]}'")
    files = publish.get("public-files", [])
    if not isinstance(files, list) or not all(isinstance(each, str) for each in files):
        raise _refused(path, "needs a list of strings as 'public-files'")
    return ProjectSettings(path, tuple(files), {arn: _stand_in(path, arn, place) for arn, place in layers.items()})


def _section(path: Path, read: Mapping[str, Any], name: str, known: set[str] | None) -> dict[str, Any]:
    section = read.get(name, {})
    if not isinstance(section, dict):
        raise _refused(path, f"needs '{name}' as a section")
    unknown = sorted(section.keys() - known) if known is not None else []
    if unknown:
        raise _refused(path, f"has the unknown key '{unknown[0]}' in its section '{name}'")
    return section


def _stand_in(path: Path, arn: str, place: object) -> Path:
    if not isinstance(place, str):
        raise _refused(path, f"needs the path of a folder or zip file for layer {arn}")
    found = path.parent / place
    if not found.exists():
        raise BlueprintError(
            f"{place}, the copy of layer {arn}, does not exist.",
            where=at(path),
            advice="Create it, or correct the path, which is relative to this file.",
        )
    return found


def _refused(path: Path, what: str) -> BlueprintError:
    return BlueprintError(f"{NAME} {what}.", where=at(path), advice=_FORM)
