"""Curates the raw CSV objects of one run: broken rows go to the quarantine table, the others are merged into `orders`.

The functions from `typed` to `latest` turn a DataFrame into another one, and need no AWS. `main` puts them together.
Whatever is done twice changes nothing the second time: rows are merged by their key, and quarantined by their place.

Change SCHEMA, OPTIONAL and RULES for other data.
"""

import argparse
import csv
import gzip
import io
import json
import random
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as f

SCHEMA = {
    "order_id": "string",
    "customer_id": "string",
    "ordered_at": "timestamp",
    "updated_at": "timestamp",  # the event time: of two versions of an order, the later one is kept
    "country": "string",
    "status": "string",
    "amount": "decimal(12,2)",
    "note": "string",
}
OPTIONAL = ("note",)
PLACE = "source_key string, source_etag string, line bigint, raw string, error string"
RAW_SCHEMA = ", ".join([PLACE, *(f"{name} string" for name in SCHEMA)])
ORDERS_SCHEMA = ", ".join(
    [*(f"{name} {kind}" for name, kind in SCHEMA.items()), "order_date date, source_key string, run_id string"]
)
QUARANTINE_SCHEMA = "run_id string, source_key string, source_etag string, line bigint, reason string, raw string"

# A text that can be read as the type. Without it "1,000" would become 1000.00 and "1.005" would become 1.01.
FORMS = {
    "timestamp": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})$",
    "decimal(12,2)": "^-?[0-9]{1,10}([.][0-9]{1,2})?$",
}
# What every row has to fulfil, by the reason for which it is set aside otherwise.
RULES = {
    "amount is negative": "amount >= 0",
    "country is not two capital letters": "country RLIKE '^[A-Z]{2}$'",
    "status is unknown": "status IN ('placed', 'paid', 'shipped', 'cancelled')",
    "updated_at lies before ordered_at": "updated_at >= ordered_at",
}
MAX_OBJECT_BYTES = 512 * 2**20
ATTEMPTS = 6  # at a commit that conflicts with that of another run

_CONFLICTS = ("ValidationException", "CommitFailedException", "AlreadyExistsException", "ConcurrentModification")
Row = tuple[Any, ...]


# --- reading ---------------------------------------------------------------------------------------------------------


class Unreadable(Exception):
    """The object as a whole is broken; the message says why."""


def rows_of(source: Mapping[str, str], content: bytes) -> Iterator[Row]:
    """The rows of a CSV object in the form of RAW_SCHEMA. An unreadable object is one row with `line` 0.

    Cells are found by the names in the header, in any order; further columns are left out.
    """
    place = (source["key"], source["etag"])
    try:
        yield from [(*place, *row) for row in _rows(_text(source["key"], content))]  # all rows of an object, or none
    except Unreadable as error:
        yield (*place, 0, None, str(error), *[None] * len(SCHEMA))


def _text(key: str, content: bytes) -> str:
    try:
        content = gzip.decompress(content) if key.endswith(".gz") else content
        return content.decode("utf-8-sig")
    except (EOFError, OSError, zlib.error) as error:
        raise Unreadable(f"the object is no complete gzip file: {error}") from None
    except UnicodeDecodeError as error:
        raise Unreadable(f"the object is not UTF-8, from byte {error.start}") from None


def _rows(text: str) -> Iterator[Row]:
    consumed: list[str] = []
    lines = io.StringIO(text, newline="")

    def remembered() -> Iterator[str]:
        for line in lines:
            consumed.append(line)
            yield line

    reader = csv.reader(remembered(), strict=True)
    header = _header(next(reader, []))
    nothing = [None] * len(SCHEMA)
    while True:
        consumed.clear()
        line, fault, cells = reader.line_num + 1, None, []
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if "unexpected end of data" in str(error) or "field limit" in str(error):
                raise Unreadable(f"a quote in line {line} is not closed") from None
            fault = f"the line is no CSV: {error}"
        if not fault and cells and len(cells) != len(header):
            fault = f"the row has {len(cells)} cells instead of {len(header)}"
        raw = "".join(consumed).rstrip("\r\n")
        if fault:
            yield (line, raw, fault, *nothing)
        elif cells:
            by_name = dict(zip(header, cells, strict=True))
            yield (line, raw, None, *(by_name.get(name) for name in SCHEMA))


def _header(names: list[str]) -> list[str]:
    names = [name.strip() for name in names]
    missing = [name for name in SCHEMA if name not in names and name not in OPTIONAL]
    if missing:
        raise Unreadable(f"the header has no column {', '.join(missing)}; it is {','.join(names)[:500]!r}")
    if len(set(names)) < len(names):
        raise Unreadable(f"the header names a column twice; it is {','.join(names)[:500]!r}")
    return names


def read_object(s3: Any, bucket: str, source: Mapping[str, str]) -> Iterator[Row]:
    """Download an object as it was when the run was planned, and return its rows."""
    from botocore.exceptions import ClientError

    try:
        answer = s3.get_object(Bucket=bucket, Key=source["key"], IfMatch=source["etag"])
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("PreconditionFailed", "412", "NoSuchKey"):
            raise
        reason = "the object was changed or deleted after the run was planned"
        return iter([(source["key"], source["etag"], 0, None, reason, *[None] * len(SCHEMA))])
    if answer["ContentLength"] > MAX_OBJECT_BYTES:
        reason = f"the object is larger than {MAX_OBJECT_BYTES} bytes"
        return iter([(source["key"], source["etag"], 0, None, reason, *[None] * len(SCHEMA))])
    return rows_of(source, answer["Body"].read())


