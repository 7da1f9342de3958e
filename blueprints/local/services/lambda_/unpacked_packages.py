"""Large packages, unpacked once for all embedded AWSs of this machine, in the tools' cache.

Unpacking a package of a thousand files takes longer than starting the function. Only environments that see the folder
read-only may use it. A package in use is locked, so that no other process removes it from the cache.
"""

import fcntl
import os
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

from blueprints.cache import folder, made_once

WORTHWHILE_BYTES = 1_000_000
"""Smaller archives are unpacked quickly, and tests make many of them."""

_MOST = 10
_IDLE_SECONDS = 3600.0
_using = threading.Lock()
_in_use: dict[Path, int] = {}


def shared_package(name: str, make: Callable[[Path], None]) -> Path:
    """The folder of that name, which `make` fills if there is none yet. It stays until this process ends."""
    all_packages = folder("unpacked-packages")
    place = all_packages / name
    with _using:
        while place not in _in_use:
            made_once(place, make)
            handle = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
            fcntl.flock(handle, fcntl.LOCK_SH)
            if _is_at(handle, place):
                os.utime(place)
                _in_use[place] = handle
                _remove_idle(all_packages)
            else:
                os.close(handle)  # it was removed before the lock
    return place


def _is_at(handle: int, place: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), place.stat())
    except FileNotFoundError:
        return False


def _remove_idle(all_packages: Path) -> None:
    """Remove packages that nobody has used for a while, except the newest."""
    limit = time.time() - _IDLE_SECONDS
    by_use = sorted(((each.stat().st_mtime, each.path) for each in os.scandir(all_packages)), reverse=True)
    for used, path in by_use[_MOST:]:
        if used < limit:
            _remove_unless_locked(path)


def _remove_unless_locked(path: str) -> None:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        return  # another process has just removed it
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(path, ignore_errors=True)
    except BlockingIOError:
        return
    finally:
        os.close(handle)
