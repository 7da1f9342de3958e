"""Rows of orders for tests, and objects made of them."""

import csv
import io
from argparse import Namespace

COLUMNS = ["order_id", "customer_id", "ordered_at", "updated_at", "country", "status", "amount", "note"]


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


def read(job, objects):
    """The rows of objects, given as their contents by name, in the form of the job's RAW_SCHEMA."""
    sources = {
        name: {"key": f"raw/2026-11-27/{name}", "etag": f'"{hash(content)}"'} for name, content in objects.items()
    }
    return [row for name, content in objects.items() for row in job.rows_of(sources[name], content)]


def options(run_id="one", day="2026-11-27", stop_percent=5):
    """The arguments of the job."""
    return Namespace(run_id=run_id, day=day, stop_percent=stop_percent, time_zone="Europe/Vienna")
