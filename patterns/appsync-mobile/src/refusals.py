"""Expected errors, which the client gets."""

from collections.abc import Mapping
from typing import Any


class Refused(Exception):
    """A request is refused: `kind` is its errorType, the message is for people, `data` and `info` are for programs."""

    def __init__(self, kind: str, message: str, data: Any = None, info: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.kind, self.data, self.info = kind, data, info
