"""The names in the code of a resolver: which are declared, which are used, which are functions.

Names are taken for the whole code, not by block: good enough to find what is not declared anywhere, without ever
refusing what is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from blueprints.local.services.appsync.javascript.syntax import Code, text_of, walk

if TYPE_CHECKING:
    from tree_sitter import Node

FUNCTION_TYPES = frozenset(("function_declaration", "function_expression", "arrow_function", "method_definition",
    "generator_function", "generator_function_declaration"))  # fmt: skip
_PATTERNS = frozenset(("object_pattern", "array_pattern", "rest_pattern", "pair_pattern", "formal_parameters"))


@dataclass
class Scopes:
    """The names of one code."""

    declared: set[str] = field(default_factory=set)
    references: list[Node] = field(default_factory=list)
    """Identifiers that are used as values."""
    functions: dict[str, Node] = field(default_factory=dict)
    """Functions that have a name of their own, by that name; a name that is declared twice is left out."""
    contexts: set[str] = field(default_factory=set)
    """The names of the first parameters of `request` and `response`."""

    @classmethod
    def of(cls, code: Code) -> Scopes:
        """The names in the code."""
        found = cls(declared={one.name for one in code.imports})
        twice: set[str] = set()
        for node in walk(code.root):
            if node.type in ("identifier", "shorthand_property_identifier"):
                found._identifier(node)
            elif node.type == "shorthand_property_identifier_pattern":
                found.declared.add(text_of(node))
            elif is_function(node):
                name = function_name(node)
                if name is not None:
                    if name in found.functions:
                        twice.add(name)
                    found.functions.setdefault(name, node)
                if name in ("request", "response"):
                    found._context(node)
        for name in twice:
            del found.functions[name]
        return found

    def _identifier(self, node: Node) -> None:
        parent = node.parent
        if parent is None or parent.type in (
            "import_specifier",
            "namespace_import",
            "import_clause",
            "export_specifier",
        ):
            return
        if _declares(node, parent):
            self.declared.add(text_of(node))
        elif parent.type not in ("labeled_statement", "break_statement", "continue_statement", "meta_property"):
            self.references.append(node)

    def _context(self, function: Node) -> None:
        parameters = function.child_by_field_name("parameters")
        first = parameters.named_children[0] if parameters is not None and parameters.named_children else None
        first = first or function.child_by_field_name("parameter")
        if first is not None and first.type == "identifier":
            self.contexts.add(text_of(first))


def is_function(node: Node) -> bool:
    """Whether a node is a function of any form."""
    return node.is_named and node.type in FUNCTION_TYPES


def function_name(node: Node) -> str | None:
    """The name by which a function is called: its own, or that of the variable it is the value of."""
    name = node.child_by_field_name("name")
    if name is not None and node.type != "method_definition":
        return text_of(name)
    parent = node.parent
    if parent is not None and parent.type == "variable_declarator" and parent.child_by_field_name("value") == node:
        variable = parent.child_by_field_name("name")
        return text_of(variable) if variable is not None and variable.type == "identifier" else None
    return None


def _declares(node: Node, parent: Node) -> bool:
    if parent.type in _PATTERNS or parent.type == "catch_clause":
        return True
    if parent.type in ("assignment_pattern", "object_assignment_pattern"):
        return parent.child_by_field_name("left") == node
    if parent.type == "arrow_function":
        return parent.child_by_field_name("parameter") == node
    if parent.type == "for_in_statement":
        return parent.child_by_field_name("left") == node and parent.child_by_field_name("kind") is not None
    if parent.type in ("variable_declarator", "class_declaration", "class", *FUNCTION_TYPES):
        return parent.child_by_field_name("name") == node
    return False
