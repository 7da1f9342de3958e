"""Removes folders whose content may be read-only."""

import os
import shutil
from pathlib import Path


def remove(folder: Path) -> None:
    """Remove a folder with its content, even if it is read-only or does not exist."""
    shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        for parent, _, _ in os.walk(folder):
            Path(parent).chmod(0o700)
        shutil.rmtree(folder, ignore_errors=True)
