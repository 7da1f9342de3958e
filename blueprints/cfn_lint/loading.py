"""Imports cfn-lint, with small substitutes for two large libraries of which it uses little, and loads its rules."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from types import ModuleType
from typing import Any

KNOWN_VERSION = "1.58.0"
"""The version of cfn-lint whose internals this package replaces. Other versions run as they are, and take longer."""
REGION = "us-east-1"
"""The Region whose resource types templates are checked by."""


@cache
def load() -> bool:
    """Import cfn-lint; call this before anything of it is used. Returns whether it is made faster."""
    from importlib.metadata import version

    if version("cfn-lint") != KNOWN_VERSION or "cfnlint" in sys.modules:
        import cfnlint.runner

        return False
    with _substitutes():
        import cfnlint.runner  # noqa: F401

    from blueprints.cfn_lint import contexts, documents, rules, schemas, validators

    for module in (contexts, documents, rules, schemas, validators):
        module.apply()
    return True


@cache
def linter() -> tuple[Any, Any]:
    """cfn-lint's settings and its rules.

    No .cfnlintrc is read: what is found here is found on every machine.
    """
    faster = load()
    from cfnlint.config import ConfigMixIn
    from cfnlint.runner import Runner

    config = ConfigMixIn(["--config-file", os.devnull, "--regions", REGION])
    every = Runner(config).rules
    if faster:
        from blueprints.cfn_lint import rules

        rules.prepare(every)
    return config, every


@contextmanager
def _substitutes() -> Iterator[None]:
    """Put modules in the place of SymPy and NetworkX; who imports those later gets them as they are."""
    from blueprints.cfn_lint import graphs, logic

    substitutes: dict[str, Any] = {
        "networkx": graphs,
        "sympy": logic,
        "sympy.assumptions": logic,
        "sympy.assumptions.cnf": logic,
        "sympy.logic": logic,
        "sympy.logic.boolalg": logic,
        "sympy.logic.inference": logic,
    }
    before = {name: module for name, module in sys.modules.items() if name.split(".")[0] in ("networkx", "sympy")}
    for name in before:
        del sys.modules[name]
    sys.modules.update({name: _named(name, module) for name, module in substitutes.items()})
    try:
        yield
    finally:
        for name in substitutes:
            del sys.modules[name]
        sys.modules.update(before)


def _named(name: str, of: Any) -> ModuleType:
    module = ModuleType(name)
    module.__dict__.update({each: value for each, value in vars(of).items() if not each.startswith("_")})
    module.__path__ = []
    return module
