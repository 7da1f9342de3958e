"""Loads the revenue per day into PostgreSQL: into a staging table, which then takes the place of the old table.

All of it is one transaction, so readers see the old rows or the new ones, and a load that ends early leaves nothing.
"""

import csv
import io
import json
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from data_api import Transaction, transaction
from run_files import Settings as RunSettings

from blueprints_shared.clients import client
from blueprints_shared.observability import Logger
from blueprints_shared.settings import load

ROWS_AT_ONCE = 5_000  # about 0.5 MB; the Data API takes 4 MB

Row = dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(RunSettings):
    """The environment variables of this function."""

    database_cluster_arn: str | None
    secret_arn: str | None
    database_name: str
    database_schema: str


class WrongRows(Exception):
    """The staging table does not hold the rows that were sent; the load is rolled back."""


logger = Logger()
settings = load(Settings)
s3 = client("s3")
rds = client("rds-data", read_timeout=50) if settings.database_cluster_arn else None


@logger.inject_lambda_context
def handler(event: dict[str, Any], _: Any) -> dict[str, Any]:
    """Load the answer of an Athena query; return rows and revenue of both sides, None without a database."""
    query = event["query"]
    rows = answered(query["ResultConfiguration"]["OutputLocation"])
    found = totals(rows)
    loaded = None
    if rds and settings.database_cluster_arn and settings.secret_arn:
        place = (settings.database_cluster_arn, settings.secret_arn, settings.database_name)
        with transaction(rds, *place) as database:
            loaded = swap(database, rows, event["run_id"], str(query["Status"]["SubmissionDateTime"]))
    result = {
        "curated_rows": found[0],
        "revenue_athena": found[1],
        "rows_postgres": loaded and loaded[0],
        "revenue_postgres": loaded and loaded[1],
    }
    logger.info("revenue loaded", extra={"run_id": event["run_id"], **result})
    return result


def answered(location: str) -> list[Row]:
    """The rows of a result file of Athena."""
    bucket, _, key = location.removeprefix("s3://").partition("/")
    content = s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode()
    return list(csv.DictReader(io.StringIO(content, newline="")))


def totals(rows: Iterable[Row]) -> tuple[int, str]:
    """Orders and revenue of all rows."""
    rows = list(rows)
    return sum(int(row["orders"]) for row in rows), f"{sum((Decimal(row['revenue']) for row in rows), Decimal(0)):.2f}"


def swap(database: Transaction, rows: list[Row], run_id: str, read_at: str) -> tuple[int, str]:
    """Replace the table, unless it holds what was read from the lake later; return orders and revenue in the table.

    `read_at` is the time of the query in milliseconds since 1970, as Step Functions gives it.
    """
    schema, run = settings.database_schema, database.rows
    # CREATE … IF NOT EXISTS can fail when two transactions do it at once, so the lock comes first.
    run("SELECT pg_advisory_xact_lock(hashtext(:name))::text", name=f"{schema}.revenue_per_day")
    run(f"CREATE SCHEMA IF NOT EXISTS {schema}")
    run(
        f"CREATE TABLE IF NOT EXISTS {schema}.loads "
        "(target text PRIMARY KEY, run_id text NOT NULL, read_at timestamptz NOT NULL, loaded_at timestamptz NOT NULL)"
    )
    is_newest = run(
        f"INSERT INTO {schema}.loads AS stored "  # noqa: S608 - a setting of the template
        "VALUES ('revenue_per_day', :run_id, to_timestamp(CAST(:read_at AS double precision) / 1000), now()) "
        "ON CONFLICT (target) DO UPDATE SET run_id = excluded.run_id, read_at = excluded.read_at, loaded_at = now() "
        "WHERE stored.read_at <= excluded.read_at RETURNING run_id",
        run_id=run_id,
        read_at=read_at,
    )
    if is_newest:
        _stage(database, rows)
        run(f"DROP TABLE IF EXISTS {schema}.revenue_per_day")
        run(f"ALTER TABLE {schema}.staging RENAME TO revenue_per_day")
    ((orders, revenue),) = run(_totals("revenue_per_day"))
    return int(orders), str(revenue)


def _stage(database: Transaction, rows: list[Row]) -> None:
    database.rows(
        f"CREATE TABLE {settings.database_schema}.staging (order_date date, country text, orders bigint NOT NULL, "
        "cancelled bigint NOT NULL, revenue numeric(18,2) NOT NULL, PRIMARY KEY (order_date, country))"
    )
    for start in range(0, len(rows), ROWS_AT_ONCE):
        database.rows(
            f"INSERT INTO {settings.database_schema}.staging "  # noqa: S608 - a setting of the template
            "SELECT * FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS "
            "sent(order_date date, country text, orders bigint, cancelled bigint, revenue numeric)",
            rows=json.dumps(rows[start : start + ROWS_AT_ONCE]),
        )
    ((orders, revenue),) = database.rows(_totals("staging"))
    if (int(orders), str(revenue)) != totals(rows):
        raise WrongRows(f"the staging table has {orders} orders worth {revenue}, Athena has {totals(rows)}")


def _totals(table: str) -> str:
    columns = "coalesce(sum(orders), 0)::bigint, coalesce(sum(revenue), 0)::numeric(18,2)::text"
    return f"SELECT {columns} FROM {settings.database_schema}.{table}"  # noqa: S608 - a setting of the template
