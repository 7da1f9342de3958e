"""Statements and operators that APPSYNC_JS lacks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from blueprints.local.services.appsync.javascript import syntax
from blueprints.local.services.appsync.javascript.faults.fault import CodeFault, fault_at
from blueprints.local.services.appsync.javascript.scopes import is_function
from blueprints.local.services.appsync.javascript.syntax import text_of, walk

if TYPE_CHECKING:
    from tree_sitter import Node

_REFUSED_NODES = {
    "await_expression": ("no-await", "await is not supported."),
    "class": ("no-classes", "Classes are not supported."),
    "class_declaration": ("no-classes", "Classes are not supported."),
    "continue_statement": ("no-continue", "continue is not supported."),
    "debugger_statement": ("no-debugger", "debugger is not supported."),
    "do_statement": ("no-while", "do-while is not supported; use for-of or for-in."),
    "for_statement": (
        "no-for",
        "for (initialization; condition; afterthought) is not supported; use for-of or for-in.",
    ),
    "generator_function": ("no-generators", "Generators are not supported."),
    "generator_function_declaration": ("no-generators", "Generators are not supported."),
    "labeled_statement": ("no-labels", "Labels are not supported."),
    "regex": ("no-regex", "Regular expression literals are not supported; use util.matches."),
    "super": ("no-classes", "Classes are not supported."),
    "this": ("no-this", "this is not supported."),
    "throw_statement": ("no-throw", "throw is not supported; use util.error."),
    "try_statement": ("no-try", "try, catch and finally are not supported."),
    "while_statement": ("no-while", "while is not supported; use for-of or for-in."),
    "with_statement": ("no-with", "with is not supported."),
    "yield_expression": ("no-yield", "yield is not supported."),
    "meta_property": ("no-meta-property", "import.meta and new.target are not supported."),
}

_FUNCTIONS = ("function_declaration", "function_expression", "arrow_function", "method_definition")


def statement_faults(read: syntax.Code) -> Iterator[CodeFault]:
    """The statements, operators and kinds of functions that AppSync refuses."""
    for node in walk(read.root):
        refused = _REFUSED_NODES.get(node.type) if node.is_named else None
        if refused is not None:
            yield fault_at(node, *refused)
        check = _CHECKS.get(node.type)
        if check is not None:
            yield from check(node)


def _function(node: Node) -> Iterator[CodeFault]:
    if any(child.type == "async" for child in node.children):
        yield fault_at(node, "no-async", "async functions are not supported.")
    if any(child.type == "*" for child in node.children):
        yield fault_at(node, "no-generators", "Generators are not supported.")


def _update(node: Node) -> Iterator[CodeFault]:
    operator = node.child_by_field_name("operator")
    yield fault_at(
        node,
        "no-disallowed-unary-operators",
        f"The operator {text_of(operator) if operator else '++'} is not supported.",
    )


def _unary(node: Node) -> Iterator[CodeFault]:
    operator = node.child_by_field_name("operator")
    if operator is not None and operator.type == "~":
        yield fault_at(node, "no-disallowed-unary-operators", "The operator ~ is not supported.")


def _binary(node: Node) -> Iterator[CodeFault]:
    operator = node.child_by_field_name("operator")
    if operator is not None and operator.type == "in":
        yield fault_at(node, "no-in-operator", "The operator in is not supported; use Object.hasOwn.")
    elif operator is not None and operator.type == "instanceof":
        yield fault_at(node, "no-disallowed-binary-operators", "The operator instanceof is not supported.")


def _loop(node: Node) -> Iterator[CodeFault]:
    if any(child.type == "await" for child in node.children):
        yield fault_at(node, "no-await", "for await is not supported.")


def _new(node: Node) -> Iterator[CodeFault]:
    constructor = node.child_by_field_name("constructor")
    if constructor is not None and text_of(constructor) == "Promise":
        yield fault_at(node, "no-promise", "Promises are not supported.")


def _call(node: Node) -> Iterator[CodeFault]:
    function = node.child_by_field_name("function")
    if function is not None and function.type == "import":
        yield fault_at(node, "no-dynamic-import", "import() is not supported.")


def _return(node: Node) -> Iterator[CodeFault]:
    parent = node.parent
    while parent is not None and not is_function(parent):
        parent = parent.parent
    if parent is None:
        yield fault_at(node, "syntax", "SyntaxError: return not in a function")


_CHECKS: dict[str, Callable[[Node], Iterator[CodeFault]]] = {
    **dict.fromkeys(_FUNCTIONS, _function),
    "update_expression": _update,
    "unary_expression": _unary,
    "binary_expression": _binary,
    "for_in_statement": _loop,
    "new_expression": _new,
    "call_expression": _call,
    "return_statement": _return,
}
