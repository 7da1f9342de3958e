"""Spark for tests: of `blueprints`, which keeps one in its cache, or the package pyspark of this environment.

That of `blueprints` is the Spark of the template's Glue version, or of the version in TESTED_GLUE_VERSION. With the
package, Spark downloads Iceberg from Maven Central at its first start.
"""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from template_facts import TEMPLATE

ICEBERG = {
    "3.5": "org.apache.iceberg:iceberg-spark-runtime-3.5_2.12:1.10.0",
    "4.1": "org.apache.iceberg:iceberg-spark-runtime-4.1_2.13:1.11.0",
}
"""By the version of Spark."""
JAVA = (17, 21)
_SETTINGS = {
    "spark.master": "local[2]",
    "spark.ui.enabled": "false",
    "spark.sql.shuffle.partitions": "1",
    "spark.default.parallelism": "1",
    "spark.sql.extensions": "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
    "spark.sql.catalog.lake": "org.apache.iceberg.spark.SparkCatalog",
    "spark.sql.catalog.lake.type": "hadoop",
    "spark.sql.catalog.lake.cache-enabled": "false",
    "spark.sql.session.timeZone": "UTC",
}


def tested_glue_version() -> str:
    """The Glue version of the template's jobs; the environment variable TESTED_GLUE_VERSION chooses another one."""
    of_jobs = set(re.findall(r"^ +GlueVersion: *[\"']?([\d.]+)", TEMPLATE, re.MULTILINE))
    assert len(of_jobs) == 1, f"the jobs of template.yaml need one GlueVersion, and have {sorted(of_jobs)}"
    return os.environ.get("TESTED_GLUE_VERSION") or of_jobs.pop()


class NoSpark(Exception):
    """Spark does not run here; the message says why, and what to install."""


def curate_orders() -> ModuleType:
    """The job's module, which imports pyspark. Raises NoSpark."""
    _find_pyspark()
    import curate_orders

    return curate_orders


def local_spark(folder: Path) -> Any:
    """A Spark session whose Iceberg catalog `lake` is in a folder. Raises NoSpark."""
    settings = {**_find_pyspark(), **_SETTINGS, "spark.sql.catalog.lake.warehouse": str(folder / "lake")}
    settings["spark.local.dir"] = str(folder)
    from pyspark.sql import SparkSession

    os.environ |= {"PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}
    builder = SparkSession.builder
    for name, value in settings.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def _find_pyspark() -> dict[str, str]:
    """Make pyspark importable; return the settings with which it finds Iceberg."""
    if importlib.util.find_spec("blueprints") is None:
        if importlib.util.find_spec("pyspark") is None:
            raise NoSpark("install tests/requirements-spark.txt")
        if _java_version() not in JAVA:
            raise NoSpark(f"install Java {JAVA[0]}, and let JAVA_HOME name its folder")
        return {"spark.jars.packages": _iceberg()}
    from blueprints.errors import BlueprintError
    from blueprints.packaging.spark import glue_version, spark_environment
    from blueprints.packaging.spark.settings import base_settings

    version = tested_glue_version()
    try:
        environment = spark_environment(glue_version(version))
    except BlueprintError as error:
        raise NoSpark(str(error)) from error
    if f"{sys.version_info.major}.{sys.version_info.minor}" != environment.version.python:
        raise NoSpark(f"Glue {version} has Python {environment.version.python}; run these tests with it")
    if str(environment.packages) not in sys.path:
        sys.path.append(str(environment.packages))
    os.environ["JAVA_HOME"] = str(environment.java.home)
    shared = [f"-XX:SharedArchiveFile={environment.class_data}"] if environment.class_data.exists() else []
    return base_settings(environment.jars, [*shared, "-Xshare:auto"], Path(os.environ.get("TMPDIR", "/tmp")))


def _iceberg() -> str:
    """The Maven coordinates of the Iceberg for the installed pyspark."""
    import pyspark

    version = pyspark.__version__.rpartition(".")[0]
    if version not in ICEBERG:
        raise NoSpark(f"install pyspark {' or '.join(ICEBERG)}, for which local_spark.py names an Iceberg")
    return ICEBERG[version]


def _java_version() -> int | None:
    """The major version of the Java that Spark would start; None if there is none."""
    home = os.environ.get("JAVA_HOME")
    try:
        program = str(Path(home) / "bin" / "java") if home else "java"
        answer = subprocess.run([program, "-version"], capture_output=True, text=True, check=False)
    except OSError:
        return None
    found = re.search(r'version "(\d+)', answer.stderr)
    return int(found[1]) if found else None
