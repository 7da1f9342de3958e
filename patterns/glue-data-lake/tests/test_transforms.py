"""The transforms, from DataFrame to DataFrame, on a local Spark."""

import random
from decimal import Decimal

import pytest
from order_rows import as_csv, order, read


@pytest.fixture
def judged(job, spark):
    """Return a function that judges rows and returns them by order_id."""

    def rows(given):
        raw = spark.createDataFrame(read(job, {"a.csv": as_csv(given)}), job.RAW_SCHEMA)
        return job.judged(job.typed(raw))

    return rows


def test_each_broken_row_has_its_reason(judged):
    """Values that Spark would read silently as something else are among them."""
    cases = [
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
        ({"country": "Austria"}, "country is not two capital letters"),
        ({"status": "lost"}, "status is unknown"),
    ]
    valid = [
        order(99),
        order(98, amount="0"),
        order(97, ordered_at="2026-11-27T11:00:00+01:00"),
        order(96, note="東京"),
    ]
    rows = judged([*(order(n, **given) for n, (given, _) in enumerate(cases)), *valid]).orderBy("line").collect()
    assert [row.reason for row in rows] == [*(reason for _, reason in cases), None, None, None, None]
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
    names = [column.split()[0] for column in job.ORDERS_SCHEMA.replace("decimal(12,2)", "decimal").split(", ")]
    assert job.orders(rows, "UTC", "one").columns == names
    assert job.quarantine(rows, "one").columns == [each.split()[0] for each in job.QUARANTINE_SCHEMA.split(", ")]


@pytest.mark.parametrize(
    ("broken", "unreadable", "stops"), [(1, 0, False), (5, 0, False), (6, 0, True), (0, 1, False), (0, 2, True)]
)
def test_a_run_stops_above_the_tolerated_share(job, broken, unreadable, stops):
    counts = {"raw_rows": 100, "quarantined": broken, "unreadable": unreadable}
    assert bool(job.too_many(counts, 20, 5)) == stops


def test_a_commit_that_conflicts_is_tried_again(job):
    failures = [RuntimeError("org.apache.iceberg.exceptions.ValidationException: Found conflicting files")] * 2

    def action():
        if failures:
            raise failures.pop()
        return "done"

    assert job.retried(action, pause=lambda _: None) == "done"
    with pytest.raises(ZeroDivisionError):
        job.retried(lambda: 1 / 0, pause=lambda _: None)
