"""The archive of a layer: an unchanged zip file, or the selected files of a folder."""

import zipfile
from pathlib import Path

from blueprints.errors import BlueprintError, at
from blueprints.packaging import archive
from blueprints.packaging.file_selection import select


def layer_archive(place: Path, top: Path | None = None) -> bytes:
    """The content of a layer's zip file, from a zip file or from a folder with `python/`, `bin/` and so on.

    `top` is the pattern's folder, whose .gitignore applies.
    """
    if place.is_file():
        if not zipfile.is_zipfile(place):
            raise BlueprintError(
                "This is neither a folder nor a zip file, so it can't be a layer.",
                where=at(place),
                advice="Name a folder that holds python/, bin/ and the like, or a zip file of these.",
            )
        return place.read_bytes()
    files = select(place, top, libraries=True).files
    return archive.write(archive.entry(each.name, each.path.read_bytes(), program=each.program) for each in files)
