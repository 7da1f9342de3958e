"""Finds the descendants of a process, and measures their memory."""

import os
import sys
from pathlib import Path

import psutil

_PAGE = os.sysconf("SC_PAGE_SIZE")


def descendants(pid: int) -> list[int]:
    """The ids of all processes below one. A process whose parent has ended is not found."""
    if not sys.platform.startswith("linux"):
        try:
            return [each.pid for each in psutil.Process(pid).children(recursive=True)]
        except psutil.Error:
            return []
    try:
        children = [child for task in Path(f"/proc/{pid}/task").iterdir() for child in _children(task)]
    except (FileNotFoundError, ProcessLookupError):
        return []
    return [each for child in children for each in (child, *descendants(child))]


def resident_bytes(pid: int) -> int:
    """Resident size of the process tree below `pid`, in bytes; 0 when it is gone."""
    if sys.platform.startswith("linux"):
        return _linux_tree(pid)
    return _portable_tree(pid)


def _linux_tree(pid: int) -> int:
    # Read straight from /proc: psutil finds children by listing every process of the machine, which costs
    # milliseconds and would be paid a hundred times a second.
    try:
        held = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
        children = [child for task in Path(f"/proc/{pid}/task").iterdir() for child in _children(task)]
    except (FileNotFoundError, ProcessLookupError, IndexError):
        return 0
    return held + sum(_linux_tree(child) for child in children)


def _children(task: Path) -> list[int]:
    try:
        return [int(child) for child in (task / "children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def _portable_tree(pid: int) -> int:
    try:
        process = psutil.Process(pid)
        return sum(int(each.memory_info().rss) for each in (process, *process.children(recursive=True)))
    except psutil.Error:
        return 0
