"""Curates the raw CSV objects of a small run in a Lambda function: the same rules, tables and report as the Spark job.

It answers like `curate_orders`, which takes runs of any size: the rows of a run are held in memory here.
"""

import argparse
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc
from order_rules import (
    FORMS,
    OPTIONAL,
    ORDER,
    ORDERS_SCHEMA,
    PARTITIONS,
    PROPERTIES,
    QUARANTINE_SCHEMA,
    RULES,
    SCHEMA,
    columns,
    reconciled,
    retried,
    too_many,
)
from pyiceberg.catalog.glue import GlueCatalog
from pyiceberg.expressions import And, BooleanExpression, EqualTo, GreaterThanOrEqual, In, LessThanOrEqual
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table import Table
from pyiceberg.transforms import IdentityTransform
from pyiceberg.types import DateType, DecimalType, IcebergType, LongType, NestedField, StringType, TimestamptzType
from raw_objects import Row, read_object

from blueprints_shared.clients import client
from blueprints_shared.observability import Logger
from blueprints_shared.settings import load

TYPES: dict[str, IcebergType] = {
    "string": StringType(),
    "timestamp": TimestamptzType(),
    "decimal(12,2)": DecimalType(12, 2),
    "date": DateType(),
    "bigint": LongType(),
}
Values = dict[str, Any]  # a row by column


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The environment variables of this function."""

    lake_bucket: str
    lake_database: str
    time_zone: str
    stop_percent: float
    small_run_megabytes: int


logger = Logger()
settings = load(Settings)
s3 = client("s3")


@logger.inject_lambda_context
def handler(event: dict[str, Any], _: Any) -> dict[str, Any]:
    """Curate the objects of the plan, and write the report beside it. Raises TooLarge: the run needs Spark."""
    bucket = settings.lake_bucket
    plan = json.loads(s3.get_object(Bucket=bucket, Key=event["plan"])["Body"].read())
    options = argparse.Namespace(
        run_id=event["run_id"], day=event["day"], time_zone=settings.time_zone, stop_percent=settings.stop_percent
    )
    catalog = Catalog(glue_catalog(), f"s3://{bucket}/warehouse", settings.lake_database)
    report = curate(catalog, read_all(bucket, plan), len(plan), options)
    logger.info("run curated", extra=report)
    s3.put_object(Bucket=bucket, Key=event["counts"], Body=json.dumps(report).encode())
    return report


def read_all(bucket: str, plan: Iterable[Mapping[str, str]]) -> Iterator[Row]:
    """The rows of all objects. Raises TooLarge if their texts are not small, as those of gzip objects may turn out."""
    left = settings.small_run_megabytes * 10**6
    for source in plan:
        for row in read_object(s3, bucket, source, max_bytes=left):
            left -= len(row[3] or "")
            yield row


# --- rows ------------------------------------------------------------------------------------------------------------


@dataclass
class Batch:
    """What is kept of a run's rows: counts, the broken rows, and the latest version of each order by its id."""

    counts: dict[str, int] = field(default_factory=lambda: {"raw_rows": 0, "quarantined": 0, "unreadable": 0})
    broken: list[Values] = field(default_factory=list)
    latest: dict[str, Values] = field(default_factory=dict)

    def add(self, row: Row, zone: ZoneInfo, run_id: str) -> None:
        """Judge a row of RAW_SCHEMA, and count it."""
        source_key, source_etag, line, raw, error, *cells = row
        values = dict(zip(SCHEMA, cells, strict=True))
        reason = error or typed(values) or judged(values)
        self.counts["raw_rows"] += line > 0
        if reason:
            self.counts["quarantined" if line > 0 else "unreadable"] += 1
            place = {"run_id": run_id, "source_key": source_key, "source_etag": source_etag, "line": line}
            self.broken.append({**place, "reason": reason, "raw": raw})
            return
        known = self.latest.get(values["order_id"])
        if known is None or version(values) > version(known):
            order_date = values["ordered_at"].astimezone(zone).date()
            values.update(order_date=order_date, source_key=source_key, run_id=run_id)
            self.latest[values["order_id"]] = values


def typed(values: Values) -> str | None:
    """Replace the texts of a row by values of their types; return why it is broken, None if it is valid."""
    for name, kind in SCHEMA.items():
        text = (values[name] or "").strip(" ") or None
        values[name] = text
        if text is None:
            if name not in OPTIONAL:
                return f"{name} is missing"
        elif kind in FORMS:
            values[name] = _value(text, kind)
            if values[name] is None:
                return f"{name} is not {kind}: {text[:100]}"
    return None


_PATTERNS = {kind: re.compile(form.pattern) for kind, form in FORMS.items()}


def _value(text: str, kind: str) -> Any:
    if not _PATTERNS[kind].fullmatch(text):
        return None
    try:
        return FORMS[kind].read(text)
    except ValueError:
        return None  # such as the 30th of February


def judged(values: Values) -> str | None:
    """The first rule of RULES that a row of typed values breaks; None if there is none."""
    return next((reason for reason, rule in RULES.items() if not rule.holds(values)), None)


def version(values: Values) -> tuple[tuple[bool, Any], ...]:
    """Of two versions of an order, the greater one is newer. As in Spark, no value is less than any value."""
    return tuple((values[name] is not None, values[name]) for name in ORDER)


