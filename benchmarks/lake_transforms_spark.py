"""The transforms of the data lake's job on Spark, from raw rows in Parquet to orders and quarantine in Parquet.

It runs in the environment of a Glue version, without this project's packages. Arguments: the folder of the job's
modules, the folder with `raw.parquet`, and `whole` or `warm`. Prints CPU seconds of Python and the JVM, and their peak
memory, as JSON: of the whole process, or of a second execution in the same session.
"""

import json
import sys
import time
from pathlib import Path

from pyspark.sql import SparkSession
from spark_merge import cpu_of, peak_of  # type: ignore[import-not-found] # beside this script


def main(jobs: Path, folder: Path, mode: str) -> None:
    """Transform the rows, and print what it took."""
    sys.path.insert(0, str(jobs))
    import curate_orders as job  # type: ignore[import-not-found]

    spark = SparkSession.builder.config("spark.sql.session.timeZone", "UTC").getOrCreate()
    java = spark.sparkContext._gateway.proc.pid  # noqa: SLF001 - the only way to the JVM's process

    def transform() -> None:
        raw = spark.read.schema(job.RAW_SCHEMA).parquet(str(folder / "raw.parquet"))
        rows = job.judged(job.typed(raw)).cache()
        job.quarantine(rows, "run").write.mode("overwrite").parquet(str(folder / "quarantine"))
        job.latest(job.orders(rows, "Europe/Vienna", "run")).write.mode("overwrite").parquet(str(folder / "orders"))
        rows.unpersist()

    before = 0.0
    transform()
    if mode == "warm":
        before = time.process_time() + cpu_of(java)
        transform()
    cost = {"cpu": time.process_time() + cpu_of(java) - before, "peak": peak_of("self") + peak_of(java)}
    spark.stop()
    print(json.dumps(cost))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
