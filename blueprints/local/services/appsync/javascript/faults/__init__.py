"""What AppSync refuses when the code of a resolver is deployed.

Source: "Supported runtime features" of the AppSync developer guide, and the rules of the package
@aws-appsync/eslint-plugin, whose names are used here where there is one.

statements  statements and operators
imports     imports and exports
names       globals, the members of the runtime, the context
functions   functions as values, recursion, and methods
"""

import functools
import re
from collections.abc import Iterator
from dataclasses import replace

from blueprints.local.services.appsync.javascript import engine, syntax
from blueprints.local.services.appsync.javascript.faults.fault import CodeFault
from blueprints.local.services.appsync.javascript.faults.functions import function_faults
from blueprints.local.services.appsync.javascript.faults.imports import import_faults
from blueprints.local.services.appsync.javascript.faults.names import name_faults
from blueprints.local.services.appsync.javascript.faults.statements import statement_faults
from blueprints.local.services.appsync.javascript.scopes import Scopes

MAXIMUM_LENGTH = 32_768
"""Characters of the code of one resolver or function."""


def faults(code: str, required: tuple[str, ...] = ("request", "response")) -> list[CodeFault]:
    """What AppSync refuses in the code, in the order of the text. `required` names the functions to export."""
    return list(_faults(code, required))


@functools.lru_cache(maxsize=256)
def _faults(code: str, required: tuple[str, ...]) -> tuple[CodeFault, ...]:
    if len(code) > MAXIMUM_LENGTH:
        message = f"The code has {len(code)} characters; the limit is {MAXIMUM_LENGTH}."
        return (CodeFault(1, 1, "code-size", message),)
    read = syntax.read(code)
    found = {*statement_faults(read), *import_faults(read), *name_faults(read), *function_faults(read)}
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


__all__ = ["CodeFault", "faults"]
