"""Glue: jobs that run, on the Spark of their Glue version.

jobs          checks of job definitions
arguments     the arguments of a run: Glue's own and the script's
job_runs      the API of runs, their states and limits
spark_process one run as a process of this machine
iceberg_tables  Iceberg tables that Glue itself creates
iceberg_types   Iceberg's schema for the types of the catalog
script_modules  the module `awsglue` of scripts, as far as it works here
"""

from blueprints.local.base.extension import EmbeddedAws, Extension
from blueprints.local.services.glue import iceberg_tables, jobs
from blueprints.local.services.glue.job_runs import JobRuns


class Glue(Extension):
    """Runs jobs, which the base emulator calls SUCCEEDED without running them."""

    after = ("eventbridge", "iam")

    def install(self, aws: EmbeddedAws) -> None:
        jobs.install()
        iceberg_tables.install()
        self._runs = JobRuns(aws.folder / "glue", aws.endpoint)
        self._runs.install()

    def reset(self) -> None:
        self._runs.end_all()

    def close(self) -> None:
        self._runs.end_all()


EXTENSION = Glue()
