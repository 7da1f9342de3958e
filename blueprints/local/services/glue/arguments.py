"""The arguments of a job run: those that Glue reads itself, and those that reach the script.

Source: AWS Glue User Guide, "Using job parameters in AWS Glue jobs".
"""

import re
from collections.abc import Mapping
from typing import Any

_OF_GLUE = frozenset(
    {
        "--additional-python-modules",
        "--class",
        "--conf",
        "--continuous-log-conversionPattern",
        "--continuous-log-logGroup",
        "--continuous-log-logStreamPrefix",
        "--customer-driver-env-vars",
        "--customer-executor-env-vars",
        "--datalake-formats",
        "--enable-auto-scaling",
        "--enable-continuous-cloudwatch-log",
        "--enable-continuous-log-filter",
        "--enable-glue-datacatalog",
        "--enable-job-insights",
        "--enable-lakeformation-fine-grained-access",
        "--enable-metrics",
        "--enable-observability-metrics",
        "--enable-s3-parquet-optimized-committer",
        "--enable-spark-ui",
        "--extra-files",
        "--extra-jars",
        "--extra-py-files",
        "--job-bookmark-option",
        "--job-language",
        "--python-modules-installer-option",
        "--spark-event-logs-path",
        "--user-jars-first",
        "--use-postgres-driver",
    }
)
_NOT_EMULATED = {
    "--class": "jobs in Scala do not run in the embedded AWS",
    "--customer-driver-env-vars": "environment variables of a job are not emulated",
    "--customer-executor-env-vars": "environment variables of a job are not emulated",
    "--enable-glue-datacatalog": "the catalog is not Spark's metastore here; use Iceberg's GlueCatalog",
    "--enable-lakeformation-fine-grained-access": "Lake Formation is not emulated",
    "--extra-jars": "further jars are not emulated",
    "--python-modules-installer-option": "modules are installed with uv, without further options",
    "--use-postgres-driver": "further jars are not emulated",
    "--user-jars-first": "further jars are not emulated",
}
_SWITCHED_OFF = ("", "false")
_FORMATS = ("", "iceberg")
_NEXT_SETTING = re.compile(r"\s+--conf\s+")


class ArgumentRefused(Exception):
    """A run cannot have this argument; the message says why."""


def merged(job: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, str]:
    """The arguments of a run: the job's defaults, what the run gives, and what it may not override.

    Raises ArgumentRefused.
    """
    fixed = job.get("NonOverridableArguments") or {}
    for name in given:
        if name in fixed:
            raise ArgumentRefused(f"Not allowed to override argument {name}")
    every = {**(job.get("DefaultArguments") or {}), **given, **fixed}
    for name, reason in _NOT_EMULATED.items():
        if str(every.get(name, "")).lower() not in _SWITCHED_OFF:
            raise ArgumentRefused(f"{name}: {reason}.")
    if every.get("--job-language", "python") != "python":
        raise ArgumentRefused(f"--job-language: {_NOT_EMULATED['--class']}.")
    if every.get("--job-bookmark-option", "job-bookmark-disable") == "job-bookmark-enable":
        raise ArgumentRefused("--job-bookmark-option: job bookmarks are not emulated; keep a watermark instead.")
    if every.get("--datalake-formats", "") not in _FORMATS:
        raise ArgumentRefused("--datalake-formats: of the table formats, iceberg is emulated.")
    return {name: str(value) for name, value in every.items()}


def for_script(arguments: Mapping[str, str], job_name: str, run_id: str) -> list[str]:
    """The script's command line after its own name."""
    line = ["--JOB_NAME", job_name, "--JOB_ID", f"j_{job_name}", "--JOB_RUN_ID", run_id]
    for name, value in arguments.items():
        if name not in _OF_GLUE:
            line += [name, value]
    return line


def spark_settings(arguments: Mapping[str, str]) -> dict[str, str]:
    """The settings in `--conf`, which holds further ones behind ` --conf `. Raises ArgumentRefused."""
    settings = {}
    for part in _NEXT_SETTING.split(arguments.get("--conf", "")):
        name, given, value = part.strip().partition("=")
        if not given and name:
            raise ArgumentRefused(f"--conf: {part.strip()} is not name=value.")
        if name:
            settings[name] = value.strip()
    return settings


def comma_separated(arguments: Mapping[str, str], name: str) -> list[str]:
    """The values of an argument such as `--extra-py-files`."""
    return [part.strip() for part in arguments.get(name, "").split(",") if part.strip()]