# --- tables ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Catalog:
    """The Iceberg tables of a database in the Glue catalog."""

    iceberg: GlueCatalog
    warehouse: str
    database: str

    def create(self, name: str, schema: str) -> None:
        """Create a table that does not exist yet, where Spark would create it."""
        identifier = (self.database, name)
        if self.iceberg.table_exists(identifier):
            return
        fields = [
            NestedField(number, column, TYPES[kind]) for number, (column, kind) in enumerate(columns(schema).items(), 1)
        ]
        by = next(each for each in fields if each.name == PARTITIONS[name])
        self.iceberg.create_table_if_not_exists(
            identifier,
            Schema(*fields),
            f"{self.warehouse}/{self.database}.db/{name}",
            PartitionSpec(PartitionField(by.field_id, 1000, IdentityTransform(), by.name)),
            properties=PROPERTIES,
        )

    def load(self, name: str) -> Table:
        """The current state of a table. A commit to it fails if another one came between.

        By itself, pyiceberg would commit appended rows again on top of the other commit, which may have the same keys.
        """
        table = self.iceberg.load_table((self.database, name))
        properties = {**table.metadata.properties, "commit.retry.num-retries": "0"}
        table.metadata = table.metadata.model_copy(update={"properties": properties})
        return table


def glue_catalog() -> GlueCatalog:
    """The Glue catalog, with time limits. Arrow reads and writes S3 where this module's client does."""
    place = {"s3.endpoint": s3.meta.endpoint_url, "s3.region": s3.meta.region_name}
    limits = {"s3.connect-timeout": "5", "s3.request-timeout": "30"}  # seconds
    return GlueCatalog("lake", client=client("glue", read_timeout=30, attempts=5), **place, **limits)


def create_tables(catalog: Catalog) -> None:
    """Create the tables that do not exist yet."""
    catalog.create("orders", ORDERS_SCHEMA)
    catalog.create("quarantine", QUARANTINE_SCHEMA)


def merge_quarantine(catalog: Catalog, broken: Iterable[Values], run_id: str) -> None:
    """Add broken rows that are not in the quarantine table yet; a row is known by its object's version and its line."""
    table, place = catalog.load("quarantine"), ("source_key", "source_etag", "line")
    stored = table.scan(EqualTo("run_id", run_id), selected_fields=place).to_arrow().select(place)
    known = set(zip(*(column.to_pylist() for column in stored.columns), strict=True))
    new = [row for row in broken if tuple(row[name] for name in place) not in known]
    if new:
        table.append(_arrow(new, table))


def merge_orders(catalog: Catalog, latest: Mapping[str, Values]) -> None:
    """Insert new orders, and replace those of which these rows are a newer version; each order_id occurs once."""
    table = catalog.load("orders")
    written, replaced, dates = dict(latest), [], set()
    for stored in _stored(table, latest, (*SCHEMA, "order_date")):
        key = stored["order_id"]
        if version(latest[key]) > version(stored):
            replaced.append(key)
            dates.add(stored["order_date"])
        else:
            del written[key]
    if not written:
        return
    rows = _arrow(written.values(), table)
    if replaced:
        table.overwrite(rows, And(In("order_date", dates), In("order_id", replaced)))
    else:
        table.append(rows)


def merged(catalog: Catalog, latest: Mapping[str, Values], run_id: str, day: str) -> dict[str, int]:
    """Compare the table with the rows that were merged: how many of them this run wrote, and how many are missing."""
    last = date.fromisoformat(day)
    found = list(_stored(catalog.load("orders"), latest, ("order_id", "order_date", "run_id")))
    own = [row for row in found if row["run_id"] == run_id]
    return {
        "latest": len(latest),
        "missing": len(latest) - len(found),
        "merged": len(own),
        "late_merged": sum(row["order_date"] < last for row in own),
    }


def _stored(table: Table, latest: Mapping[str, Values], names: tuple[str, ...]) -> Iterator[Values]:
    """The rows of a table that have the keys of `latest`, with some columns."""
    if not latest:
        return
    between: BooleanExpression = And(
        GreaterThanOrEqual("order_id", min(latest)), LessThanOrEqual("order_id", max(latest))
    )
    keys = pa.array(latest)
    for batch in table.scan(between, selected_fields=names).to_arrow_batch_reader():
        yield from batch.filter(pc.is_in(batch["order_id"], keys.cast(batch["order_id"].type))).to_pylist()


def _arrow(rows: Iterable[Values], table: Table) -> pa.Table:
    return pa.Table.from_pylist(list(rows), table.schema().as_arrow())


# --- the run ---------------------------------------------------------------------------------------------------------


def curate(catalog: Catalog, raw: Iterable[Row], objects: int, options: argparse.Namespace) -> dict[str, Any]:
    """Quarantine and merge the rows of a run; return its counts."""
    batch, zone = Batch(), ZoneInfo(options.time_zone)
    for row in raw:
        batch.add(row, zone, options.run_id)
    report: dict[str, Any] = {"run_id": options.run_id, "engine": "lambda", "objects": objects, **batch.counts}
    create_tables(catalog)
    if batch.broken:
        retried(lambda: merge_quarantine(catalog, batch.broken, options.run_id))
    stop = too_many(batch.counts, objects, float(options.stop_percent))
    if stop:
        return {**report, "stopped": stop}
    retried(lambda: merge_orders(catalog, batch.latest))
    outcome = merged(catalog, batch.latest, options.run_id, options.day)
    return {**report, **reconciled(batch.counts, outcome, "orders"), "stopped": None}
