"""The packages of Lambda's Python runtime beside the standard library: the AWS SDK and the runtime interface client.

They are installed once per interpreter, in the cache. A function is run as

    PYTHONPATH=<its package>:<this folder> <interpreter> -S -m awslambdaric <handler>

so that it can import what it can on Lambda, and none of the tools' packages.
"""

from dataclasses import dataclass
from pathlib import Path

from blueprints import cache
from blueprints.packaging.bytecode import compile_folder
from blueprints.packaging.installer import install
from blueprints.packaging.interpreters import Interpreter
from blueprints.progress import Report

REQUIREMENTS = Path(__file__).with_name("lambda_runtime_requirements.txt")

_NATIVE_PYTHONS = ("3.10", "3.11", "3.12", "3.13")
_NATIVE_PLATFORMS = ("linux-x86_64", "linux-aarch64")
_WHEELS_ONLY = ("--only-binary", ":all:")


@dataclass(frozen=True)
class RuntimeEnvironment:
    """A folder of packages that is the last on PYTHONPATH."""

    path: Path
    native: bool
    """Whether it has awslambdaric's compiled module `runtime_client`, which AWS does not publish for every platform."""
    interpreter: Interpreter


def runtime_environment(interpreter: Interpreter, report: Report | None = None) -> RuntimeEnvironment:
    """The runtime's packages for an interpreter, installed at the first call."""
    native = has_native_client(interpreter)
    facts = cache.digest(REQUIREMENTS.read_bytes(), interpreter.tag, "native" if native else "pure")
    place = cache.folder("lambda-runtime") / f"python{interpreter.minor}-{facts[:16]}"

    def make(fresh: Path) -> None:
        if report:
            report(f"preparing Lambda's runtime packages for Python {interpreter.version} (once)")
        install(REQUIREMENTS, fresh, _options(interpreter, native=native), report)
        (fresh / ".lock").unlink(missing_ok=True)
        if not native:
            _drop_compiled(fresh)
        compile_folder(fresh, place, interpreter)

    cache.made_once(place, make)
    return RuntimeEnvironment(place, native, interpreter)


def has_native_client(interpreter: Interpreter) -> bool:
    """Whether AWS publishes awslambdaric as a wheel for this interpreter: Linux with glibc, up to Python 3.13."""
    return (
        interpreter.minor in _NATIVE_PYTHONS
        and interpreter.platform in _NATIVE_PLATFORMS
        and interpreter.libc.startswith("glibc")
    )


def _options(interpreter: Interpreter, *, native: bool) -> list[str]:
    options = ["--python", str(interpreter.path), *_WHEELS_ONLY]
    if not native:
        options += ["--python-platform", "x86_64-manylinux_2_28", "--python-version", _NATIVE_PYTHONS[-1]]
    return options


def _drop_compiled(folder: Path) -> None:
    for library in folder.rglob("*.so"):
        library.unlink()
