"""Puts a Glue version's Spark together in the cache: once, with progress, and never again."""

from dataclasses import dataclass
from pathlib import Path

from blueprints import cache
from blueprints.errors import BlueprintError
from blueprints.packaging.bytecode import compile_folder
from blueprints.packaging.installer import install
from blueprints.packaging.interpreters import Interpreter, find
from blueprints.packaging.spark import class_data, jars
from blueprints.packaging.spark.java import REQUIREMENTS as JAVA_REQUIREMENTS
from blueprints.packaging.spark.java import Java, java_for, prepared_java
from blueprints.packaging.spark.versions import GlueVersion
from blueprints.progress import Report

_CONSTRAINTS = Path(__file__).parent.with_name("build_constraints.txt")


@dataclass(frozen=True)
class SparkEnvironment:
    """What a job of one Glue version runs with."""

    version: GlueVersion
    interpreter: Interpreter
    packages: Path
    """A folder for PYTHONPATH: pyspark and the AWS SDK."""
    java: Java
    jars: tuple[Path, ...]
    class_data: Path
    """The JVM's archive of classes."""


def is_prepared(version: GlueVersion) -> bool:
    """Whether the version is complete in the cache, so that nothing is downloaded or recorded."""
    interpreter = find(version.python)
    java = prepared_java(version, interpreter) if interpreter else None
    if interpreter is None or java is None:
        return False
    place = _place(version, interpreter)
    return place.exists() and class_data.is_recorded(java, place.name)


def spark_environment(version: GlueVersion, report: Report | None = None) -> SparkEnvironment:
    """The environment of a version, made at the first call. Raises BlueprintError if this machine cannot run it."""
    interpreter = find(version.python)
    if interpreter is None:
        raise BlueprintError(
            f"Glue {version.name} runs jobs with Python {version.python}, and this machine has none.",
            advice=f"Install it, for example with 'uv python install {version.python}'.",
        )
    place = _place(version, interpreter)

    def wait() -> None:
        if report:
            report(f"waiting for another process that prepares Glue {version.name}")

    with cache.alone(place, wait):
        return _made(version, interpreter, place, report)


def _made(version: GlueVersion, interpreter: Interpreter, place: Path, report: Report | None) -> SparkEnvironment:
    java = java_for(version, interpreter, report)
    packages = place / "packages"

    def make(fresh: Path) -> None:
        _install_packages(version, interpreter, fresh, packages, report)
        (ivy,) = (fresh / "packages").glob("pyspark/jars/ivy-*.jar")
        (fresh / "jars").mkdir()
        jars.download(version.jars, fresh / "jars", java, ivy, report)

    cache.made_once(place, make)
    files = tuple(place / "jars" / each.file for each in version.jars)
    archive = class_data.archive(java, interpreter, packages, files, place.name, report)
    return SparkEnvironment(version, interpreter, packages, java, files, archive)


def _install_packages(
    version: GlueVersion, interpreter: Interpreter, fresh: Path, seen_as: Path, report: Report | None
) -> None:
    if report:
        report(f"installing Spark {version.spark} for Glue {version.name} (about 320 MB, once)")
    options = ["--python", str(interpreter.path), "--build-constraints", str(_CONSTRAINTS)]
    install(version.requirements, fresh / "packages", options, report, subject=f"Glue {version.name}")
    compile_folder(fresh / "packages", seen_as, interpreter)


def _place(version: GlueVersion, interpreter: Interpreter) -> Path:
    pins = "".join(each.sha256 for each in version.jars)
    facts = cache.digest(version.requirements.read_bytes(), pins, interpreter.tag, JAVA_REQUIREMENTS.read_bytes())
    return cache.folder("spark") / f"glue-{version.name}-{facts[:16]}"
