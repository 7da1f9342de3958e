"""Rows of orders for tests, and objects made of them."""

import csv
import io
from argparse import Namespace

from raw_objects import rows_of

COLUMNS = ["order_id", "customer_id", "ordered_at", "updated_at", "country", "status", "amount", "note"]
# Cells that break a row, with the reason. Spark would read some of them silently as something else.
BROKEN = [
    ({"order_id": ""}, "order_id is missing"),
    ({"order_id": "  "}, "order_id is missing"),
    ({"amount": ""}, "amount is missing"),
    ({"amount": "1,000"}, "amount is not decimal(12,2): 1,000"),
    ({"amount": "1.005"}, "amount is not decimal(12,2): 1.005"),
    ({"amount": "1e3"}, "amount is not decimal(12,2): 1e3"),
    ({"amount": "12345678901"}, "amount is not decimal(12,2): 12345678901"),
    ({"amount": "-1"}, "amount is negative"),
    ({"ordered_at": "2026-02-30T00:00:00Z"}, "ordered_at is not timestamp: 2026-02-30T00:00:00Z"),
    ({"ordered_at": "27.11.2026"}, "ordered_at is not timestamp: 27.11.2026"),
    ({"ordered_at": "2026-11-27T10:00:00"}, "ordered_at is not timestamp: 2026-11-27T10:00:00"),
    ({"updated_at": "2026-11-27T09:59:59Z"}, "updated_at lies before ordered_at"),
    ({"ordered_at": "0999-12-31T00:00:00Z"}, "ordered_at is not timestamp: 0999-12-31T00:00:00Z"),
    ({"ordered_at": "2026-11-27T10:00:00Z\n"}, "ordered_at is not timestamp: 2026-11-27T10:00:00Z\n"),
    ({"country": "AT\n"}, "country is not two capital letters"),
    ({"country": "Austria"}, "country is not two capital letters"),
    ({"status": "lost"}, "status is unknown"),
]


def order(number=1, **given):
    """An order that fulfils every rule, with some values replaced."""
    return {
        "order_id": f"order {number}",
        "customer_id": "customer 1",
        "ordered_at": "2026-11-27T10:00:00Z",
        "updated_at": given.get("ordered_at", "2026-11-27T10:00:00Z"),
        "country": "AT",
        "status": "paid",
        "amount": "10.50",
        "note": "",
        **given,
    }


def as_csv(rows, columns=COLUMNS):
    """Rows as CSV with a header."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, extrasaction="ignore", restval="?")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def read(objects):
    """The rows of objects, given as their contents by name, in the form of RAW_SCHEMA."""
    sources = {
        name: {"key": f"raw/2026-11-27/{name}", "etag": f'"{hash(content)}"'} for name, content in objects.items()
    }
    return [row for name, content in objects.items() for row in rows_of(sources[name], content)]


def options(run_id="one", day="2026-11-27", stop_percent=5):
    """The arguments of the job."""
    return Namespace(run_id=run_id, day=day, stop_percent=stop_percent, time_zone="Europe/Vienna")
