"""The transforms, from DataFrame to DataFrame, on a local Spark."""

import random
from decimal import Decimal

import pytest
from order_rows import BROKEN, as_csv, order, read
from order_rules import ORDERS_SCHEMA, QUARANTINE_SCHEMA, columns, retried, too_many


@pytest.fixture
def judged(job, spark):
    """Return a function that judges rows and returns them by order_id."""

    def rows(given):
        raw = spark.createDataFrame(read({"a.csv": as_csv(given)}), job.RAW_SCHEMA)
        return job.judged(job.typed(raw))

    return rows


def test_each_broken_row_has_its_reason(judged):
    valid = [
        order(99),
        order(98, amount="0"),
        order(97, ordered_at="2026-11-27T11:00:00+01:00"),
        order(96, note="東京"),
    ]
    rows = judged([*(order(n, **given) for n, (given, _) in enumerate(BROKEN)), *valid]).orderBy("line").collect()
    assert [row.reason for row in rows] == [*(reason for _, reason in BROKEN), None, None, None, None]
    assert (rows[-3].amount, rows[-1].note) == (Decimal("0.00"), "東京")


def test_the_order_date_is_the_day_in_the_business_time_zone(job, judged):
    """Midnight in Vienna is 23:00 UTC in winter, and 22:00 UTC in summer."""
    moments = {
        "2026-11-27T22:59:59Z": "2026-11-27",
        "2026-11-27T23:00:00Z": "2026-11-28",
        "2026-07-01T21:59:59Z": "2026-07-01",
        "2026-07-01T22:00:00Z": "2026-07-02",
        "2026-07-01T00:30:00+02:00": "2026-07-01",
    }
    given = [order(n, ordered_at=moment) for n, moment in enumerate(moments)]
    rows = job.orders(judged(given), "Europe/Vienna", "one").orderBy("order_id").collect()
    assert [str(row.order_date) for row in rows] == list(moments.values())


def test_of_several_versions_the_latest_is_kept_whatever_their_order(job, judged):
    versions = [
        order(1, amount="1"),
        order(1, amount="3", updated_at="2026-11-27T12:00:00Z"),
        order(1, amount="2", updated_at="2026-11-27T12:00:00Z"),
        order(1, amount="9", updated_at="2026-11-27T11:00:00Z"),
    ]
    kept = set()
    for seed in range(3):
        random.Random(seed).shuffle(versions)
        (row,) = job.latest(job.orders(judged(versions), "UTC", "one")).collect()
        kept.add((row.amount, row.status))
    assert len(kept) == 1
    assert kept < {(Decimal(2), "paid"), (Decimal(3), "paid")}


def test_the_columns_are_those_of_the_tables(job, judged):
    rows = judged([order(1)])
    assert job.orders(rows, "UTC", "one").columns == list(columns(ORDERS_SCHEMA))
    assert job.quarantine(rows, "one").columns == list(columns(QUARANTINE_SCHEMA))


@pytest.mark.parametrize(
    ("broken", "unreadable", "stops"), [(1, 0, False), (5, 0, False), (6, 0, True), (0, 1, False), (0, 2, True)]
)
def test_a_run_stops_above_the_tolerated_share(broken, unreadable, stops):
    counts = {"raw_rows": 100, "quarantined": broken, "unreadable": unreadable}
    assert bool(too_many(counts, 20, 5)) == stops


def test_a_commit_that_conflicts_is_tried_again():
    failures = [RuntimeError("org.apache.iceberg.exceptions.ValidationException: Found conflicting files")] * 2

    def action():
        if failures:
            raise failures.pop()
        return "done"

    assert retried(action, pause=lambda _: None) == "done"
    with pytest.raises(ZeroDivisionError):
        retried(lambda: 1 / 0, pause=lambda _: None)
