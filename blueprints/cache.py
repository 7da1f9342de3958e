"""The tools' cache folder. Whatever stands in it under its final name is whole: it was renamed there in one step."""

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_DAY = 86_400.0


def folder(*parts: str) -> Path:
    """A folder in the cache, made if need be; `BLUEPRINTS_CACHE` moves the whole cache."""
    chosen = os.environ.get("BLUEPRINTS_CACHE")
    if chosen:
        root = Path(chosen).absolute()
    else:
        from platformdirs import user_cache_path

        root = user_cache_path("serverless-blueprints")
    place = root.joinpath(*parts)
    place.mkdir(parents=True, exist_ok=True)
    return place


def digest(*facts: str | bytes) -> str:
    """A name for what was made out of exactly these facts."""
    total = hashlib.sha256()
    for fact in facts:
        data = fact.encode() if isinstance(fact, str) else fact
        total.update(b"%d:" % len(data))
        total.update(data)
    return total.hexdigest()


def clear(place: Path) -> None:
    """Empties a folder."""
    for path in place.iterdir():
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def keep_newest(place: Path, count: int) -> None:
    """Remove the files and folders that have not changed for a day, except the newest `count`."""
    yesterday = time.time() - _DAY
    by_use = sorted(((_last_used(path), path) for path in place.iterdir()), reverse=True)
    for used, path in by_use[count:]:
        if used < yesterday:
            _remove(path)


def _remove(path: Path) -> None:
    """Remove a file or a folder, as far as it is still there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _last_used(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return time.time()  # another process has just removed its own


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder for work in progress, on the cache's own file system so that results can be renamed into place."""
    place = folder("scratch")
    keep_newest(place, 0)  # whoever was killed left theirs behind
    path = Path(tempfile.mkdtemp(dir=place))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def made_once(place: Path, make: Callable[[Path], None]) -> bool:
    """Has `make` fill a folder that then appears at `place`; does nothing where `place` is already. True if made."""
    if place.exists():
        return False
    with scratch() as work:
        fresh = work / "result"
        fresh.mkdir()
        make(fresh)
        try:
            fresh.rename(place)
        except OSError:
            # Another process was quicker; what it made out of the same facts is as good.
            if not place.exists():
                raise
            return False
    return True


def write(path: Path, data: bytes) -> None:
    """Writes a file so that a reader sees either the old content or all of the new."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    fresh = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        fresh.chmod(0o644)
        fresh.replace(path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
