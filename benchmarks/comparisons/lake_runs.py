"""A run of the glue-data-lake: by its Spark job, and by its Lambda function, which needs no Spark.

Both read the same CSV objects from the embedded AWS and merge them into the same Iceberg table of a million orders.
Each round starts from that table. What is measured is a new process, from its start until the report is written: CPU
seconds and peak memory of Python, and with Spark of the JVM and its workers.
"""

import csv
import io
import json
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

from benchmarks.claims import Claim, Missing, Target
from benchmarks.crossover import Line, draw
from benchmarks.harness import Bench, Sample, Variant
from benchmarks.processes import ROOT, run_for_json
from benchmarks.small_curate import DAYS, FIRST_DAY, order
from blueprints.errors import BlueprintError
from blueprints.local.cloud import REGION, Cloud
from blueprints.packaging.spark import SparkEnvironment, glue_version, spark_environment
from blueprints.packaging.spark.settings import as_properties, base_settings, process_environment

TITLE = "A run of the lake"
SIZES = (1_000, 10_000, 100_000, 300_000, 1_000_000)
TABLE = 1_000_000
PICTURE = ROOT / "patterns" / "glue-data-lake" / "SmallRuns.svg"

_CODE = ROOT / "patterns" / "glue-data-lake" / "src" / "jobs"
_BUCKET, _DAY = "lake", "2026-11-28"
_ROWS_OF_AN_OBJECT = 50_000
_RECENT = 4  # days whose orders are corrected
_CATALOG = "spark.sql.catalog.lake"


def case(rows: int) -> str:
    """The name of the row of results for a number of rows."""
    return f"{rows:,} rows, merged into a table of {TABLE:,}"


def picture(outcome: Mapping[str, Any]) -> str:
    """The recorded figures as the picture in the pattern's README, in SVG."""
    rows = {row["case"]: row for row in outcome["rows"]}
    of_sizes = [rows[case(size)] for size in SIZES]
    glue, function = (
        Line(
            name,
            [row[variant]["cpu"]["median"] for row in of_sizes],
            [row[variant]["peak"]["median"] for row in of_sizes],
        )
        for name, variant in (("Glue job on Spark", "other"), ("Lambda function", "ours"))
    )
    return draw(f"A run that is merged into a table of {TABLE:,} orders", SIZES, "rows", glue, function)


def compare(bench: Bench) -> Iterable[Claim | Missing]:
    """Yield the CPU time of both for each number of rows, and the function's peak memory."""
    try:
        spark = spark_environment(glue_version("5.1"), bench.progress)
    except BlueprintError as error:
        yield Missing(case(SIZES[0]), str(error))
        return
    bench.uses("Spark", spark.version.spark)
    bench.uses("Java", spark.java.version)
    with Cloud() as cloud, tempfile.TemporaryDirectory() as folder:
        lake = _Lake(cloud, spark, Path(folder), orders=30_000 if bench.quick else TABLE)
        for rows in SIZES[:2] if bench.quick else SIZES:
            lake.deliver(rows)
            variants = {
                "peer": Variant("Spark", lambda rows=rows: lake.on_spark(rows)),  # type: ignore[misc]
                "ours": Variant("Lambda", lambda rows=rows: lake.without_spark(rows)),  # type: ignore[misc]
            }
            timed = bench.measure(case(rows), variants, rounds=1 if bench.quick or rows > 10_000 else 3, warm_up=False)
            target = Target("faster", 3) if rows == 10_000 else None
            yield Claim(case(rows), timed, target=target)
            yield Claim(f"{case(rows)}: peak memory", timed, measure="peak")


@dataclass
class _Run:
    """The event of a run, which names its objects in S3; its tables are those of a database of its own."""

    database: str
    event: dict[str, str]


