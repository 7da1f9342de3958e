"""Says what to write into requirements.in when a module needs a package that the function does not have."""

from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["requirement"]


@contextmanager
def requirement(line: str) -> Iterator[None]:
    """Import a package in this context; `line` is the line of requirements.in that installs it.

    Raises ModuleNotFoundError, whose message contains the line.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        message = f"{error}; write {line} in requirements.in of the function, and renew requirements.txt"
        raise ModuleNotFoundError(message, name=error.name) from None
