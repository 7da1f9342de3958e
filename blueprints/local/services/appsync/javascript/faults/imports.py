"""Imports and exports."""

from __future__ import annotations

from collections.abc import Iterator

from blueprints.local.services.appsync.javascript import syntax
from blueprints.local.services.appsync.javascript.faults.fault import CodeFault, fault_at
from blueprints.local.services.appsync.javascript.supported import MEMBERS
from blueprints.local.services.appsync.javascript.syntax import walk


def import_faults(read: syntax.Code) -> Iterator[CodeFault]:
    """Modules and members that cannot be imported, and forms of exports that AppSync refuses."""
    for module, node in read.imported_modules.items():
        if module not in syntax.MODULES:
            yield fault_at(node, "unsupported-import", _module_message(module))
    for one in read.imports:
        if one.module in syntax.MODULES and one.imported != "*" and one.imported not in MEMBERS[one.module]:
            known = ", ".join(MEMBERS[one.module])
            yield fault_at(
                one.node, "unsupported-import", f"{one.module} does not export {one.imported}; it exports {known}."
            )
    for node in walk(read.root):
        if node.type == "export_statement" and (
            node.child_by_field_name("source") is not None or any(child.type == "default" for child in node.children)
        ):
            yield fault_at(node, "unsupported-export", "Only functions and constants can be exported, by their names.")


def _module_message(module: str) -> str:
    if module.startswith("@aws-appsync/utils/"):
        return f"The module {module} is not emulated; {' and '.join(syntax.MODULES)} are."
    offered = " and ".join(syntax.MODULES)
    return f"The module {module} cannot be imported; bundle it into the code. AppSync offers {offered}."
