"""Curates the raw CSV objects of one run: broken rows go to the quarantine table, the others are merged into `orders`.

The functions from `typed` to `latest` turn a DataFrame into another one, and need no AWS. `main` puts them together.
Whatever is done twice changes nothing the second time: rows are merged by their key, and quarantined by their place.
The columns and rules are in `order_rules`.
"""

import argparse
import json
from collections.abc import Iterator
from typing import Any

from order_rules import (
    FORMS,
    OPTIONAL,
    ORDER,
    ORDERS_SCHEMA,
    PARTITIONS,
    PROPERTIES,
    QUARANTINE_SCHEMA,
    RAW_SCHEMA,
    RULES,
    SCHEMA,
    columns,
    reconciled,
    retried,
    too_many,
)
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as f
from raw_objects import read_objects

# --- transforms ------------------------------------------------------------------------------------------------------


def typed(raw: DataFrame) -> DataFrame:
    """Rows of RAW_SCHEMA with typed columns, and in `reason` why a row is broken: null for a valid one."""
    texts = [f.expr(f"nullif(trim({name}), '')").alias(name) for name in SCHEMA]
    place = ["source_key", "source_etag", "line", "raw"]
    values = [f.expr(_value(name, kind)).alias(name) for name, kind in SCHEMA.items()]
    faults = [fault for name, kind in SCHEMA.items() for fault in _faults(name, kind)]
    reason = f.coalesce("error", *map(f.expr, faults)).alias("reason")
    return raw.select(*place, "error", *texts).select(*place, *values, reason)


def _value(name: str, kind: str) -> str:
    if kind not in FORMS:
        return name
    # With $ instead of \\z, a text could end with a line break.
    return f"try_cast(CASE WHEN {name} RLIKE '^({FORMS[kind].pattern})\\\\z' THEN {name} END AS {kind})"


def _faults(name: str, kind: str) -> Iterator[str]:
    if name not in OPTIONAL:
        yield f"CASE WHEN {name} IS NULL THEN '{name} is missing' END"
    if kind in FORMS:
        wrong = f"concat('{name} is not {kind}: ', substr({name}, 1, 100))"
        yield f"CASE WHEN {name} IS NOT NULL AND {_value(name, kind)} IS NULL THEN {wrong} END"


def judged(rows: DataFrame) -> DataFrame:
    """The same rows; those that break a rule of RULES have it as their `reason`."""
    broken = [f.when(~f.coalesce(f.expr(rule.sql), f.lit(True)), f.lit(reason)) for reason, rule in RULES.items()]
    return rows.withColumn("reason", f.coalesce("reason", *broken))


def quarantine(rows: DataFrame, run_id: str) -> DataFrame:
    """The broken rows, in the form of QUARANTINE_SCHEMA."""
    broken = rows.where("reason IS NOT NULL").withColumn("run_id", f.lit(run_id))
    return broken.select(*columns(QUARANTINE_SCHEMA))


def orders(rows: DataFrame, zone: str, run_id: str) -> DataFrame:
    """The valid rows in the form of ORDERS_SCHEMA; `order_date` is the day in the time zone `zone`."""
    order_date = f.to_date(f.from_utc_timestamp("ordered_at", zone))
    valid = rows.where("reason IS NULL").withColumn("order_date", order_date).withColumn("run_id", f.lit(run_id))
    return valid.select(*SCHEMA, "order_date", "source_key", "run_id")


def latest(rows: DataFrame) -> DataFrame:
    """One row for each `order_id`: the one with the latest event time, or among equals the one that `newer` prefers."""
    order = f.struct(*ORDER).desc()
    numbered = rows.withColumn("place", f.row_number().over(Window.partitionBy("order_id").orderBy(order)))
    return numbered.where("place = 1").drop("place")


def newer() -> str:
    """The condition under which a row `s` replaces a row `t`. It is total, so any order of deliveries ends alike."""
    s, t = (", ".join(f"{table}.{name}" for name in ORDER) for table in "st")
    return f"struct({s}) > struct({t})"


# --- writing ---------------------------------------------------------------------------------------------------------


def create_tables(spark: SparkSession, database: str) -> None:
    """Create the tables that do not exist yet."""
    properties = ", ".join(f"'{name}'='{value}'" for name, value in PROPERTIES.items())
    for name, schema in (("orders", ORDERS_SCHEMA), ("quarantine", QUARANTINE_SCHEMA)):
        spark.sql(
            f"CREATE TABLE IF NOT EXISTS {database}.{name} ({schema}) USING iceberg "
            f"PARTITIONED BY ({PARTITIONS[name]}) TBLPROPERTIES ({properties})"
        )


