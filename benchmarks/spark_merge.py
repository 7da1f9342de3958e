"""A Spark job that reads CSV and merges a row into an Iceberg table, and prints what it took until then.

It runs in the environment of a Glue version, without this project's packages. Arguments: a folder for its files.
"""

import json
import os
import re
import sys
import time
from pathlib import Path

from pyspark.sql import SparkSession

CATALOG = "spark.sql.catalog.lake"


def main(folder: Path) -> None:
    """Merge, verify that the row is there, and print CPU seconds and peak memory of Python and the JVM as JSON."""
    spark = (
        SparkSession.builder.config(
            "spark.sql.extensions", "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions"
        )
        .config(CATALOG, "org.apache.iceberg.spark.SparkCatalog")
        .config(f"{CATALOG}.type", "hadoop")
        .config(f"{CATALOG}.warehouse", str(folder / "lake"))
        .getOrCreate()
    )
    source = folder / "orders.csv"
    source.write_text("id,order_date,amount\n1,2026-01-01,1.50\n", encoding="utf-8")
    schema = "id string, order_date date, amount decimal(12,2)"
    spark.read.csv(str(source), header=True, schema=schema, enforceSchema=False).createOrReplaceTempView("incoming")
    spark.sql(f"CREATE TABLE lake.shop.orders ({schema}) USING iceberg PARTITIONED BY (order_date)")
    spark.sql(
        "MERGE INTO lake.shop.orders t USING incoming s ON t.id = s.id "
        "WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *"
    )
    (row,) = spark.table("lake.shop.orders").collect()
    assert (row.id, str(row.amount)) == ("1", "1.50")
    java = spark.sparkContext._gateway.proc.pid  # noqa: SLF001 - the only way to the JVM's process
    cost = {"cpu": time.process_time() + cpu_of(java), "peak": peak_of("self") + peak_of(java)}
    spark.stop()
    print(json.dumps(cost))


def cpu_of(process: int) -> float:
    """CPU seconds of a process and of the children that it waited for: the JVM is started by another JVM."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def peak_of(process: int | str) -> float:
    """The largest resident size of a process, in megabytes; "self" is this one."""
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    (kilobytes,) = re.findall(r"VmHWM:\s+(\d+) kB", status)
    return int(kilobytes) / 1024


if __name__ == "__main__":
    main(Path(sys.argv[1]))
