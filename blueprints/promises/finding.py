"""One breach of a promise, as it is reported."""

from dataclasses import dataclass
from pathlib import Path

from blueprints.errors import at


@dataclass(frozen=True, order=True)
class Finding:
    """One breach of a promise: where it is, which rule it breaks, what is wrong and what to write."""

    file: Path
    line: int
    rule: str
    message: str

    def __str__(self) -> str:
        return f"{at(self.file, self.line)}: {self.rule}: {self.message}"
