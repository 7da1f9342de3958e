"""Both engines read every cell alike, and make the same tables and reports of the same objects."""

from itertools import count
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from order_rows import COLUMNS, as_csv, options, order, read

ODD_TIMES = (
    "2026-11-27T24:00:00Z", "2026-11-27T23:59:60Z", "2026-11-27T10:60:00Z", "2026-02-29T00:00:00Z",
    "2028-02-29T00:00:00Z", "2026-11-27T10:00:00.1Z", "2026-11-27T10:00:00.123456Z", "2026-11-27T10:00:00.1234567Z",
    "2026-11-27T10:00:00+17:59", "2026-11-27T10:00:00-18:00", "2026-11-27T10:00:00+18:01", "2026-11-27T10:00:00+0100",
    "2026-11-27T10:00:00-00:00", "2026-11-27 10:00:00Z", "2026-11-27T10:00:00z", "2026-11-27T10:00:00Z\n",
    "0000-01-01T00:00:00Z", "0999-12-31T23:59:59Z", "1000-01-01T00:00:00+01:00", "1582-10-10T00:00:00Z",
    "1900-01-01T00:00:00Z", "2999-12-31T23:30:00-01:00", "3000-01-01T00:00:00Z", "2026-W48-5T10:00:00Z",
    "２０２６-11-27T10:00:00Z", "2026-03-29T01:30:00Z", "2026-10-25T00:30:00Z",
)  # fmt: skip
ODD_AMOUNTS = (
    "-0", "-0.00", "007", "1.", ".5", "+1", "1e2", "1_0", "1,5", "9999999999.99", "10000000000", "-0.01", "0.005",
    "NaN", "１", "1\n", "\t1", "0x1", "1 0",
)  # fmt: skip
ODD_TEXTS = (
    "", " ", "  x  ", "\n", "\tx", "x\r\n", "\x00", "\u3000", "\u00a0", "\u2028", "NULL", "null", "'", '"', "\\", "%s",
    "e\u0301", "é", "東京", "🎁" * 101, "AT", "At", "AT\n", "AT\u2028", "ÄT", "A", "ATT", "ＡＴ", "paid", "Paid",
    "paid ",
)  # fmt: skip
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(ODD_TEXTS)
TIME = st.sampled_from(ODD_TIMES) | st.datetimes().map(lambda moment: f"{moment.isoformat()}Z")
AMOUNT = st.sampled_from(ODD_AMOUNTS) | st.decimals(-99, 9999, places=2, allow_nan=False).map(str)
ODD = {name: TIME if name.endswith("_at") else AMOUNT if name == "amount" else TEXT for name in COLUMNS}


def test_every_odd_cell_is_read_alike(job, spark, small):
    """In each column: what is broken, for which reason, and the value of what is not."""
    cells = [*ODD_TIMES, *ODD_AMOUNTS, *ODD_TEXTS]
    alike(job, spark, small, [order(n, **{name: cell}) for name in COLUMNS for n, cell in enumerate(cells)])


@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.dictionaries(st.sampled_from(COLUMNS), st.none(), max_size=2), min_size=40, max_size=80), st.data())
def test_random_cells_are_read_alike(job, spark, small, changed, data):
    rows = [order(n, **{name: data.draw(ODD[name]) for name in names}) for n, names in enumerate(changed)]
    alike(job, spark, small, rows)


def alike(job, spark, small, rows):
    """Compare what both engines make of each row."""
    raw = read({"a.csv": as_csv(rows)})
    judged = job.judged(job.typed(spark.createDataFrame(raw, job.RAW_SCHEMA)))
    broken = {row.line: (row.reason, row.raw) for row in job.quarantine(judged, "one").collect()}
    times = ("unix_micros(ordered_at)", "unix_micros(updated_at)", "date_format(order_date, 'yyyy-MM-dd')")
    others = [name for name in COLUMNS if not name.endswith("_at")]
    valid = job.orders(judged, "Europe/Vienna", "one").selectExpr(*others, *times)
    zone, batches = ZoneInfo("Europe/Vienna"), []
    for row in raw:
        batches.append(small.Batch())
        batches[-1].add(row, zone, "one")
    assert broken == {row["line"]: (row["reason"], row["raw"]) for batch in batches for row in batch.broken}
    found = [
        (*(row[name] for name in others), micros(row["ordered_at"]), micros(row["updated_at"]), str(row["order_date"]))
        for batch in batches
        for row in batch.latest.values()
    ]
    assert sorted(map(repr, map(tuple, valid.collect()))) == sorted(map(repr, found))


def micros(moment):
    """Microseconds since 1970, without the rounding of float."""
    import pyarrow as pa

    return pa.scalar(moment, pa.timestamp("us", "UTC")).cast(pa.int64()).as_py()


KEYS = st.integers(0, 12)
MOMENTS = st.sampled_from([f"2026-11-2{day}T{hour}:00:00Z" for day in (5, 6) for hour in ("10", "22", "23")])
ROWS = st.builds(
    order,
    KEYS,
    ordered_at=MOMENTS,
    updated_at=MOMENTS,
    amount=st.sampled_from(["1", "2", "1.50", "x"]),
    note=st.sampled_from(["", "a", "ä"]),
)
ALL = (*COLUMNS, "order_date", "run_id")


@pytest.fixture
def lakes(job, spark, small):
    """Return a function that makes a lake of each engine."""
    from lakes import LambdaLake, SparkLake

    numbers = count()

    def make():
        name = f"alike{next(numbers)}"
        return SparkLake(job, spark, f"lake.{name}"), LambdaLake(small, name)

    return make


@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.lists(ROWS, max_size=25), min_size=2, max_size=3))
def test_random_runs_leave_the_same_tables_and_reports(lakes, monkeypatch, batches):
    """Each run is made twice. Versions, broken rows, repeated rows and outdated ones are among them."""
    from_spark, from_lambda = lakes()
    monkeypatch.setattr("lakes.options", lambda run_id, day: options(run_id, day, stop_percent=60))
    for number, rows in enumerate(batches):
        for _ in range(2):
            reports = [
                lake.curate(f"run{number}", {"a.csv": as_csv(rows)}, day="2026-11-26")
                for lake in (from_spark, from_lambda)
            ]
            assert [report.pop("engine") for report in reports] == ["spark", "lambda"]
            assert reports[0] == reports[1]
        assert from_spark.rows("orders", ALL) == from_lambda.rows("orders", ALL)
        assert from_spark.quarantined() == from_lambda.quarantined()
