"""Exports: a name belongs to one stack, and no export is removed or changed while another stack imports it.

In the base emulator an update may remove or change an export that is in use, the name of a removed output stays taken,
and the last stack that exports a name gets it.
Source: AWS CloudFormation User Guide, "Get exported outputs from a deployed CloudFormation stack".
"""

from collections.abc import Callable
from typing import Any

from blueprints.local.base.internals import Internal

RESOLVE = Internal(
    "services.cloudformation.stacks",
    "_resolve_stack_outputs",
    ("outputs_defs", "conditions", "resources", "param_values", "mappings", "stack_name", "stack_id"),
)
IMPORTS = Internal("services.cloudformation.handlers", "_imported_export_names", ("stack", "stack_name"))
EXPORTS = Internal("services.cloudformation", "_exports")
STACKS = Internal("services.cloudformation", "_stacks")

_Exports = dict[str, dict[str, str]]


def install() -> None:
    """Check a stack's exports after its resources are complete; a ValueError rolls the operation back."""
    resolve: Callable[..., tuple[list[Any], _Exports]] = RESOLVE.current()

    def resolve_and_check(
        outputs_defs: Any,
        conditions: Any,
        resources: Any,
        param_values: Any,
        mappings: Any,
        stack_name: str,
        stack_id: str,
    ) -> tuple[list[Any], _Exports]:
        outputs, exports = resolve(outputs_defs, conditions, resources, param_values, mappings, stack_name, stack_id)
        _check(exports, stack_name, stack_id)
        return outputs, exports

    RESOLVE.replace(resolve_and_check)


def _check(exports: _Exports, stack_name: str, stack_id: str) -> None:
    registered = EXPORTS.current()
    for name in exports:
        owner = registered.get(name, {}).get("StackId", stack_id)
        if owner != stack_id:
            raise ValueError(f"Export with name {name} is already exported by stack {owner.split('/')[1]}.")
    before = {name: export for name, export in registered.items() if export.get("StackId") == stack_id}
    for name, export in before.items():
        if exports.get(name, {}).get("Value") == export["Value"]:
            continue
        users = _importing(name, stack_name)
        if users:
            happens = "updated" if name in exports else "deleted"
            raise ValueError(f"Export {name} cannot be {happens} as it is in use by {', '.join(users)}")
    for name in before.keys() - exports.keys():
        registered.pop(name, None)


def _importing(export: str, exporting: str) -> list[str]:
    """The names of the stacks that import an export."""
    return sorted(
        name
        for name, stack in STACKS.current().items()
        if name != exporting
        and not stack.get("StackStatus", "").startswith("DELETE_COMPLETE")
        and export in IMPORTS.current()(stack, name)
    )