def read_objects(bucket: str, sources: Iterable[Mapping[str, str]]) -> Iterator[Row]:
    """The rows of several objects, read on an executor."""
    import boto3

    s3 = boto3.client("s3")
    for source in sources:
        yield from read_object(s3, bucket, source)


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
    form = FORMS.get(kind)
    return f"try_cast(CASE WHEN {name} RLIKE '{form}' THEN {name} END AS {kind})" if form else name


def _faults(name: str, kind: str) -> Iterator[str]:
    if name not in OPTIONAL:
        yield f"CASE WHEN {name} IS NULL THEN '{name} is missing' END"
    if kind in FORMS:
        wrong = f"concat('{name} is not {kind}: ', substr({name}, 1, 100))"
        yield f"CASE WHEN {name} IS NOT NULL AND {_value(name, kind)} IS NULL THEN {wrong} END"


def judged(rows: DataFrame) -> DataFrame:
    """The same rows; those that break a rule of RULES have it as their `reason`."""
    broken = [f.when(~f.coalesce(f.expr(rule), f.lit(True)), f.lit(reason)) for reason, rule in RULES.items()]
    return rows.withColumn("reason", f.coalesce("reason", *broken))


def quarantine(rows: DataFrame, run_id: str) -> DataFrame:
    """The broken rows, in the form of QUARANTINE_SCHEMA."""
    names = [column.split()[0] for column in QUARANTINE_SCHEMA.split(", ")]
    return rows.where("reason IS NOT NULL").withColumn("run_id", f.lit(run_id)).select(*names)


def orders(rows: DataFrame, zone: str, run_id: str) -> DataFrame:
    """The valid rows in the form of ORDERS_SCHEMA; `order_date` is the day in the time zone `zone`."""
    order_date = f.to_date(f.from_utc_timestamp("ordered_at", zone))
    valid = rows.where("reason IS NULL").withColumn("order_date", order_date).withColumn("run_id", f.lit(run_id))
    return valid.select(*SCHEMA, "order_date", "source_key", "run_id")


def latest(rows: DataFrame) -> DataFrame:
    """One row for each `order_id`: the one with the latest event time, or among equals the one that `newer` prefers."""
    order = f.struct(*_order()).desc()
    numbered = rows.withColumn("place", f.row_number().over(Window.partitionBy("order_id").orderBy(order)))
    return numbered.where("place = 1").drop("place")


def newer() -> str:
    """The condition under which a row `s` replaces a row `t`. It is total, so any order of deliveries ends alike."""
    return (
        f"struct({', '.join(f's.{name}' for name in _order())}) > struct({', '.join(f't.{name}' for name in _order())})"
    )


def _order() -> list[str]:
    return ["updated_at", *(name for name in SCHEMA if name not in ("order_id", "updated_at"))]


# --- writing ---------------------------------------------------------------------------------------------------------


def create_tables(spark: SparkSession, database: str) -> None:
    """Create the tables that do not exist yet."""
    properties = "'format-version'='2', 'write.metadata.delete-after-commit.enabled'='true'"
    for name, schema, partitions in (
        ("orders", ORDERS_SCHEMA, "order_date"),
        ("quarantine", QUARANTINE_SCHEMA, "run_id"),
    ):
        spark.sql(
            f"CREATE TABLE IF NOT EXISTS {database}.{name} ({schema}) USING iceberg "
            f"PARTITIONED BY ({partitions}) TBLPROPERTIES ({properties})"
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


def retried(action: Callable[[], Any], pause: Callable[[float], None] = time.sleep) -> Any:
    """Run an action again while it fails because another run has committed meanwhile. Iceberg does not retry these."""
    attempt = 1
    while True:
        try:
            return action()
        except Exception as error:
            if attempt == ATTEMPTS or not any(each in str(error) for each in _CONFLICTS):
                raise
            print(f"attempt {attempt} conflicts with another run: {str(error).splitlines()[0][:300]}")
        pause(random.uniform(0, 2**attempt))  # noqa: S311 - no secret
        attempt += 1


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


def too_many(counts: Mapping[str, int], objects: int, percent: float) -> str | None:
    """Why the run has to stop before anything is merged; None if it goes on."""
    for what, broken, of in (
        ("rows", counts["quarantined"], counts["raw_rows"]),
        ("objects", counts["unreadable"], objects),
    ):
        if broken * 100 > percent * of:
            return f"{broken} of {of} {what} are broken, {percent:g} % are tolerated"
    return None


# --- the job ---------------------------------------------------------------------------------------------------------


def curate(
    spark: SparkSession, raw: DataFrame, objects: int, options: argparse.Namespace, database: str
) -> dict[str, Any]:
    """Quarantine and merge the rows of a run; return its counts."""
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    rows = judged(typed(raw)).cache()
    counts = counted(rows)
    report: dict[str, Any] = {"run_id": options.run_id, "objects": objects, **counts}
    retried(lambda: create_tables(spark, database))
    if counts["quarantined"] or counts["unreadable"]:
        retried(lambda: merge_quarantine(quarantine(rows, options.run_id), database))
    stop = too_many(counts, objects, float(options.stop_percent))
    if stop:
        return {**report, "stopped": stop}
    valid = latest(orders(rows, options.time_zone, options.run_id)).cache()
    retried(lambda: merge_orders(valid, database))
    outcome = merged(spark, valid, database, options.run_id, options.day)
    kept, missing = outcome.pop("latest"), outcome.pop("missing")
    if missing:
        raise RuntimeError(f"{missing} of {kept} orders are not in {database}.orders after the merge")
    duplicates = counts["raw_rows"] - counts["quarantined"] - kept
    return {**report, "duplicates": duplicates, **outcome, "outdated": kept - outcome["merged"], "stopped": None}


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