class _Lake:
    """A filled table, from which each run starts, and the objects of the runs."""

    def __init__(self, cloud: Cloud, spark: SparkEnvironment, folder: Path, orders: int) -> None:
        self._cloud, self._spark, self._folder, self._orders = cloud, spark, folder, orders
        self._s3, self._glue = cloud.client("s3"), cloud.client("glue")
        self._numbers = count()
        self._s3.create_bucket(Bucket=_BUCKET)
        self._base = self._function("base", "fill", str(orders))

    def deliver(self, rows: int) -> None:
        """Put the objects of a run: nine of ten orders are new, one corrects an order of the last four days."""
        plan = []
        for number, objects in enumerate(_in_parts(_rows(rows, self._orders))):
            key = f"raw/{_DAY}/{rows}/{number}.csv"
            answer = self._s3.put_object(Bucket=_BUCKET, Key=key, Body=objects)
            plan.append({"key": key, "etag": answer["ETag"]})
        self._s3.put_object(Bucket=_BUCKET, Key=f"runs/{rows}/plan.json", Body=json.dumps(plan))

    def without_spark(self, rows: int) -> Sample:
        """Invoke the function in a new process."""
        with self._run(rows) as run:
            return Sample(**self._function(run.database, "invoke", json.dumps(run.event)))

    def on_spark(self, rows: int) -> Sample:
        """Run the job as the embedded AWS does."""
        with self._run(rows) as run, tempfile.TemporaryDirectory(dir=self._folder) as folder:
            options = {"database": run.database, "bucket": _BUCKET, "time_zone": "Europe/Vienna", "stop_percent": "5"}
            given = {**options, **{name: run.event[name] for name in ("plan", "run_id", "day")}}
            given["report"] = run.event["counts"]
            arguments = [part for name, value in given.items() for part in (f"--{name}", value)]
            program: list[str | Path] = [
                self._spark.interpreter.path,
                ROOT / "benchmarks" / "spark_curate.py",
                _CODE / "curate_orders.py",
            ]
            return Sample(**run_for_json([*program, *arguments], cwd=Path(folder), env=self._on_spark(Path(folder))))

    @contextmanager
    def _run(self, rows: int) -> Iterator[_Run]:
        """A database with the filled table as it was at first; at the end, the counts of the run are verified."""
        database, key = f"run{next(self._numbers)}", f"runs/{rows}/counts.json"
        self._glue.create_database(DatabaseInput={"Name": database})
        parameters = {"table_type": "ICEBERG", "metadata_location": self._base}
        table = {"Name": "orders", "TableType": "EXTERNAL_TABLE", "Parameters": parameters}
        self._glue.create_table(DatabaseName=database, TableInput=table)
        plan = f"runs/{rows}/plan.json"
        yield _Run(database, {"run_id": "run", "day": _DAY, "plan": plan, "counts": key})
        report = json.loads(self._s3.get_object(Bucket=_BUCKET, Key=key)["Body"].read())
        self._s3.delete_object(Bucket=_BUCKET, Key=key)
        found = {name: report[name] for name in ("raw_rows", "merged", "quarantined", "late_merged")}
        expected = {"raw_rows": rows, "merged": rows - rows // 1000, "quarantined": rows // 1000}
        assert found == {**expected, "late_merged": rows // 10}, report

    def _function(self, database: str, *arguments: str) -> Any:
        settings = {"LAKE_BUCKET": _BUCKET, "LAKE_DATABASE": database, "TIME_ZONE": "Europe/Vienna"}
        settings |= {"STOP_PERCENT": "5", "SMALL_RUN_MEGABYTES": "1000", "PYTHONPATH": str(ROOT)}
        program: list[str | Path] = [sys.executable, "-m", "benchmarks.small_curate", _CODE]
        return run_for_json([*program, *arguments], env={**os.environ, **self._cloud.environment(), **settings})

    def _on_spark(self, folder: Path) -> dict[str, str]:
        spark, properties = self._spark, folder / "spark.conf"
        settings = {
            **base_settings(spark.jars, [f"-XX:SharedArchiveFile={spark.class_data}", "-Xshare:auto"], folder),
            "spark.sql.extensions": "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
            _CATALOG: "org.apache.iceberg.spark.SparkCatalog",
            f"{_CATALOG}.catalog-impl": "org.apache.iceberg.aws.glue.GlueCatalog",
            f"{_CATALOG}.io-impl": "org.apache.iceberg.aws.s3.S3FileIO",
            f"{_CATALOG}.s3.path-style-access": "true",
            f"{_CATALOG}.warehouse": f"s3://{_BUCKET}/warehouse",
            f"{_CATALOG}.cache-enabled": "false",
        }
        properties.write_text(as_properties(settings), encoding="utf-8")
        environment = process_environment(spark.java, spark.interpreter, spark.packages, properties, folder)
        environment["PYTHONPATH"] += os.pathsep + str(_CODE)
        return {**environment, **self._cloud.environment(), "AWS_REGION": REGION, "AWS_EC2_METADATA_DISABLED": "true"}


def _rows(rows: int, orders: int) -> Iterator[dict[str, Any]]:
    """New orders, corrections, and a row of a thousand that is broken."""
    today = FIRST_DAY + timedelta(days=DAYS)
    recent = [number for number in range(orders) if number % DAYS >= DAYS - _RECENT]
    for row in range(rows):
        if row % 10 == 5:
            number = recent[row // 10 % len(recent)]
            made = order(number, FIRST_DAY + timedelta(days=number % DAYS))
            made.update(updated_at=today, status="cancelled")
        else:
            made = order(orders + row, today)
        if row % 1000 == 999:
            made["country"] = "nowhere"
        yield made


def _in_parts(rows: Iterator[dict[str, Any]]) -> Iterator[bytes]:
    """The contents of objects."""
    names = ["order_id", "customer_id", "ordered_at", "updated_at", "country", "status", "amount", "note"]
    while True:
        text = io.StringIO()
        writer = csv.DictWriter(text, names, extrasaction="ignore")
        writer.writeheader()
        header = text.tell()
        for _, row in zip(range(_ROWS_OF_AN_OBJECT), rows, strict=False):
            times = {name: f"{row[name]:%Y-%m-%dT%H:%M:%SZ}" for name in ("ordered_at", "updated_at")}
            writer.writerow({**row, **times})
        if text.tell() == header:
            return
        yield text.getvalue().encode()
