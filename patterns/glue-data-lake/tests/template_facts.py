"""Reads handlers and parameters from the template, so that renaming them needs no change of the tests."""

import importlib
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

PATTERN = Path(__file__).parent.parent
TEMPLATE = (PATTERN / "template.yaml").read_text(encoding="utf-8")


def code_folder() -> Path:
    """The folder of the functions' code."""
    named = re.search(r"^ +CodeUri: *(\S+)", TEMPLATE, re.MULTILINE)
    assert named, "template.yaml names no CodeUri"
    return PATTERN / named[1]


def handler_of(function: str) -> tuple[str, str]:
    """The module of a function's handler, and the handler's name; `function` is a logical id."""
    resource = re.search(rf"^  {function}:\n((?:(?:    .*)?\n)*)", TEMPLATE, re.MULTILINE)
    handler = resource and re.search(r"^ +Handler: *([\w./]+)\.(\w+)", resource[1], re.MULTILINE)
    if not handler:
        raise LookupError(
            f"template.yaml has no function {function}: write its new name in the tests, or remove those that need it"
        )
    return handler[1].replace("/", "."), handler[2]


def variables_by_default() -> dict[str, str]:
    """The environment variables that hold a parameter, with the parameter's default."""
    found = {}
    for variable, parameter in re.findall(r"^ {6,}([A-Z][A-Z0-9_]*): *!Ref (\w+)$", TEMPLATE, re.MULTILINE):
        default = re.search(rf"^  {parameter}:\n(?:    .*\n)*?    Default: *(.*)$", TEMPLATE, re.MULTILINE)
        if default:
            found[variable] = default[1].strip("\"'")
    return found


def import_anew(function: str) -> Any:
    """Import the module of a function's handler again, which creates its settings and clients; sets its `handler`."""
    module_name, name = handler_of(function)
    sys.modules.pop(module_name, None)
    module: ModuleType = importlib.import_module(module_name)
    vars(module)["handler"] = getattr(module, name)
    return module
