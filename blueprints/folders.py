"""Folders that results go to: whether they can be had is asked before the work, not after it."""

import errno
import os
import tempfile
from pathlib import Path


def check_can_be_made(folder: Path) -> None:
    """Raise OSError for a folder that could not be made or written into; makes none."""
    nearest = next(each for each in (folder, *folder.parents) if each.exists())
    if not nearest.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(nearest))
    # What may be written is more than permissions say: the file system may be read-only, or full.
    with tempfile.TemporaryDirectory(prefix=".blueprints-", dir=nearest):
        pass
