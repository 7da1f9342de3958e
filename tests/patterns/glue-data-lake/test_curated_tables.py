"""Whole runs of both engines on Iceberg tables: repeated, killed and simultaneous runs, and odd input."""

import gzip
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from threading import Barrier, get_ident

import pytest
from order_rows import COLUMNS, as_csv, order


class Killed(Exception):
    """Stands for the end of a job in the middle of its work."""


def test_the_same_run_twice_and_a_killed_run_end_alike(lake, monkeypatch):
    """Also when it ends between quarantine and merge, or right after the merge, and is started again."""
    broken = order(3, amount="x")
    objects = {"a 注文.csv": as_csv([*(order(n, note="東京") for n in range(40)), broken])}
    with monkeypatch.context() as patch:
        patch.setattr(lake.module, "merge_orders", killed)
        with pytest.raises(Killed):
            lake.curate("one", objects)
    assert lake.orders() == []
    with monkeypatch.context() as patch:
        patch.setattr(lake.module, "merged", killed)
        with pytest.raises(Killed):
            lake.curate("one", objects)
    first = lake.curate("one", objects)
    state = lake.orders(), lake.quarantined()
    assert lake.curate("one", objects) == first
    assert (lake.orders(), lake.quarantined()) == state
    assert first == {
        "run_id": "one",
        "engine": lake.engine,
        "objects": 1,
        "raw_rows": 41,
        "quarantined": 1,
        "unreadable": 0,
        "duplicates": 0,
        "merged": 40,
        "late_merged": 0,
        "outdated": 0,
        "stopped": None,
    }
    assert state[1] == [("one", "raw/2026-11-27/a 注文.csv", 42, "amount is not decimal(12,2): x")]


def killed(*_):
    raise Killed


def test_late_and_out_of_order_days_end_alike(lake):
    """A correction that arrives before what it corrects wins as well, and a late row goes to its own day."""
    day_1 = {"1.csv": as_csv([order(1, amount="1"), order(2, ordered_at="2026-11-26T10:00:00Z")])}
    day_2 = {
        "2.csv": as_csv(
            [
                order(1, amount="5", updated_at="2026-11-28T10:00:00Z"),
                order(3, ordered_at="2026-11-25T10:00:00Z"),
                order(4, ordered_at="2026-11-28T10:00:00Z"),
            ]
        )
    }
    other = lake.another()
    in_order = [lake.curate("1", day_1), lake.curate("2", day_2, "2026-11-28")]
    reversed_order = [other.curate("2", day_2, "2026-11-28"), other.curate("1", day_1)]
    assert lake.orders() == other.orders()
    assert [row[2] for row in lake.orders()] == [Decimal(5), Decimal("10.50"), Decimal("10.50"), Decimal("10.50")]
    assert [row[3] for row in lake.orders()] == [date(2026, 11, n) for n in (27, 26, 25, 28)]
    assert [report["late_merged"] for report in in_order] == [1, 2]
    assert [report["outdated"] for report in reversed_order] == [0, 1]


def test_ten_percent_broken_rows_stop_the_run_before_anything_is_merged(lake):
    report = lake.curate("one", {"a.csv": as_csv([order(n, amount="x" if n < 10 else "1") for n in range(100)])})
    assert report["stopped"] == "10 of 100 rows are broken, 5 % are tolerated"
    assert lake.orders() == []
    assert len(lake.quarantined()) == 10
    mended = lake.curate("one", {"a.csv": as_csv([order(n, amount="x" if n < 1 else "1") for n in range(100)])})
    assert (mended["stopped"], mended["quarantined"], mended["merged"]) == (None, 1, 99)


def test_a_schema_that_gains_loses_reorders_and_retypes_a_column(lake):
    """Values stay in their columns; only cells that are no longer of the type are broken."""
    objects = {
        "as before.csv": as_csv([order(n) for n in range(100, 160)]),
        "gained.csv": as_csv([order(1)], [*COLUMNS, "channel"]),
        "lost.csv": as_csv([order(2)], COLUMNS[:-1]),
        "reordered.csv.gz": gzip.compress(as_csv([order(3, country="JP", customer_id="DE")], COLUMNS[::-1])),
        "retyped.csv": as_csv([order(4, amount="EUR 5"), order(5, amount="5")]),
    }
    report = lake.curate("one", objects)
    assert (report["merged"], report["quarantined"]) == (64, 1)
    rows = {row[0]: row[1:] for row in lake.orders("order_id", "customer_id", "country", "amount", "note")}
    assert rows["order 3"] == ("DE", "JP", Decimal("10.50"), None)
    assert rows["order 2"] == ("customer 1", "AT", Decimal("10.50"), None)
    assert rows["order 5"][2] == Decimal(5)
    assert lake.quarantined()[0][3] == "amount is not decimal(12,2): EUR 5"


