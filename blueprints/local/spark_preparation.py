"""Brings Spark into the cache before a pattern with Glue jobs is deployed, so that its download is seen."""

from collections.abc import Iterator, Mapping
from typing import Any

from blueprints.packaging.spark import glue_version, is_prepared, spark_environment
from blueprints.packaging.spark.versions import DEFAULT
from blueprints.progress import Progress


def prepare_spark(body: Mapping[str, Any], values: Mapping[str, str], progress: Progress) -> None:
    """Make the environment of every Glue version that the jobs of an expanded template name.

    Raises BlueprintError for a version that does not run here, and on a machine that cannot run it.
    """
    for name in sorted(set(_glue_versions(body, values))):
        version = glue_version(name)
        if not is_prepared(version):
            with progress.step(f"Prepare Spark {version.spark} for Glue {version.name} (once)"):
                spark_environment(version, progress.report)


def _glue_versions(body: Mapping[str, Any], values: Mapping[str, str]) -> Iterator[str]:
    defaults = {name: about.get("Default") for name, about in (body.get("Parameters") or {}).items()}
    for resource in body["Resources"].values():
        if resource["Type"] != "AWS::Glue::Job":
            continue
        properties = resource.get("Properties") or {}
        if (properties.get("Command") or {}).get("Name") != "glueetl":
            continue
        written = properties.get("GlueVersion", DEFAULT)
        if isinstance(written, dict):
            written = {**defaults, **values}.get(str(written.get("Ref")), DEFAULT)
        yield str(written)
