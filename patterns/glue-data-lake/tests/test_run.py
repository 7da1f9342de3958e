"""A run from its plan to its report, step by step as the state machine makes them; and the load into PostgreSQL."""

import gzip
import json

import pytest
from order_rows import as_csv, order
from raw_objects import read_object, read_objects

COUNTS = {
    "run_id": "2026-11-27",
    "engine": "spark",
    "objects": 1,
    "raw_rows": 10,
    "quarantined": 1,
    "unreadable": 0,
    "duplicates": 2,
    "merged": 6,
    "late_merged": 1,
    "outdated": 1,
    "stopped": None,
}
SERVING = {"curated_rows": 6, "revenue_athena": "9.50", "rows_postgres": 6, "revenue_postgres": "9.50"}
ANSWER = """\
"order_date","country","orders","cancelled","revenue"
"2026-11-26","AT","2","0","5.00"
"2026-11-27","JP","4","1","4.50"
"""


@pytest.fixture
def deliver(s3):
    """Return a function that puts objects below `raw/`."""

    def put(*keys, content=b"x"):
        for key in keys:
            s3.put_object(Bucket="lake", Key=f"raw/{key}", Body=content)

    return put


@pytest.fixture
def plan(load, context, monkeypatch):
    """Return a function that plans a run."""
    monkeypatch.setenv("LOOKBACK_DAYS", "3")
    handler = load("PlanRun").handler
    return lambda **event: handler(event, context)


@pytest.fixture
def publish(load, context):
    """Return a function that ends a planned run."""
    handler = load("PublishRun").handler

    def end(planned, counts=COUNTS, serving=SERVING):
        job = {"seconds": 90, "dpu": 2.0}
        return handler({**planned, "counts": counts, "serving": serving, "job": job}, context)

    return end


def keys(s3, planned):
    return [each["key"] for each in json.loads(s3.get_object(Bucket="lake", Key=planned["plan"])["Body"].read())]


def test_a_run_takes_late_objects_and_leaves_out_what_others_took(plan, publish, deliver, s3):
    deliver("2026-11-26/a.csv", "2026-11-27/b c 注文.csv", "2026-11-22/too old.csv", "2026-11-27/_later.csv")
    first = plan(day="2026-11-26")
    assert keys(s3, first) == ["raw/2026-11-26/a.csv"]
    publish(first)
    deliver("2026-11-26/late.csv")
    assert keys(s3, plan(day="2026-11-27")) == ["raw/2026-11-26/late.csv", "raw/2026-11-27/b c 注文.csv"]


def test_an_object_that_is_written_again_is_taken_again(plan, publish, deliver, s3):
    deliver("2026-11-26/a.csv")
    publish(plan(day="2026-11-26"))
    deliver("2026-11-26/a.csv", content=b"corrected")
    assert keys(s3, plan(day="2026-11-27")) == ["raw/2026-11-26/a.csv"]


def test_a_run_that_has_ended_changes_nothing(plan, publish, deliver):
    deliver("2026-11-27/a.csv")
    report = publish(plan(day="2026-11-27"))
    deliver("2026-11-27/b.csv")
    again = plan(day="2026-11-27")
    assert (again["status"], again["report"]) == ("finished", report)
    assert (report["dpu_seconds"], report["engine"]) == (180, "spark")


