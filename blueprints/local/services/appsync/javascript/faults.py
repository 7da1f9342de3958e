"""What AppSync refuses when the code of a resolver is deployed.

Source: "Supported runtime features" of the AppSync developer guide, and the rules of the package
@aws-appsync/eslint-plugin, whose names are used here where there is one.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from blueprints.local.services.appsync.javascript import engine, syntax
from blueprints.local.services.appsync.javascript.scopes import Scopes, is_function
from blueprints.local.services.appsync.javascript.supported import (
    CALLBACK_METHODS,
    GLOBALS,
    MEMBERS,
    REFUSED_METHODS,
    SUGGESTIONS,
    UNSUPPORTED_METHODS,
)
from blueprints.local.services.appsync.javascript.syntax import text_of, walk

if TYPE_CHECKING:
    from tree_sitter import Node

MAXIMUM_LENGTH = 32_768
"""Characters of the code of one resolver or function."""


@dataclass(frozen=True, order=True)
class CodeFault:
    """One thing that AppSync refuses, with its place; lines and columns count from 1."""

    line: int
    column: int
    rule: str
    message: str


def faults(code: str, required: tuple[str, ...] = ("request", "response")) -> list[CodeFault]:
    """What AppSync refuses in the code, in the order of the text. `required` names the functions to export."""
    return list(_faults(code, required))


@functools.lru_cache(maxsize=256)
def _faults(code: str, required: tuple[str, ...]) -> tuple[CodeFault, ...]:
    if len(code) > MAXIMUM_LENGTH:
        message = f"The code has {len(code)} characters; the limit is {MAXIMUM_LENGTH}."
        return (CodeFault(1, 1, "code-size", message),)
    read = syntax.read(code)
    found = {*_statements(read), *_imports(read), *_references(read), *_functions(read)}
    if read.root.has_error or not found:
        syntax_errors = tuple(_syntax_error(code))
        if syntax_errors:
            return syntax_errors
    found = found or {*_exports(read, required)}
    return tuple(sorted(_with_column_of_characters(fault, read) for fault in found))


def _with_column_of_characters(fault: CodeFault, read: syntax.Code) -> CodeFault:
    """tree-sitter counts bytes."""
    before = read.text.split(b"\n")[fault.line - 1][: fault.column - 1]
    return replace(fault, column=len(before.decode(errors="replace")) + 1)


def _fault(node: Node, rule: str, message: str) -> CodeFault:
    row, column = node.start_point
    return CodeFault(row + 1, column + 1, rule, message)


def _syntax_error(code: str) -> Iterator[CodeFault]:
    try:
        engine.check_syntax(code)
    except engine.InvalidCode as error:
        place = re.match(r"code\.js:(\d+):(\d+): (.*)", str(error), re.DOTALL)
        if place is None:
            yield CodeFault(1, 1, "syntax", str(error))
        else:
            yield CodeFault(int(place[1]), int(place[2]), "syntax", place[3])


def _exports(read: syntax.Code, required: tuple[str, ...]) -> Iterator[CodeFault]:
    declared = Scopes.of(read).declared
    for name in required:
        if name not in read.exports:
            yield CodeFault(1, 1, "missing-export", f"The code must export a function named '{name}'.")
    for local in read.exports.values():
        if local not in declared:
            yield CodeFault(1, 1, "missing-export", f"The code exports {local}, which it does not declare.")


# Statements and operators

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


def _statements(read: syntax.Code) -> Iterator[CodeFault]:
    for node in walk(read.root):
        refused = _REFUSED_NODES.get(node.type) if node.is_named else None
        if refused is not None:
            yield _fault(node, *refused)
        check = _CHECKS.get(node.type)
        if check is not None:
            yield from check(node)


def _function(node: Node) -> Iterator[CodeFault]:
    if any(child.type == "async" for child in node.children):
        yield _fault(node, "no-async", "async functions are not supported.")
    if any(child.type == "*" for child in node.children):
        yield _fault(node, "no-generators", "Generators are not supported.")


def _update(node: Node) -> Iterator[CodeFault]:
    operator = node.child_by_field_name("operator")
    yield _fault(
        node,
        "no-disallowed-unary-operators",
        f"The operator {text_of(operator) if operator else '++'} is not supported.",
    )


def _unary(node: Node) -> Iterator[CodeFault]:
    operator = node.child_by_field_name("operator")
    if operator is not None and operator.type == "~":
        yield _fault(node, "no-disallowed-unary-operators", "The operator ~ is not supported.")


def _binary(node: Node) -> Iterator[CodeFault]:
    operator = node.child_by_field_name("operator")
    if operator is not None and operator.type == "in":
        yield _fault(node, "no-in-operator", "The operator in is not supported; use Object.hasOwn.")
    elif operator is not None and operator.type == "instanceof":
        yield _fault(node, "no-disallowed-binary-operators", "The operator instanceof is not supported.")


def _loop(node: Node) -> Iterator[CodeFault]:
    if any(child.type == "await" for child in node.children):
        yield _fault(node, "no-await", "for await is not supported.")


def _new(node: Node) -> Iterator[CodeFault]:
    constructor = node.child_by_field_name("constructor")
    if constructor is not None and text_of(constructor) == "Promise":
        yield _fault(node, "no-promise", "Promises are not supported.")


def _call(node: Node) -> Iterator[CodeFault]:
    function = node.child_by_field_name("function")
    if function is not None and function.type == "import":
        yield _fault(node, "no-dynamic-import", "import() is not supported.")


def _return(node: Node) -> Iterator[CodeFault]:
    parent = node.parent
    while parent is not None and not is_function(parent):
        parent = parent.parent
    if parent is None:
        yield _fault(node, "syntax", "SyntaxError: return not in a function")


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


# Imports, and the members of what is imported


def _imports(read: syntax.Code) -> Iterator[CodeFault]:
    for module, node in read.imported_modules.items():
        if module not in syntax.MODULES:
            yield _fault(node, "unsupported-import", _module_message(module))
    for one in read.imports:
        if one.module in syntax.MODULES and one.imported != "*" and one.imported not in MEMBERS[one.module]:
            known = ", ".join(MEMBERS[one.module])
            yield _fault(
                one.node, "unsupported-import", f"{one.module} does not export {one.imported}; it exports {known}."
            )
    for node in walk(read.root):
        if node.type == "export_statement" and (
            node.child_by_field_name("source") is not None or any(child.type == "default" for child in node.children)
        ):
            yield _fault(node, "unsupported-export", "Only functions and constants can be exported, by their names.")


def _module_message(module: str) -> str:
    if module.startswith("@aws-appsync/utils/"):
        return f"The module {module} is not emulated; {' and '.join(syntax.MODULES)} are."
    offered = " and ".join(syntax.MODULES)
    return f"The module {module} cannot be imported; bundle it into the code. AppSync offers {offered}."


# Names


def _references(read: syntax.Code) -> Iterator[CodeFault]:
    scopes = Scopes.of(read)
    for node in scopes.references:
        name = text_of(node)
        if name not in scopes.declared and name not in GLOBALS:
            hint = SUGGESTIONS.get(name)
            yield _fault(
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
            yield _fault(node, "no-disallowed-methods", f"{first}.{rest[0]} is not supported.")


def _known_member(node: Node, first: str, start: str, rest: list[str]) -> Iterator[CodeFault]:
    """A member of an object of the runtime has to exist; a nested path is seen once, at its longest known parent."""
    members = MEMBERS.get(".".join([start, *rest[:-1]]))
    if members is not None and rest[-1] not in members:
        path = ".".join([first, *rest])
        yield _fault(node, "unsupported-member", f"{path} does not exist in APPSYNC_JS or is not emulated.")


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
            yield _fault(node, "no-disallowed-re-assignment", f"{'.'.join(names)} cannot be assigned.")


# Functions as values


def _functions(read: syntax.Code) -> Iterator[CodeFault]:
    scopes = Scopes.of(read)
    yield from _recursion(scopes)
    for node in walk(read.root):
        if node.type == "call_expression":
            yield from _passed_functions(node, scopes)
        elif node.type == "return_statement":
            if node.named_children and _is_function_value(node.named_children[0], scopes):
                yield _fault(node, "no-function-return", "A function cannot be the result of a function.")
        elif node.type in ("variable_declarator", "assignment_expression"):
            value = node.child_by_field_name("value") or node.child_by_field_name("right")
            if value is not None and value.type == "identifier" and _is_function_value(value, scopes):
                yield _fault(node, "no-function-reassign", "A function cannot be assigned to another name.")
        elif node.type == "arrow_function":
            body = node.child_by_field_name("body")
            if body is not None and _is_function_value(body, scopes):
                yield _fault(node, "no-function-return", "A function cannot be the result of a function.")


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
        yield _fault(node, "no-disallowed-methods", f"The method {name} is not supported.")
    if name not in CALLBACK_METHODS and any(_is_function_value(one, scopes) for one in arguments.named_children):
        yield _fault(node, "no-function-passing", "A function can be passed to array methods alone.")
    elif name == "sort" and arguments.named_children:
        yield _fault(node, "no-disallowed-methods", "sort takes no argument in APPSYNC_JS.")


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
            yield _fault(function, "no-recursion", f"The function {name} calls itself; recursion is not supported.")


def _calls(function: Node, scopes: Scopes) -> set[str]:
    """The functions that a function calls by name, in the functions within it too."""
    called = set()
    for node in walk(function):
        target = node.child_by_field_name("function") if node.type == "call_expression" else None
        if target is not None and target.type == "identifier" and text_of(target) in scopes.functions:
            called.add(text_of(target))
    return called
