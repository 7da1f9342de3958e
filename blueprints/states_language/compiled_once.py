"""Remembers what parts of definitions were compiled to."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

_MOST = 20_000

T = TypeVar("T")


class CompiledOnce(Generic[T]):
    """Compiles each part of a definition once. Parts are recognised by identity, so they must never be changed.

    The part is kept beside what it was compiled to: its identity stays taken for as long as the entry exists.
    """

    def __init__(self, build: Callable[[Any], T]) -> None:
        self._build = build
        self._compiled: dict[int, tuple[Any, T]] = {}

    def __call__(self, part: Any) -> T:
        """Return what the part compiles to."""
        known = self._compiled.get(id(part))
        if known is not None:
            return known[1]
        compiled = self._build(part)
        if len(self._compiled) >= _MOST:
            self._compiled.clear()
        self._compiled[id(part)] = (part, compiled)
        return compiled
