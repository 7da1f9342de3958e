"""The columns and rules of orders, for both engines: `curate_orders` on Spark, and `curate_small` in a Lambda function.

Change SCHEMA, OPTIONAL and RULES for other data.
"""

import random
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

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
PARTITIONS = {"orders": "order_date", "quarantine": "run_id"}
PROPERTIES = {"format-version": "2", "write.metadata.delete-after-commit.enabled": "true"}


class Form(NamedTuple):
    """The texts that can be read as a type, and the function that reads one. It raises ValueError for others."""

    pattern: str
    read: Callable[[str], Any]


class Rule(NamedTuple):
    """A condition that every row has to fulfil: as SQL for Spark, and as a function of the row's typed values."""

    sql: str
    holds: Callable[[Mapping[str, Any]], bool]


# Without the patterns, Spark would read "1,000" as 1000.00 and "1.005" as 1.01.
FORMS = {
    "timestamp": Form(
        "[12][0-9]{3}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}([.][0-9]{1,6})?"
        "(Z|[+-](0[0-9]|1[0-7]):[0-5][0-9])",
        datetime.fromisoformat,
    ),
    "decimal(12,2)": Form("-?[0-9]{1,10}([.][0-9]{1,2})?", lambda text: Decimal(text) + Decimal("0.00")),
}
# A row that does not fulfil one of them is set aside, for this reason. They read columns that are not optional.
RULES = {
    "amount is negative": Rule("amount >= 0", lambda row: row["amount"] >= 0),
    "country is not two capital letters": Rule(
        "length(country) = 2 AND country RLIKE '^[A-Z]{2}'",
        lambda row: len(row["country"]) == 2 and all("A" <= letter <= "Z" for letter in row["country"]),
    ),
    "status is unknown": Rule(
        "status IN ('placed', 'paid', 'shipped', 'cancelled')",
        lambda row: row["status"] in ("placed", "paid", "shipped", "cancelled"),
    ),
    "updated_at lies before ordered_at": Rule(
        "updated_at >= ordered_at", lambda row: row["updated_at"] >= row["ordered_at"]
    ),
}
# By these columns, one after the other, one version of an order is newer than another. The order is total.
ORDER = ("updated_at", *(name for name in SCHEMA if name not in ("order_id", "updated_at")))
ATTEMPTS = 6  # at a commit that conflicts with that of another run

_CONFLICTS = ("ValidationException", "CommitFailedException", "AlreadyExists", "ConcurrentModification")


def columns(schema: str) -> dict[str, str]:
    """The types of the columns of a schema such as ORDERS_SCHEMA, by name."""
    return dict(column.split() for column in schema.split(", "))


def too_many(counts: Mapping[str, int], objects: int, percent: float) -> str | None:
    """Why the run has to stop before anything is merged; None if it goes on."""
    for what, broken, of in (
        ("rows", counts["quarantined"], counts["raw_rows"]),
        ("objects", counts["unreadable"], objects),
    ):
        if broken * 100 > percent * of:
            return f"{broken} of {of} {what} are broken, {percent:g} % are tolerated"
    return None


def reconciled(counts: Mapping[str, int], outcome: Mapping[str, int], table: str) -> dict[str, int]:
    """What became of the rows of a run. Raises RuntimeError if one of its orders is not in the table.

    `outcome` holds the orders of the run (`latest`), and how many of them the table lacks (`missing`), has from this
    run (`merged`), and has from it in the partition of an earlier day (`late_merged`).
    """
    latest, merged, missing = outcome["latest"], outcome["merged"], outcome["missing"]
    if missing:
        raise RuntimeError(f"{missing} of {latest} orders are not in {table} after the merge")
    return {
        "duplicates": counts["raw_rows"] - counts["quarantined"] - latest,
        "merged": merged,
        "late_merged": outcome["late_merged"],
        "outdated": latest - merged,
    }


def retried(action: Callable[[], Any], pause: Callable[[float], None] = time.sleep) -> Any:
    """Run an action again while it fails because another run has committed meanwhile. Iceberg does not retry these."""
    attempt = 1
    while True:
        try:
            return action()
        except Exception as error:
            said = f"{type(error).__name__}: {error}"
            if attempt == ATTEMPTS or not any(each in said for each in _CONFLICTS):
                raise
            print(f"attempt {attempt} conflicts with another run: {said.splitlines()[0][:300]}")
        pause(random.uniform(0, 2**attempt))  # noqa: S311 - no secret
        attempt += 1
