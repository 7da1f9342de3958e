"""Reads the code of a resolver: the tree of its syntax, its imports and its exports.

tree-sitter reads; QuickJS decides what a syntax error is.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

MODULES = ("@aws-appsync/utils", "@aws-appsync/utils/dynamodb")
"""The modules that resolvers can import here."""


@dataclass(frozen=True)
class Import:
    """One name that an import statement binds; `imported` is `*` for a whole module, `default` for its default."""

    module: str
    imported: str
    name: str
    node: Node


@dataclass
class Code:
    """Code, read."""

    text: bytes
    root: Node
    imports: list[Import] = field(default_factory=list)
    imported_modules: dict[str, Node] = field(default_factory=dict)
    exports: dict[str, str] = field(default_factory=dict)
    """The local names of what the code exports, by exported name."""
    blanks: list[tuple[int, int]] = field(default_factory=list)
    """The ranges of bytes of import and export statements."""

    def factory(self) -> str:
        """A JavaScript expression: a function that runs the code and returns what it exports.

        The function takes the modules by name, then `util`, `runtime`, `extensions` and `console`. Import and export
        statements become blanks, so that every line stays where it is in the code.
        """
        bindings = "".join(f"const {self._binding(one)};" for one in self.imports)
        exported = ",".join(f'"{name}":{local}' for name, local in self.exports.items())
        return (
            '(function(__modules,util,runtime,extensions,console){"use strict";return(function(){'
            f"{bindings}{self._body()}\nreturn{{{exported}}}}})()}})"
        )

    def module(self) -> tuple[str, str]:
        """The code as a module that ends before it does anything: what to put before it, and the code itself."""
        names = ",".join(one.name for one in self.imports)
        return f"throw 0;{f'let {names};' if names else ''}", self._body()

    def _body(self) -> str:
        body = bytearray(self.text)
        for start, end in self.blanks:
            body[start:end] = bytes(byte if byte in b"\r\n" else 0x20 for byte in body[start:end])
        return body.decode(errors="replace")

    def columns_before(self) -> int:
        """How many characters `factory` puts before the first line of the code."""
        marker = "return(function(){"
        text = self.factory()
        return text.index(marker) + len(marker) + sum(len(f"const {self._binding(one)};") for one in self.imports)

    @staticmethod
    def _binding(one: Import) -> str:
        module = f'__modules["{one.module}"]'
        return f"{one.name}={module}" if one.imported == "*" else f'{one.name}={module}["{one.imported}"]'


def text_of(node: Node) -> str:
    """The text of a node."""
    return (node.text or b"").decode(errors="replace")


def walk(node: Node) -> Iterator[Node]:
    """A node and everything below it, in the order of the text. Does not recurse: code can be nested deeply."""
    waiting = [node]
    while waiting:
        current = waiting.pop()
        yield current
        waiting.extend(reversed(current.children))


@functools.cache
def _parser() -> Parser:
    import tree_sitter_javascript
    from tree_sitter import Language, Parser

    return Parser(Language(tree_sitter_javascript.language()))


def read(code: str) -> Code:
    """Read code; text that is no JavaScript gives nodes of type `ERROR`."""
    text = code.encode(errors="replace")
    found = Code(text, _parser().parse(text).root_node)
    for statement in found.root.named_children:
        if statement.type == "import_statement":
            _read_import(statement, found)
        elif statement.type == "export_statement":
            _read_export(statement, found)
    return found


def _read_import(statement: Node, found: Code) -> None:
    found.blanks.append((statement.start_byte, statement.end_byte))
    source = statement.child_by_field_name("source")
    if source is None:
        return
    module = text_of(source)[1:-1]
    found.imported_modules.setdefault(module, source)
    for node in walk(statement):
        if node.type == "import_specifier":
            imported = node.child_by_field_name("name")
            name = node.child_by_field_name("alias") or imported
            if imported is not None and name is not None:
                found.imports.append(Import(module, text_of(imported), text_of(name), node))
        elif node.type == "namespace_import":
            found.imports.append(Import(module, "*", text_of(node.named_children[-1]), node))
        elif node.type == "import_clause" and node.named_children and node.named_children[0].type == "identifier":
            found.imports.append(Import(module, "default", text_of(node.named_children[0]), node))


def _read_export(statement: Node, found: Code) -> None:
    declaration = statement.child_by_field_name("declaration")
    if declaration is not None and not any(child.type == "default" for child in statement.children):
        found.blanks.append((statement.start_byte, declaration.start_byte))
        for name in _declared_names(declaration):
            found.exports[name] = name
        return
    for node in statement.named_children:
        if node.type == "export_clause" and statement.child_by_field_name("source") is None:
            found.blanks.append((statement.start_byte, statement.end_byte))
            for specifier in node.named_children:
                local = specifier.child_by_field_name("name")
                if specifier.type == "export_specifier" and local is not None:
                    found.exports[text_of(specifier.child_by_field_name("alias") or local)] = text_of(local)


def _declared_names(declaration: Node) -> list[str]:
    if declaration.type in ("lexical_declaration", "variable_declaration"):
        declarators = [child for child in declaration.named_children if child.type == "variable_declarator"]
        return [text_of(name) for one in declarators if (name := one.child_by_field_name("name")) is not None]
    name = declaration.child_by_field_name("name")
    return [] if name is None else [text_of(name)]
