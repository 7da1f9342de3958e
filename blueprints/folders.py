"""Folders: those of the project that the tools read, and those that results go to."""

import errno
import os
import tempfile
from pathlib import Path


def project_folder(name: str) -> Path:
    """A folder of the project, such as `patterns`: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parent
    installed = package / f"_{name}"
    return installed if installed.is_dir() else package.parent / name


def check_can_be_made(folder: Path) -> None:
    """Raise OSError if a folder cannot be created or written to. Creates nothing, so it can run before the work."""
    nearest = next(each for each in (folder, *folder.parents) if each.exists())
    if not nearest.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(nearest))
    # What may be written is more than permissions say: the file system may be read-only, or full.
    with tempfile.TemporaryDirectory(prefix=".blueprints-", dir=nearest):
        pass
