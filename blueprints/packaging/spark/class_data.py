"""The JVM's archive of classes (AppCDS): with it a Spark session starts in a quarter of the CPU time.

The archive holds the classes that one small job loads, already parsed and linked. The JVM uses it only with the same
Java and the same class path, and ignores it otherwise.
Source: JEP 350, "Dynamic CDS Archives".
"""

import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from blueprints import cache
from blueprints.errors import BlueprintError
from blueprints.packaging.interpreters import Interpreter
from blueprints.packaging.spark.java import Java
from blueprints.packaging.spark.settings import as_properties, base_settings, process_environment
from blueprints.progress import Report

_TRAINING = Path(__file__).with_name("class_data_training.py")
_SECONDS = 600.0
_NO_OWN_ARCHIVE = "base CDS archive is not loaded"
"""What a Java says that was installed without the archive of its own classes."""


def archive(
    java: Java, interpreter: Interpreter, packages: Path, jars: Sequence[Path], name: str, report: Report | None
) -> Path:
    """The archive for this Java and these jars, made at the first call. It may not exist, if the JVM made none."""
    place = _place(java, name)

    def make(fresh: Path) -> None:
        if report:
            report("recording the classes that Spark loads, so that jobs start faster (once)")
        _train(fresh / "classes.jsa", java, interpreter, packages, jars)

    cache.made_once(place, make)
    return place / "classes.jsa"


def is_recorded(java: Java, name: str) -> bool:
    """Whether the archive of an environment was made for this Java."""
    return _place(java, name).exists()


def _place(java: Java, name: str) -> Path:
    return cache.folder("spark-class-data") / f"{name}-java-{java.version}"


def _train(path: Path, java: Java, interpreter: Interpreter, packages: Path, jars: Sequence[Path]) -> None:
    with tempfile.TemporaryDirectory(dir=cache.folder("uv")) as folder:
        work = Path(folder)
        settings = base_settings(jars, [f"-XX:ArchiveClassesAtExit={path}"], work)
        properties = work / "spark.conf"
        properties.write_text(as_properties(settings), encoding="utf-8")
        environment = process_environment(java, interpreter, packages, properties, work)
        try:
            subprocess.run(
                [interpreter.path, _TRAINING, work],
                env=environment,
                cwd=work,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=_SECONDS,
                check=True,
            )
        except subprocess.TimeoutExpired:
            raise BlueprintError("Spark did not start within 10 minutes.", advice="Run this again.") from None
        except subprocess.CalledProcessError as error:
            if _NO_OWN_ARCHIVE in error.stderr:
                return  # jobs start without an archive
            raise BlueprintError(
                f"Spark does not start with the Java in {java.home}.",
                advice=f"Set JAVA_HOME to another Java. Spark says:\n{error.stderr[-2000:]}",
            ) from error