def merge_quarantine(rows: DataFrame, database: str) -> None:
    """Add broken rows that are not in the quarantine table yet; a row is known by its object's version and its line."""
    rows.sparkSession.sql(
        f"MERGE INTO {database}.quarantine t USING {{broken}} s ON t.run_id = s.run_id AND t.source_key = s.source_key "
        "AND t.source_etag = s.source_etag AND t.line = s.line WHEN NOT MATCHED THEN INSERT *",
        broken=rows,
    )


def merge_orders(rows: DataFrame, database: str) -> None:
    """Insert new orders, and replace those of which these rows are a newer version; each order_id occurs once."""
    rows.sparkSession.sql(
        f"MERGE INTO {database}.orders t USING {{incoming}} s ON t.order_id = s.order_id "
        f"WHEN MATCHED AND {newer()} THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *",
        incoming=rows,
    )


def merged(spark: SparkSession, rows: DataFrame, database: str, run_id: str, day: str) -> dict[str, int]:
    """Compare the table with the rows that were merged: how many of them this run wrote, and how many are missing."""
    counts = spark.sql(
        f"SELECT count(*) latest, count_if(t.order_id IS NULL) missing, "  # noqa: S608 - plan_run checks run_id and day
        f"count_if(t.run_id = '{run_id}') merged, "
        f"count_if(t.run_id = '{run_id}' AND t.order_date < DATE '{day}') late_merged "
        f"FROM {{incoming}} s LEFT JOIN {database}.orders t ON t.order_id = s.order_id",
        incoming=rows,
    ).first()
    return counts.asDict() if counts else {}


def counted(rows: DataFrame) -> dict[str, int]:
    """Count rows, broken rows, and objects that are unreadable."""
    counts = rows.agg(
        f.expr("count_if(line > 0)").alias("raw_rows"),
        f.expr("count_if(line > 0 AND reason IS NOT NULL)").alias("quarantined"),
        f.expr("count_if(line = 0)").alias("unreadable"),
    ).first()
    return counts.asDict() if counts else {}


# --- the job ---------------------------------------------------------------------------------------------------------


def curate(
    spark: SparkSession, raw: DataFrame, objects: int, options: argparse.Namespace, database: str
) -> dict[str, Any]:
    """Quarantine and merge the rows of a run; return its counts."""
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    rows = judged(typed(raw)).cache()
    counts = counted(rows)
    report: dict[str, Any] = {"run_id": options.run_id, "engine": "spark", "objects": objects, **counts}
    retried(lambda: create_tables(spark, database))
    if counts["quarantined"] or counts["unreadable"]:
        retried(lambda: merge_quarantine(quarantine(rows, options.run_id), database))
    stop = too_many(counts, objects, float(options.stop_percent))
    if stop:
        return {**report, "stopped": stop}
    valid = latest(orders(rows, options.time_zone, options.run_id)).cache()
    retried(lambda: merge_orders(valid, database))
    outcome = merged(spark, valid, database, options.run_id, options.day)
    return {**report, **reconciled(counts, outcome, f"{database}.orders"), "stopped": None}


def main() -> None:
    """Read the plan, curate its objects, and write the report beside it."""
    import boto3

    parser = argparse.ArgumentParser(allow_abbrev=False)
    for name in ("bucket", "database", "plan", "report", "run_id", "day", "time_zone", "stop_percent"):
        parser.add_argument(f"--{name}", required=True)
    options, _ = parser.parse_known_args()
    s3, bucket = boto3.client("s3"), options.bucket
    plan = json.loads(s3.get_object(Bucket=bucket, Key=options.plan)["Body"].read())
    spark = SparkSession.builder.getOrCreate()
    slices = max(1, min(len(plan), 4 * spark.sparkContext.defaultParallelism))
    read = spark.sparkContext.parallelize(plan, slices).mapPartitions(lambda sources: read_objects(bucket, sources))
    report = curate(spark, spark.createDataFrame(read, RAW_SCHEMA), len(plan), options, f"lake.{options.database}")
    print(json.dumps(report))
    s3.put_object(Bucket=bucket, Key=options.report, Body=json.dumps(report).encode())


if __name__ == "__main__":
    main()
