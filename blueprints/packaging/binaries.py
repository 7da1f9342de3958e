"""Checks that the compiled files of a package fit the machine and the Python that will load them."""

import re
from collections.abc import Iterator
from pathlib import Path

from blueprints.packaging.targets import Target

_MACHINES = {
    0x3E: "x86_64",
    0xB7: "aarch64",
    0x03: "i686",
    0x28: "armv7l",
    0xF3: "riscv64",
    0x15: "ppc64le",
    0x16: "s390x",
}
_LIBRARY = re.compile(r"\.(so(\.\d+)*|dylib|pyd|dll)$")
_PYTHON = re.compile(r"\.(?:cpython-|cp)(\d)(\d+t?)[-.]")


def misfits(folder: Path, target: Target) -> list[str]:
    """Every compiled file that the target cannot load, with the reason."""
    if not target.machine:
        return []
    return [f"{path.relative_to(folder)}: {why}" for path in _libraries(folder) if (why := _misfit(path, target))]


def _libraries(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if _LIBRARY.search(path.name) and path.is_file())


def _misfit(path: Path, target: Target) -> str | None:
    with path.open("rb") as file:
        head = file.read(20)
    if head[:4] != b"\x7fELF":
        return "not a Linux library"
    machine = _MACHINES.get(int.from_bytes(head[18:20], "little"), "another machine")
    if machine != target.machine:
        return f"built for {machine}, not {target.machine}"
    tagged = _PYTHON.search(path.name)
    if tagged and f"{tagged[1]}.{tagged[2]}" != target.python:
        return f"built for Python {tagged[1]}.{tagged[2]}, not {target.python}"
    return None
