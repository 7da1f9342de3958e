"""Inspects processes that may end at any moment."""

from collections.abc import Iterable

import psutil


def alive(processes: Iterable[psutil.Process]) -> list[psutil.Process]:
    """Those that still run, zombies left out: where process 1 does not reap they stay for ever."""
    return [each for each in processes if _runs(each)]


def descendants(pid: int) -> list[psutil.Process]:
    """All processes below one that still run; none where it has ended itself."""
    try:
        return alive(psutil.Process(pid).children(recursive=True))
    except psutil.NoSuchProcess:
        return []


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
