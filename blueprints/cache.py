"""The tools' cache folder. Entries are complete: each is renamed to its final name in one step."""

import fcntl
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
    """A folder in the cache, created if it does not exist. `BLUEPRINTS_CACHE` names another place for the cache."""
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
    """A hexadecimal digest of these facts, as the name of what is made from them."""
    total = hashlib.sha256()
    for fact in facts:
        data = fact.encode() if isinstance(fact, str) else fact
        total.update(b"%d:" % len(data))
        total.update(data)
    return total.hexdigest()


def clear(place: Path) -> None:
    """Delete everything in a folder."""
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
        return time.time()  # another process has just deleted it


@contextmanager
def scratch() -> Iterator[Path]:
    """A temporary folder in the cache, so that results can be renamed into their places."""
    place = folder("scratch")
    keep_newest(place, 0)  # those of processes that were killed
    path = Path(tempfile.mkdtemp(dir=place))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextmanager
def alone(place: Path, wait: Callable[[], None] | None = None) -> Iterator[None]:
    """Let one process and one thread at a time make `place`; `wait` is called before it waits for another one.

    For results so large that they must not be made twice at the same time. The lock of a process ends with it.
    """
    path = folder("locks") / f"{place.name}.lock"
    with path.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if wait:
                wait()
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def made_once(place: Path, make: Callable[[Path], None]) -> bool:
    """Let `make` fill a folder, and rename it to `place`. Returns False, and does nothing, if `place` exists."""
    if place.exists():
        return False
    with scratch() as work:
        fresh = work / "result"
        fresh.mkdir()
        make(fresh)
        try:
            fresh.rename(place)
        except OSError:
            # Another process was faster; it made the same from the same facts.
            if not place.exists():
                raise
            return False
    return True


def write(path: Path, data: bytes) -> None:
    """Write a file in one step: a reader sees the old content or the new one."""
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
