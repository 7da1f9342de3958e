"""What a check finds: one thing that is wrong, where it is, and what to write instead."""

from dataclasses import dataclass, field
from pathlib import Path

from blueprints.errors import at


@dataclass(frozen=True, order=True)
class Finding:
    """One thing that is wrong in a file."""

    file: Path
    line: int
    """0 if it is about the file as a whole."""
    rule: str = field(default="", kw_only=True)
    """The name of the broken rule, such as `functions-are-traced`."""
    message: str
    """What is wrong, and what to write."""

    @property
    def where(self) -> str:
        """`file:line`, or the file alone."""
        return at(self.file, self.line or None)

    def __str__(self) -> str:
        return ": ".join(each for each in (self.where, self.rule, self.message) if each)
