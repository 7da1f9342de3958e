"""A run from its plan to its report, step by step as the state machine makes them."""

import io
import json
import tarfile
from types import SimpleNamespace

import pyarrow.parquet as pq
import pytest
from demo import OBJECTS, ROWS, make_objects, make_orders, plausible_days, wrong_days
from order_rows import as_csv, orders

STEPS = ["PlanRun", "TransformObjects", "AggregateRun", "TrainModel", "EvaluateModel", "PublishRun"]
LIMITS = {"minimum_r2": 0.3, "tolerance_percent": 1}


@pytest.fixture(scope="module")
def handlers():
    """The handlers of all steps by name, once they were loaded. They keep their clients from test to test."""
    return {}


@pytest.fixture
def run(handlers, load, s3, context):
    """Return the steps of a run, and `all(run_id)`, which makes them in order and returns the report."""
    handlers.update({name: load(name).handler for name in STEPS if name not in handlers})

    def step(name, **event):
        return json.loads(json.dumps(handlers[name](event, context)))

    def transformed(run_id, tolerated=5, between=lambda: None):
        plan = step("PlanRun", run_id=run_id)
        between()
        step("TransformObjects", BatchInput={"run_id": run_id}, Items=read(s3, plan["plan"]))
        return step("AggregateRun", run_id=run_id, plan=plan["plan"], tolerated_percentage=tolerated)

    def all_steps(run_id, tolerated=5):
        run = {"run_id": run_id, **transformed(run_id, tolerated)}
        run |= step("TrainModel", **run)
        return step("PublishRun", run_id=run_id, **step("EvaluateModel", **run, **LIMITS))

    return SimpleNamespace(step=step, transformed=transformed, all=all_steps)


def read(s3, key):
    return json.loads(s3.get_object(Bucket="lake", Key=key)["Body"].read())


def keys(s3, prefix=""):
    listed = s3.list_objects_v2(Bucket="lake", Prefix=prefix).get("Contents", ())
    return {item["Key"]: item["ETag"] for item in listed}


@pytest.fixture
def deliver(s3):
    """Return a function that puts objects below `incoming/RUN/`."""

    def put(run_id, objects):
        for name, content in {**objects, "_READY": b""}.items():
            s3.put_object(Bucket="lake", Key=f"incoming/{run_id}/{name}", Body=content)

    return put


@pytest.fixture(scope="module")
def good():
    """Five objects of the demo."""
    return make_objects(make_orders(5 * ROWS, plausible_days))


@pytest.fixture(scope="module")
def wrong():
    """One object whose days depend on nothing."""
    return make_objects(make_orders(ROWS, wrong_days))