def test_null_keys_and_duplicate_keys_are_merged_once_or_not_at_all(lake):
    """Iceberg's MERGE alone inserts unmatched duplicates twice, and null keys again at every run."""
    rows = [
        *(order(n) for n in range(60)),
        order(1),
        order(1, updated_at="2026-11-27T12:00:00Z"),
        order(9, order_id=""),
    ]
    reports = [lake.curate(run_id, {"a.csv": as_csv(rows)}) for run_id in ("one", "two")]
    assert [(each["merged"], each["duplicates"], each["quarantined"]) for each in reports] == [(60, 2, 1), (0, 2, 1)]
    assert len(lake.orders()) == 60
    assert len({row[0] for row in lake.orders()}) == 60


def test_two_runs_at_once_on_the_same_keys_both_count(lake):
    """One commit conflicts with the other, is tried again, and each order is there once in its latest version."""
    lake.create_tables()
    batches = {
        "one": {"1.csv": as_csv([order(n, updated_at="2026-11-27T11:00:00Z", amount="1") for n in range(20)])},
        "two": {"2.csv": as_csv([order(n, updated_at="2026-11-27T12:00:00Z", amount="2") for n in range(10, 30)])},
    }
    with ThreadPoolExecutor(2) as pool:
        reports = list(pool.map(lambda run_id: lake.curate(run_id, batches[run_id]), batches))
    assert [row[2] for row in lake.orders("order_date", "order_id", "amount")].count(Decimal(2)) == 20
    assert len(lake.orders()) == 30
    for report in reports:
        assert report["merged"] + report["outdated"] == 20


def test_of_two_runs_that_insert_the_same_orders_at_once_one_is_tried_again(lambda_lake, monkeypatch, capsys):
    """Both have read the table before the other's commit. Appended on top of it, each order would be there twice."""
    lambda_lake.create_tables()
    both_have_read, arrow, threads = Barrier(2), lambda_lake.module._arrow, set()

    def after_both_have_read(rows, table):
        if get_ident() not in threads:
            threads.add(get_ident())
            both_have_read.wait(30)
        return arrow(rows, table)

    monkeypatch.setattr(lambda_lake.module, "_arrow", after_both_have_read)
    objects = {"a.csv": as_csv([order(n) for n in range(20)])}
    with ThreadPoolExecutor(2) as pool:
        reports = list(pool.map(lambda run_id: lambda_lake.curate(run_id, objects), ("one", "two")))
    assert len(lambda_lake.orders()) == 20
    assert sorted((report["merged"], report["outdated"]) for report in reports) == [(0, 20), (20, 0)]
    assert "attempt 1 conflicts with another run: CommitFailedException" in capsys.readouterr().out


def test_the_tables_can_be_compacted_and_old_snapshots_expire(spark_lake):
    """The rows stay, in fewer files; a snapshot older than the limit can no longer be read."""
    import maintain_tables

    for n in range(2):
        spark_lake.curate(f"run {n}", {"a.csv": as_csv([order(n)])})
    files = f"SELECT count(*) FROM {spark_lake.database}.orders.files"
    before, rows = spark_lake.spark.sql(files).first()[0], spark_lake.orders()
    done = maintain_tables.maintain(spark_lake.spark, spark_lake.database.removeprefix("lake."), 0.0, 2)
    assert before == 2
    assert spark_lake.spark.sql(files).first()[0] == 1
    assert spark_lake.orders() == rows
    assert done["orders"]["compacted"]["rewritten_data_files_count"] == 2
    assert spark_lake.spark.sql(f"SELECT count(*) FROM {spark_lake.database}.orders.snapshots").first()[0] == 2
