"""The error for mistakes that the user can correct."""

from pathlib import Path


class BlueprintError(Exception):
    """A mistake that the user can correct: what happened, where, and what to do next.

    The command line prints it without a traceback. Any other exception is a defect of the tools.
    """

    def __init__(self, what: str, *, where: str | None = None, advice: str | None = None) -> None:
        self.what = what
        self.where = where
        self.advice = advice
        super().__init__(what)

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        step = f"\n  {self.advice}" if self.advice else ""
        return f"{place}{self.what}{step}"


def at(path: Path, line: int | None = None) -> str:
    """`file:line`, relative to the working directory if the file is below it."""
    if path.is_absolute() and path.is_relative_to(Path.cwd()):
        path = path.relative_to(Path.cwd())
    return f"{path}:{line}" if line else str(path)