def test_the_first_run_publishes_its_model(run, deliver, s3, good):
    deliver("one", good)
    report = run.all("one")
    manifest = read(s3, "runs/one/manifest.json")
    rows = [row for key in manifest["data"] for row in table(s3, key)]
    assert report["is_published"]
    assert (report["rows_in"], report["rows_out"], report["rows_rejected"]) == (5 * ROWS, len(rows), 5 * ROWS // 210)
    assert {row["order_id"] for row in rows} == {100_000 + n for n in range(5 * ROWS) if (n + 1) % 210}
    assert sum(each["revenue"] for each in table(s3, manifest["aggregates"])) == sum(row["revenue"] for row in rows)
    assert read(s3, "models/current.json")["model"] == manifest["model"]
    assert 0.15 < sum(row["held_out"] for row in rows) / len(rows) < 0.25
    assert set(keys(s3, "runs/one/rejected/")) == set(manifest["rejected"])


def table(s3, key):
    return pq.read_table(io.BytesIO(s3.get_object(Bucket="lake", Key=key)["Body"].read())).to_pylist()


def test_a_worse_model_is_not_published_and_its_data_is(run, deliver, s3, good, wrong):
    deliver("one", good)
    deliver("two", wrong)
    run.all("one")
    report = run.all("two")
    assert not report["is_published"]
    assert report["gate"]["current_run_id"] == "one"
    assert read(s3, "models/current.json")["run_id"] == "one"
    assert read(s3, "runs/two/manifest.json")["rows_out"] == ROWS - 10


def test_a_model_that_fits_its_own_wrong_data_is_not_published(run, deliver, s3, good):
    """Hours instead of days: its error on its own rows is as small as it looks, but the current model's rows tell."""
    deliver("one", good)
    deliver("two", make_objects(make_orders(ROWS, lambda chance, order: plausible_days(chance, order) * 24)))
    run.all("one")
    gate = run.all("two")["gate"]
    assert gate["measured"]["new"]["new"]["r2"] > 0.8
    assert (gate["passed"], gate["reason"][:53]) == (False, "the error on the held-out rows of the current run is ")


def test_an_equal_model_replaces_the_current_one(run, deliver, s3, good):
    deliver("one", good)
    deliver("two", good)
    run.all("one")
    assert run.all("two")["is_published"]
    assert read(s3, "models/current.json")["run_id"] == "two"


def test_the_same_run_twice_changes_nothing(run, deliver, s3, good):
    deliver("one", good)
    report = run.all("one")
    before = keys(s3)
    deliver("one", {"late.csv": as_csv(orders(3))})
    assert run.step("PlanRun", run_id="one") == {"run_id": "one", "status": "finished", "report": report}
    assert keys(s3, "runs/") | keys(s3, "models/") == {
        key: etag for key, etag in before.items() if "incoming" not in key
    }


def test_one_broken_object_among_many_is_rejected_with_its_reason(run, deliver, s3, good):
    deliver("one", {**good, "broken.csv": b"\x00\x01"})
    with pytest.raises(Exception, match="1 of 6 objects were rejected, 5 % are tolerated"):
        run.all("one")
    assert run.all("one", tolerated=20)["unreadable"] == 1
    (broken,) = read(s3, "runs/one/manifest.json")["unreadable"]
    assert broken["object"] == "incoming/one/broken.csv"
    assert broken["reason"].startswith("the header has no column")


def test_more_than_the_tolerated_share_of_rows_publishes_nothing(run, deliver, s3):
    deliver("one", {"a.csv": as_csv(orders(100, quantity=lambda number: "x" if number <= 6 else "1"))})
    with pytest.raises(Exception, match="6 of 100 rows were rejected, 5 % are tolerated"):
        run.all("one")
    assert not keys(s3, "runs/one/manifest.json") | keys(s3, "runs/one/report.json") | keys(s3, "models/")


def test_a_failed_run_is_started_again_after_its_objects_were_mended(run, deliver, s3):
    deliver("one", {"a.csv": as_csv(orders(100)), "b.csv": b"broken"})
    with pytest.raises(Exception, match="1 of 2 objects"):
        run.all("one")
    parts = keys(s3, "runs/one/data/")
    deliver("one", {"b.csv": as_csv(orders(50))})
    assert run.all("one")["rows_out"] == 150
    assert parts.items() <= keys(s3, "runs/one/data/").items()


def test_an_object_that_changes_during_the_run_is_rejected(run, deliver, s3):
    deliver("one", {"a.csv": as_csv(orders(2))})
    change = lambda: deliver("one", {"a.csv": as_csv(orders(3))})  # noqa: E731
    with pytest.raises(Exception, match="1 of 1 objects"):
        run.transformed("one", between=change)
    (part,) = keys(s3, "runs/one/parts/")
    assert read(s3, part)["unreadable"] == "the object has changed since the run was planned"


@pytest.mark.parametrize("objects", [{}, {"_later.csv": b"", ".hidden": b"", "folder/": b""}])
def test_an_empty_folder_is_nothing_to_do(run, deliver, s3, objects):
    deliver("one", objects)
    assert run.step("PlanRun", run_id="one") == {"run_id": "one", "status": "empty"}
    assert not keys(s3, "runs/")


def test_objects_without_rows_are_nothing_to_train_on(run, deliver):
    deliver("one", {"a.csv": as_csv([])})
    outcome = run.transformed("one")
    assert (outcome["status"], outcome["objects"]) == ("empty", 1)


def test_an_object_whose_batch_failed_is_listed(run, deliver, s3, good):
    deliver("one", good)
    plan = run.step("PlanRun", run_id="one")["plan"]
    run.step("TransformObjects", BatchInput={"run_id": "one"}, Items=read(s3, plan)[1:])
    draft = run.step("AggregateRun", run_id="one", plan=plan, tolerated_percentage=20)["run"]
    assert read(s3, draft)["failed"] == ["incoming/one/orders-00.csv"]


def test_a_run_that_is_overtaken_compares_again(run, deliver, s3, good):
    deliver("one", good)
    deliver("two", good)
    one = {"run_id": "one", **run.transformed("one")}
    one |= run.step("TrainModel", **one)
    evaluated = run.step("EvaluateModel", **one, **LIMITS)
    run.all("two")
    with pytest.raises(Exception, match="another run has published a model since the gate compared"):
        run.step("PublishRun", run_id="one", **evaluated)
    again = run.step("EvaluateModel", **one, **LIMITS)
    assert again["gate"]["current_run_id"] == "two"
    assert run.step("PublishRun", run_id="one", **again)["is_published"]


def test_an_execution_follows_the_manifest_that_another_one_of_its_run_committed(run, deliver, s3, good):
    deliver("one", good)
    one = {"run_id": "one", **run.transformed("one")}
    one |= run.step("TrainModel", **one)
    evaluated = run.step("EvaluateModel", **one, **LIMITS)
    deliver("one", {"more.csv": good["orders-00.csv"]})
    run.all("one")
    with pytest.raises(Exception, match="another execution of this run has committed it with other data"):
        run.step("PublishRun", run_id="one", **evaluated)
    report = run.step("PublishRun", run_id="one", **run.step("EvaluateModel", **one, **LIMITS))
    assert report == read(s3, "runs/one/report.json")
    assert report["objects"] == 6


def test_a_run_that_was_interrupted_after_its_manifest_goes_on_there(run, deliver, s3, good):
    deliver("one", good)
    report = run.all("one")
    s3.delete_object(Bucket="lake", Key="runs/one/report.json")
    planned = run.step("PlanRun", run_id="one")
    assert planned["status"] == "committed"
    evaluated = run.step("EvaluateModel", run_id="one", run=planned["run"], model=planned["model"], **LIMITS)
    assert run.step("PublishRun", run_id="one", **evaluated) == report


def test_a_model_that_sagemaker_trained_is_read_from_its_archive(run, deliver, s3, good):
    deliver("one", good)
    one = {"run_id": "one", **run.transformed("one")}
    trained = s3.get_object(Bucket="lake", Key=run.step("TrainModel", **one)["model"])["Body"].read()
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as files:
        member = tarfile.TarInfo("model.json")
        member.size = len(trained)
        files.addfile(member, io.BytesIO(trained))
    one["model"] = "runs/one/sagemaker/etl-1/output/model.tar.gz"
    s3.put_object(Bucket="lake", Key=one["model"], Body=archive.getvalue())
    assert run.step("EvaluateModel", **one, **LIMITS)["gate"]["passed"]
    (channel,) = keys(s3, "runs/one/channel")
    prefix, *data = read(s3, channel)
    assert {prefix["prefix"] + key for key in data} == {f"s3://lake/{key}" for key in keys(s3, "runs/one/data/")}


def test_a_run_is_named_by_the_folder_the_day_or_the_input(run, deliver, sample):
    deliver("2026-11-27", {"a.csv": as_csv(orders(1))})
    plans = [run.step("PlanRun", **event) for event in (sample("delivered"), sample("daily"), {"run_id": "2026-11-27"})]
    assert plans == plans[:1] * 3
    assert plans[0]["run_id"] == "2026-11-27"


@pytest.mark.parametrize("event", [{}, {"run": "2026-11-27"}, {"run_id": None}, {"run_id": 20261127}])
def test_an_input_without_a_run_id_is_refused(run, event):
    with pytest.raises(ValueError, match="the input names no run; write "):
        run.step("PlanRun", **event)


def test_free_text_as_a_category_is_refused_before_it_fills_the_memory(run, deliver):
    deliver("one", {"a.csv": as_csv(orders(600, category=lambda number: f"order {number}"))})
    with pytest.raises(ValueError, match="category has 600 values, of which this model takes 500"):
        run.all("one")


@pytest.mark.parametrize("run_id", ["", "a/b", "../x", "a" * 65, "*"])
def test_an_id_that_is_no_part_of_a_key_is_refused(run, run_id):
    with pytest.raises(ValueError, match="is not 1 to 64 letters"):
        run.step("PlanRun", run_id=run_id)


def test_the_demo_makes_what_it_says():
    made = make_objects(make_orders(OBJECTS * ROWS, plausible_days))
    assert (len(made), OBJECTS * ROWS >= 100_000) == (50, True)
    assert made["orders-02.csv"].startswith(b"\xff\xfe")
    assert b"land" in made["orders-49.csv"].partition(b"\n")[0]
    with pytest.raises(UnicodeDecodeError):
        made["orders-48.csv"].decode()
