"""Copies a pattern into a folder that needs nothing of this project to be built, tested and run."""

import shutil
import uuid
from dataclasses import dataclass
from pathlib import Path

from blueprints.errors import BlueprintError, at
from blueprints.packaging.file_selection import select
from blueprints.packaging.lock import SHARED
from blueprints.packaging.shared_wheel import shared_wheel
from blueprints.pattern import REQUIREMENTS, Pattern
from blueprints.progress import Report

VENDOR = "vendor"


@dataclass(frozen=True)
class Copy:
    """A pattern's copy: its folder, and the wheel of the shared package in it, if its functions need that."""

    folder: Path
    vendored: str | None


def copy(pattern: Pattern, destination: Path, report: Report | None = None) -> Copy:
    """Copy a pattern in one step. Raises BlueprintError if the destination exists and is not an empty folder."""
    destination = destination.absolute()
    _check_destination(pattern, destination)
    _check_code_is_inside(pattern)
    destination.parent.mkdir(parents=True, exist_ok=True)
    fresh = destination.parent / f".{destination.name}-{uuid.uuid4().hex[:8]}"
    try:
        _copy_files(pattern.folder, fresh)
        vendored = _vendor_shared(fresh, pattern, report)
        if destination.is_dir():
            destination.rmdir()  # empty, as _check_destination saw
        fresh.rename(destination)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return Copy(destination, vendored)


def _check_code_is_inside(pattern: Pattern) -> None:
    folder = pattern.folder.resolve()
    for function in pattern.functions:
        if not function.code.is_relative_to(folder):
            raise BlueprintError(
                f"The code of {function.logical_id} is outside the pattern's folder, so a copy would lack it.",
                where=at(pattern.template, function.line),
                advice="Move it into the folder, or put a symbolic link to it there; the link's target is copied.",
            )


def _copy_files(source: Path, destination: Path) -> None:
    """Copy the selected files of a folder; symbolic links are replaced by their targets."""
    destination.mkdir()
    for each in select(source, libraries=True).files:
        place = destination / each.name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(each.path, place)
        if each.program:
            mode = place.stat().st_mode
            place.chmod(mode | (mode & 0o444) >> 2)  # who can read it can execute it


def _check_destination(pattern: Pattern, destination: Path) -> None:
    if destination.is_relative_to(pattern.folder):
        raise BlueprintError(f"{at(destination)} is inside the pattern itself.", advice="Name a folder somewhere else.")
    if destination.exists() and (not destination.is_dir() or any(destination.iterdir())):
        raise BlueprintError(
            f"{at(destination)} exists already.", advice="Name a folder that does not exist, or an empty one."
        )


def _vendor_shared(folder: Path, pattern: Pattern, report: Report | None) -> str | None:
    """Put the wheel of the shared package beside the code folders, and name its folder in their requirements.

    It is not inside a code folder, as that is packaged for Lambda. SAM's builder, pip and uv all resolve `--find-links`
    against the file that has it; they resolve a path of a wheel against the working folder.
    """
    locks = [lock for lock in _locks(folder, pattern) if SHARED in lock.read_text(encoding="utf-8")]
    wheel = shared_wheel(report) if locks else None
    if wheel is None:
        return None
    for lock in locks:
        # If the code folder is the copy itself, the wheel is inside; a build leaves such a folder out.
        place = VENDOR if lock.parent == folder else f"../{VENDOR}"
        vendor = lock.parent / place
        vendor.mkdir(exist_ok=True)
        shutil.copyfile(wheel, vendor / wheel.name)
        line = f"--find-links {place}\n"
        for file in filter(Path.is_file, (lock, lock.with_suffix(".in"))):
            text = file.read_text(encoding="utf-8")
            if line not in text:
                file.write_text(line + text, encoding="utf-8")
    return wheel.name


def _locks(folder: Path, pattern: Pattern) -> list[Path]:
    """The copies of the functions' requirements.txt, each once."""
    codes = {function.code.relative_to(pattern.folder.resolve()) for function in pattern.functions}
    return [folder / code / REQUIREMENTS for code in sorted(codes) if (folder / code / REQUIREMENTS).is_file()]
