"""The archive of a layer: a zip file as it is, or the files of a folder that travel."""

import zipfile
from pathlib import Path

from blueprints.errors import BlueprintError, at
from blueprints.packaging import archive
from blueprints.packaging.file_selection import select


def layer_archive(place: Path, top: Path | None = None) -> bytes:
    """The zip file of a layer, from a zip file or from a folder that holds `python/`, `bin/` and the like.

    `top` is the folder of the pattern, whose .gitignore counts.
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