def test_a_run_that_was_killed_has_the_same_plan_again(plan, publish, deliver):
    """Even if it had entered its objects into the ledger."""
    deliver("2026-11-27/a.csv", "2026-11-27/b.csv")
    planned = plan(day="2026-11-27")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("publish_run.canonical", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            publish(planned)
    assert plan(day="2026-11-27") == planned


def test_the_rows_of_a_run_are_counted(plan, publish, deliver, capsys):
    deliver("2026-11-27/a.csv")
    publish(plan(day="2026-11-27"))
    assert '"RowsQuarantined":[1.0]' in capsys.readouterr().out.replace(" ", "")


def test_an_empty_day_is_nothing_to_do(plan, s3):
    assert plan(day="2026-11-27") == {"run_id": "2026-11-27", "day": "2026-11-27", "status": "empty"}
    assert "Contents" not in s3.list_objects_v2(Bucket="lake")


@pytest.mark.parametrize(
    ("limit", "name", "size", "engine"),
    [
        ("0", "a.csv", 0, "spark"),
        ("0", "a.csv", 1, "spark"),
        ("1", "a.csv", 999_999, "lambda"),
        ("1", "a.csv", 1_000_000, "spark"),
        ("1", "a.csv.gz", 99_999, "lambda"),
        ("1", "a.csv.gz", 100_000, "spark"),
    ],
)
def test_the_size_of_the_objects_chooses_the_engine_if_small_runs_are_asked_for(
    monkeypatch, load, context, deliver, limit, name, size, engine
):
    deliver(f"2026-11-27/{name}", content=bytes(size))
    monkeypatch.setenv("SMALL_RUN_MEGABYTES", limit)
    assert load("PlanRun").handler({"day": "2026-11-27"}, context)["engine"] == engine


def test_a_schedule_starts_the_day_before_in_the_business_time_zone(plan, sample):
    assert plan(**sample("daily"))["day"] == plan(**sample("day"))["day"] == "2026-11-27"
    assert plan(**{**sample("daily"), "time": "2026-11-27T23:30:00Z"})["day"] == "2026-11-27"


@pytest.mark.parametrize("event", [{"day": "2026-11-27/"}, {"day": "x"}, {"day": "2026-11-27", "run_id": "a'b"}])
def test_a_day_or_id_that_is_no_part_of_a_key_is_refused(plan, event):
    with pytest.raises(ValueError, match="is not"):
        plan(**event)


@pytest.mark.parametrize(
    ("counts", "serving", "reason"),
    [
        ({"raw_rows": 11}, {}, "11 raw rows became"),
        ({}, {"curated_rows": 5}, "6 orders were merged, Athena sees 5"),
        ({}, {"rows_postgres": 5}, "PostgreSQL has 5 orders, Athena 6"),
        ({}, {"revenue_postgres": "9.49"}, "PostgreSQL has 9.49, Athena 9.50"),
    ],
)
def test_layers_that_disagree_end_the_run_without_a_report(plan, publish, deliver, s3, counts, serving, reason):
    deliver("2026-11-27/a.csv")
    planned = plan(day="2026-11-27")
    with pytest.raises(Exception, match=reason):
        publish(planned, {**COUNTS, **counts}, {**SERVING, **serving})
    assert s3.list_objects_v2(Bucket="lake", Prefix="runs/2026-11-27/report")["KeyCount"] == 0


@pytest.mark.parametrize(
    ("etag", "reason"),
    [('"0123"', "the object was changed or deleted after the run was planned"), (None, None)],
)
def test_an_object_that_is_rewritten_during_the_run_is_not_read(s3, deliver, etag, reason):
    deliver("2026-11-27/a.csv", content=b"order_id\n1\n")
    found = s3.head_object(Bucket="lake", Key="raw/2026-11-27/a.csv")["ETag"]
    (row,) = read_object(s3, "lake", {"key": "raw/2026-11-27/a.csv", "etag": etag or found})
    assert row[2] == 0
    assert row[4] == reason or row[4].startswith("the header has no column")


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
def test_an_object_that_is_too_large_is_unreadable_and_the_others_are_read(s3, deliver, monkeypatch, name):
    content = as_csv([order(n) for n in range(50)])
    deliver(f"2026-11-27/{name}", content=gzip.compress(content) if name.endswith(".gz") else content)
    deliver("2026-11-27/b.csv", content=as_csv([order(1)]))
    keys = [f"raw/2026-11-27/{each}" for each in (name, "b.csv")]
    sources = [{"key": key, "etag": s3.head_object(Bucket="lake", Key=key)["ETag"]} for key in keys]
    monkeypatch.setattr("boto3.client", lambda _: s3)
    first, second = read_objects("lake", sources, max_bytes=1000)
    assert (first[2], first[4]) == (0, "the object is larger than 1000 bytes")
    assert second[5] == "order 1"


class DataApi:
    """Records the statements of transactions; answers like a table that holds `totals`."""

    def __init__(self, totals, is_newest=True):
        self.totals, self.is_newest, self.done = totals, is_newest, []

    def begin_transaction(self, **_):
        return {"transactionId": "1"}

    def execute_statement(self, sql, **_):
        self.done.append(sql.split(" (")[0])
        if sql.startswith("SELECT coalesce"):
            orders, revenue = self.totals
            return {"records": [[{"longValue": orders}, {"stringValue": revenue}]]}
        return {"records": [[{"stringValue": "run"}]] if "RETURNING" in sql and self.is_newest else []}

    def commit_transaction(self, **_):
        self.done.append("commit")

    def rollback_transaction(self, **_):
        self.done.append("rollback")


@pytest.fixture
def load_answer(load, s3, context, monkeypatch):
    """Return a function that loads the answer of a query through a Data API."""
    s3.put_object(Bucket="lake", Key="query-results/1.csv", Body=ANSWER.encode())
    module = load("LoadDatabase")
    query = {
        "ResultConfiguration": {"OutputLocation": "s3://lake/query-results/1.csv"},
        "Status": {"SubmissionDateTime": 1_795_871_399_000},
    }

    def run(api):
        monkeypatch.setattr(module, "rds", api)
        return module.handler({"run_id": "one", "query": query}, context)

    return run


def test_the_answer_is_staged_and_swapped_in_one_transaction(load_answer):
    api = DataApi((6, "9.50"))
    assert load_answer(api) == SERVING
    swap = ["DROP TABLE IF EXISTS lake.revenue_per_day", "ALTER TABLE lake.staging RENAME TO revenue_per_day"]
    assert [each for each in api.done if each in swap] == swap
    assert api.done.index("CREATE TABLE lake.staging") < api.done.index(swap[0])
    assert api.done[-1] == "commit"


def test_rows_that_got_lost_on_the_way_roll_everything_back(load_answer):
    api = DataApi((5, "9.50"))
    with pytest.raises(Exception, match="the staging table has 5 orders"):
        load_answer(api)
    assert api.done[-1] == "rollback"
    assert "DROP TABLE IF EXISTS lake.revenue_per_day" not in api.done


def test_an_older_answer_does_not_replace_a_newer_one(load_answer):
    api = DataApi((7, "20.00"), is_newest=False)
    assert load_answer(api)["rows_postgres"] == 7
    assert not any("staging" in each for each in api.done)


def test_without_a_database_nothing_is_loaded(load_answer):
    assert load_answer(None) == {**SERVING, "rows_postgres": None, "revenue_postgres": None}
