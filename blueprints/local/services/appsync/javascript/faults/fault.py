"""One thing that AppSync refuses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node


@dataclass(frozen=True, order=True)
class CodeFault:
    """One thing that AppSync refuses, with its place; lines and columns count from 1."""

    line: int
    column: int
    rule: str
    message: str


def fault_at(node: Node, rule: str, message: str) -> CodeFault:
    """A fault at the beginning of a node. Its column counts bytes, as tree-sitter does."""
    row, column = node.start_point
    return CodeFault(row + 1, column + 1, rule, message)
