"""Names: globals, the members of the runtime, the context."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from blueprints.local.services.appsync.javascript import syntax
from blueprints.local.services.appsync.javascript.faults.fault import CodeFault, fault_at
from blueprints.local.services.appsync.javascript.scopes import Scopes
from blueprints.local.services.appsync.javascript.supported import GLOBALS, MEMBERS, SUGGESTIONS, UNSUPPORTED_METHODS
from blueprints.local.services.appsync.javascript.syntax import text_of, walk

if TYPE_CHECKING:
    from tree_sitter import Node


def name_faults(read: syntax.Code) -> Iterator[CodeFault]:
    """Names that are declared nowhere, members that the runtime lacks, and assignments to the context."""
    scopes = Scopes.of(read)
    for node in scopes.references:
        name = text_of(node)
        if name not in scopes.declared and name not in GLOBALS:
            hint = SUGGESTIONS.get(name)
            yield fault_at(
                node, "unknown-name", f"{name} is not available in APPSYNC_JS{f'; use {hint}' if hint else ''}."
            )
    yield from _members(read, scopes)
    yield from _context_assignments(read, scopes)


def _members(read: syntax.Code, scopes: Scopes) -> Iterator[CodeFault]:
    objects = {name: name for name in ("util", "runtime", "extensions") if name not in scopes.declared}
    for one in read.imports:
        if one.module == "@aws-appsync/utils":
            objects[one.name] = one.imported if one.imported != "*" else one.module
        elif one.module in syntax.MODULES:
            objects[one.name] = one.module if one.imported == "*" else f"{one.module}.{one.imported}"
    for node in walk(read.root):
        if node.type != "member_expression":
            continue
        path = _path(node)
        if path is None:
            continue
        first, *rest = path
        if first in objects:
            yield from _known_member(node, first, objects[first], rest)
        elif len(rest) == 1 and f"{first}.{rest[0]}" in UNSUPPORTED_METHODS and first not in scopes.declared:
            yield fault_at(node, "no-disallowed-methods", f"{first}.{rest[0]} is not supported.")


def _known_member(node: Node, first: str, start: str, rest: list[str]) -> Iterator[CodeFault]:
    """A member of an object of the runtime has to exist; a nested path is seen once, at its longest known parent."""
    members = MEMBERS.get(".".join([start, *rest[:-1]]))
    if members is not None and rest[-1] not in members:
        path = ".".join([first, *rest])
        yield fault_at(node, "unsupported-member", f"{path} does not exist in APPSYNC_JS or is not emulated.")


def _path(node: Node) -> list[str] | None:
    """`util.time.nowISO8601` as its names; None for anything that is not a chain of names."""
    names: list[str] = []
    current: Node | None = node
    while current is not None and current.type == "member_expression":
        member = current.child_by_field_name("property")
        if member is None:
            return None
        names.append(text_of(member))
        current = current.child_by_field_name("object")
    if current is None or current.type != "identifier":
        return None
    return [text_of(current), *reversed(names)]


def _context_assignments(read: syntax.Code, scopes: Scopes) -> Iterator[CodeFault]:
    for node in walk(read.root):
        if node.type not in ("assignment_expression", "augmented_assignment_expression"):
            continue
        left = node.child_by_field_name("left")
        if left is None:
            continue
        names = (
            [text_of(left)] if left.type == "identifier" else _path(left) if left.type == "member_expression" else None
        )
        if names and len(names) <= 2 and names[0] in scopes.contexts and (len(names) == 1 or names[1] != "stash"):
            yield fault_at(node, "no-disallowed-re-assignment", f"{'.'.join(names)} cannot be assigned.")
