"""Fills a table of the lake, or invokes the function that curates small runs, in this process.

It has the function's environment variables. Arguments: the folder with the function's code, and either `fill` with the
number of orders, or `invoke` with the event as JSON.
"""

import json
import sys
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from benchmarks.processes import own_peak

DAYS = 30
FIRST_DAY = datetime(2026, 10, 29, 12, tzinfo=UTC)


def fill(lake: Any, orders: int) -> None:
    """Create the table and write orders of thirty days; print the location of its metadata."""
    catalog = lake.Catalog(lake.glue_catalog(), f"s3://{lake.settings.lake_bucket}/warehouse", "base")
    catalog.iceberg.create_namespace("base")
    lake.create_tables(catalog)
    table = catalog.load("orders")
    for day in range(DAYS):
        moment = FIRST_DAY + timedelta(days=day)
        rows = ({**order(number, moment), "order_date": moment.date()} for number in range(day, orders, DAYS))
        table.append(lake._arrow(rows, table))  # noqa: SLF001 - as the function does
    print(json.dumps(table.metadata_location))


def order(number: int, moment: datetime) -> dict[str, Any]:
    """An order of the table."""
    return {
        "order_id": f"order-{number * 7919 % 10**9:09}",
        "customer_id": f"customer {number % 5000:04}",
        "ordered_at": moment,
        "updated_at": moment,
        "country": ("AT", "DE", "FR", "JP", "PL")[number % 5],
        "status": "paid",
        "amount": Decimal(number % 50_000) / 100,
        "note": None if number % 3 else "ring twice",
        "source_key": "raw/base.csv",
        "run_id": "base",
    }


def invoke(lake: Any, event: dict[str, Any]) -> None:
    """Invoke the handler once, and print what the whole process took."""
    context = SimpleNamespace(
        function_name="small", memory_limit_in_mb=0, invoked_function_arn="", aws_request_id="", function_version="1"
    )
    lake.handler(event, context)
    print(json.dumps({"wall": time.perf_counter() - BEGAN, "cpu": time.process_time(), "peak": own_peak()}))


def main() -> None:
    """Do what the arguments say."""
    code, action, argument = sys.argv[1:]
    sys.path.insert(0, code)
    import curate_small  # type: ignore[import-not-found]  # a pattern's module

    if action == "fill":
        fill(curate_small, int(argument))
    else:
        invoke(curate_small, json.loads(argument))


if __name__ == "__main__":
    BEGAN = time.perf_counter()
    main()
