"""Unpacks packages and layers as Lambda does: with the modes and the symbolic links that the archive holds."""

import os
import shutil
import stat
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

_READABLE, _ENTERABLE = 0o444, 0o755
_PERMISSIONS, _WRITABLE = 0o777, 0o222


def unpack(archive: IO[bytes], folder: Path) -> None:
    """Unpack a zip file into a new folder."""
    links: list[tuple[Path, str]] = []
    with zipfile.ZipFile(archive) as opened:
        for info in opened.infolist():
            mode = info.external_attr >> 16
            if stat.S_ISLNK(mode):
                links.append((_place(folder, info.filename), opened.read(info).decode()))
                continue
            made = Path(opened.extract(info, folder))
            if made.is_dir():
                made.chmod(_ENTERABLE)
            elif mode:
                made.chmod(mode & _PERMISSIONS | _READABLE)
    folder.mkdir(parents=True, exist_ok=True)
    # Last, so that no file of the archive is written through a link of the archive.
    for link, target in links:
        link.parent.mkdir(parents=True, exist_ok=True)
        if not link.exists():
            link.symlink_to(target)


def lay_over(layers: Sequence[Path], folder: Path) -> None:
    """Merge layers into a new folder, as /opt has them: a later layer's file replaces an earlier one's."""
    folder.mkdir(parents=True)
    for layer in layers:
        for source, name in _files(layer):
            place = folder / name
            _make_way(place, folder)
            if source.is_symlink():
                place.symlink_to(source.readlink())
            else:
                _share(source, place)


def write_protect(folder: Path) -> None:
    """Make all files and folders read-only. This does not restrict root."""
    for parent, _, files in os.walk(folder, topdown=False):
        for name in files:
            path = Path(parent, name)
            if not path.is_symlink():
                path.chmod(path.stat().st_mode & ~_WRITABLE)
        Path(parent).chmod(Path(parent).stat().st_mode & ~_WRITABLE)


def _place(folder: Path, name: str) -> Path:
    """The path of an archive's entry, always inside the folder."""
    parts = [part for part in name.split("/") if part not in ("", ".", "..")]
    return folder.joinpath(*parts)


def _files(layer: Path) -> Iterator[tuple[Path, str]]:
    """Every file and link of a layer, and its name there."""
    for parent, folders, files in os.walk(layer):
        for name in (*files, *(each for each in folders if Path(parent, each).is_symlink())):
            path = Path(parent, name)
            yield path, path.relative_to(layer).as_posix()


def _make_way(place: Path, top: Path) -> None:
    """Remove what an earlier layer has at a path, and a file of it where this layer needs a folder."""
    for folder in reversed(place.relative_to(top).parents):
        if (top / folder).is_symlink() or (top / folder).is_file():
            (top / folder).unlink()
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.is_symlink() or place.is_file():
        place.unlink()
    elif place.is_dir():
        shutil.rmtree(place)


def _share(source: Path, place: Path) -> None:
    """Hard-link the file if the file system can: both are read-only from now on."""
    try:
        os.link(source, place)
    except OSError:
        shutil.copy2(source, place)
