"""The target of a package: Lambda, or the embedded AWS on this machine."""

import zlib
from dataclasses import dataclass
from typing import Literal

from blueprints import cache
from blueprints.errors import BlueprintError, at
from blueprints.packaging.installer import uv_version
from blueprints.packaging.interpreters import Interpreter, current, find, stand_in
from blueprints.pattern import Function, Pattern

Kind = Literal["host", "lambda"]

_MACHINES = {"arm64": "aarch64", "x86_64": "x86_64"}
# Python 3.12 and later run on Amazon Linux 2023 (glibc 2.34), earlier ones on Amazon Linux 2 (glibc 2.26).
_OLD_PYTHONS = ("3.9", "3.10", "3.11")
_LAYOUT = "2"
"""Change it if the same sources give other packages than before, so that cached packages are not reused."""


@dataclass(frozen=True)
class Target:
    """What determines the wheels and the bytecode of a package."""

    kind: Kind
    python: str
    """The Python that will run the function, such as `3.13`."""
    machine: str
    """`x86_64` or `aarch64`, as ELF files and wheels have it; empty for a host that is not Linux."""
    platform: str | None
    """uv's name of Lambda's platform; None for this machine."""
    interpreter: Interpreter | None
    """Compiles the bytecode; None if this machine has no Python of Lambda's version."""
    warnings: tuple[str, ...]

    @property
    def options(self) -> list[str]:
        """uv's options for this target."""
        options = ["--python", str((self.interpreter or current()).path)]
        if self.platform:
            options += ["--python-platform", self.platform, "--python-version", self.python]
            options += ["--only-binary", ":all:"]
        return options

    @property
    def facts(self) -> dict[str, str]:
        """Everything except the sources that the bytes of a package depend on."""
        return {
            "target": self.kind,
            "python": self.python,
            "platform": self.platform or "host",
            "interpreter": self.interpreter.tag if self.interpreter else "",
            "uv": uv_version(),
            "zlib": zlib.ZLIB_RUNTIME_VERSION,
            "layout": _LAYOUT,
        }

    @property
    def digest(self) -> str:
        """A digest of the facts."""
        return cache.digest(*(part for fact in sorted(self.facts.items()) for part in fact))


def resolve(pattern: Pattern, function: Function, kind: Kind) -> Target:
    """The target of a function's package. Raises BlueprintError if its runtime is not Python."""
    if not function.python:
        raise BlueprintError(
            f"{function.logical_id} runs on {function.runtime}; only Python functions can be built here.",
            where=at(pattern.template, function.line),
            advice="Write 'Runtime: python3.13'.",
        )
    return _host(function) if kind == "host" else _lambda(function)


def _host(function: Function) -> Target:
    chosen = stand_in(function.python)
    interpreter = chosen.interpreter
    machine = interpreter.platform.removeprefix("linux-") if interpreter.platform.startswith("linux-") else ""
    warnings = () if chosen.is_wanted else (f"{function.logical_id} runs on {chosen}.",)
    return Target("host", interpreter.minor, machine, None, interpreter, warnings)


def _lambda(function: Function) -> Target:
    machine = _MACHINES[function.architecture]
    libc = "manylinux_2_17" if function.python in _OLD_PYTHONS else "manylinux_2_28"
    interpreter = find(function.python)
    loudly = (
        f"{function.logical_id} is packaged WITHOUT bytecode: this machine has no Python {function.python}, and "
        f"without it every cold start compiles the code again. 'uv python install {function.python}' installs it."
    )
    warnings = () if interpreter else (loudly,)
    return Target("lambda", function.python, machine, f"{machine}-{libc}", interpreter, warnings)
