"""How Spark runs on this machine: one process, two threads, a JVM tuned for jobs of seconds.

The base emulator's S3, its credentials and everything else of the job come from the environment, so that neither script
nor template names an endpoint.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from blueprints.packaging.interpreters import Interpreter
from blueprints.packaging.spark.java import Java

_MEMORY = "640m"


def base_settings(jars: Sequence[Path], java_options: Sequence[str], folder: Path) -> dict[str, str]:
    """Spark's settings for every job; `folder` takes its temporary files."""
    options = [
        "-XX:TieredStopAtLevel=1",  # the second compiler pays after minutes
        "-XX:+UseSerialGC",
        "-Duser.timezone=UTC",
        f"-Djava.io.tmpdir={folder}",
        *java_options,
    ]
    return {
        "spark.master": "local[2]",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.shuffle.partitions": "2",
        "spark.default.parallelism": "2",
        "spark.driver.memory": _MEMORY,
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.extraClassPath": os.pathsep.join(map(str, jars)),
        "spark.driver.extraJavaOptions": " ".join(options),
        "spark.local.dir": str(folder),
        "spark.sql.catalogImplementation": "in-memory",
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.sql.session.timeZone": "UTC",
    }


def as_properties(settings: Mapping[str, str]) -> str:
    """Settings as the text of a properties file."""
    return "".join(f"{name} {_escaped(value)}\n" for name, value in settings.items())


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n")


def process_environment(
    java: Java, interpreter: Interpreter, packages: Path, properties: Path, folder: Path
) -> dict[str, str]:
    """The environment variables of a job's process; nothing of this machine's but what is named here."""
    return {
        "HOME": str(folder),
        "JAVA_HOME": str(java.home),
        "LANG": "C.UTF-8",
        "PATH": os.pathsep.join([str(java.home / "bin"), "/usr/bin", "/bin"]),
        "PYSPARK_PYTHON": str(interpreter.path),
        "PYSPARK_SUBMIT_ARGS": f"--properties-file {properties} pyspark-shell",
        "PYTHONPATH": str(packages),
        "PYTHONNOUSERSITE": "1",
        "PYTHONUNBUFFERED": "1",
        "SPARK_LOCAL_IP": "127.0.0.1",
        "TMPDIR": str(folder),
    }
