"""The function that curates without Spark: its rows are judged like the job's, and it reads the plan and writes counts.

Its tables are tested on an AWS that has a Glue catalog.
"""

import gzip
import json
import random
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from order_rows import BROKEN, as_csv, order, read

pytest.importorskip("pyiceberg", reason="install src/jobs/requirements.txt")


@pytest.fixture
def small(load, monkeypatch):
    """The module with the function's handler, for runs of less than a megabyte."""
    monkeypatch.setenv("SMALL_RUN_MEGABYTES", "1")
    return load("CurateSmall")


@pytest.fixture
def batch(small):
    """Return a function that judges rows."""

    def judged(rows, zone="Europe/Vienna"):
        made = small.Batch()
        for row in read({"a.csv": as_csv(rows)}):
            made.add(row, ZoneInfo(zone), "one")
        return made

    return judged


def test_each_broken_row_has_its_reason(batch):
    judged = batch([*(order(n, **given) for n, (given, _) in enumerate(BROKEN)), order(99, amount="0")])
    assert [row["reason"] for row in judged.broken] == [reason for _, reason in BROKEN]
    assert [(row["amount"], row["note"]) for row in judged.latest.values()] == [(Decimal("0.00"), None)]
    assert judged.counts == {"raw_rows": len(BROKEN) + 1, "quarantined": len(BROKEN), "unreadable": 0}


def test_the_order_date_is_the_day_in_the_business_time_zone(batch):
    moments = {"2026-11-27T22:59:59Z": "2026-11-27", "2026-11-27T23:00:00Z": "2026-11-28"}
    judged = batch([order(n, ordered_at=moment) for n, moment in enumerate(moments)])
    assert [str(row["order_date"]) for row in judged.latest.values()] == list(moments.values())


def test_of_several_versions_the_latest_is_kept_whatever_their_order(batch):
    versions = [
        order(1, amount="1"),
        order(1, amount="2", updated_at="2026-11-27T12:00:00Z", note=""),
        order(1, amount="2", updated_at="2026-11-27T12:00:00Z", note="b"),
        order(1, amount="9", updated_at="2026-11-27T11:00:00Z"),
    ]
    for seed in range(5):
        random.Random(seed).shuffle(versions)
        (row,) = batch(versions).latest.values()
        assert (row["amount"], row["note"]) == (Decimal(2), "b")


@pytest.fixture
def invoke(small, s3, context, monkeypatch):
    """Return a function that invokes the handler with a plan of objects; the tables are left out."""

    def curate(_, raw, objects, options):
        return {"raw_rows": len(list(raw)), "objects": objects, "day": options.day}

    monkeypatch.setattr(small, "curate", curate)

    def call(objects):
        keys = [f"raw/2026-11-27/{name}" for name in objects]
        for key, content in zip(keys, objects.values(), strict=True):
            s3.put_object(Bucket="lake", Key=key, Body=content)
        plan = [{"key": key, "etag": s3.head_object(Bucket="lake", Key=key)["ETag"]} for key in keys]
        s3.put_object(Bucket="lake", Key="plan", Body=json.dumps(plan))
        return small.handler({"run_id": "one", "day": "2026-11-27", "plan": "plan", "counts": "counts"}, context)

    return call


def test_the_function_reads_its_plan_and_writes_its_counts(invoke, s3):
    report = invoke({"a.csv": as_csv([order(1), order(2)]), "b 注文.csv": as_csv([order(3)])})
    assert report == {"raw_rows": 3, "objects": 2, "day": "2026-11-27"}
    assert json.loads(s3.get_object(Bucket="lake", Key="counts")["Body"].read()) == report


def test_objects_that_are_too_large_together_are_left_to_spark(invoke, s3):
    """The state machine catches the error by its name, and starts the job."""
    half = as_csv([order(n, note="x" * 400) for n in range(1000)])
    invoke({"a.csv": half, "b.csv.gz": gzip.compress(half)})
    s3.delete_object(Bucket="lake", Key="counts")
    with pytest.raises(Exception, match="larger than") as raised:
        invoke({"a.csv": half, "b.csv.gz": gzip.compress(half * 2)})
    assert type(raised.value).__name__ == "TooLarge"
    assert s3.list_objects_v2(Bucket="lake", Prefix="counts")["KeyCount"] == 0
