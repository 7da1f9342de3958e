"""Functions as values, recursion, and methods."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from blueprints.local.services.appsync.javascript import syntax
from blueprints.local.services.appsync.javascript.faults.fault import CodeFault, fault_at
from blueprints.local.services.appsync.javascript.scopes import Scopes, is_function
from blueprints.local.services.appsync.javascript.supported import CALLBACK_METHODS, REFUSED_METHODS
from blueprints.local.services.appsync.javascript.syntax import text_of, walk

if TYPE_CHECKING:
    from tree_sitter import Node


def function_faults(read: syntax.Code) -> Iterator[CodeFault]:
    """Functions that are passed, returned or assigned, that call themselves, and methods that AppSync lacks."""
    scopes = Scopes.of(read)
    yield from _recursion(scopes)
    for node in walk(read.root):
        if node.type == "call_expression":
            yield from _passed_functions(node, scopes)
        elif node.type == "return_statement":
            if node.named_children and _is_function_value(node.named_children[0], scopes):
                yield fault_at(node, "no-function-return", "A function cannot be the result of a function.")
        elif node.type in ("variable_declarator", "assignment_expression"):
            value = node.child_by_field_name("value") or node.child_by_field_name("right")
            if value is not None and value.type == "identifier" and _is_function_value(value, scopes):
                yield fault_at(node, "no-function-reassign", "A function cannot be assigned to another name.")
        elif node.type == "arrow_function":
            body = node.child_by_field_name("body")
            if body is not None and _is_function_value(body, scopes):
                yield fault_at(node, "no-function-return", "A function cannot be the result of a function.")


def _is_function_value(node: Node, scopes: Scopes) -> bool:
    if node.type == "parenthesized_expression" and node.named_children:
        return _is_function_value(node.named_children[0], scopes)
    return is_function(node) or (node.type == "identifier" and text_of(node) in scopes.functions)


def _passed_functions(node: Node, scopes: Scopes) -> Iterator[CodeFault]:
    function = node.child_by_field_name("function")
    arguments = node.child_by_field_name("arguments")
    if function is None or arguments is None:
        return
    method = function.child_by_field_name("property") if function.type == "member_expression" else None
    name = text_of(method) if method is not None else None
    receiver = function.child_by_field_name("object")
    if name in REFUSED_METHODS and receiver is not None and text_of(receiver) != "Object":
        yield fault_at(node, "no-disallowed-methods", f"The method {name} is not supported.")
    if name not in CALLBACK_METHODS and any(_is_function_value(one, scopes) for one in arguments.named_children):
        yield fault_at(node, "no-function-passing", "A function can be passed to array methods alone.")
    elif name == "sort" and arguments.named_children:
        yield fault_at(node, "no-disallowed-methods", "sort takes no argument in APPSYNC_JS.")


def _recursion(scopes: Scopes) -> Iterator[CodeFault]:
    for name, function in scopes.functions.items():
        called = _calls(function, scopes)
        reached: set[str] = set()
        while called:
            other = called.pop()
            if other not in reached:
                reached.add(other)
                called |= _calls(scopes.functions[other], scopes)
        if name in reached:
            yield fault_at(function, "no-recursion", f"The function {name} calls itself; recursion is not supported.")


def _calls(function: Node, scopes: Scopes) -> set[str]:
    """The functions that a function calls by name, in the functions within it too."""
    called = set()
    for node in walk(function):
        target = node.child_by_field_name("function") if node.type == "call_expression" else None
        if target is not None and target.type == "identifier" and text_of(target) in scopes.functions:
            called.add(text_of(target))
    return called
