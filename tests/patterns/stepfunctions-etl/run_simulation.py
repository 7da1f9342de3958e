"""A few runs at once, some of them twice, on an S3 and a Lambda that fail, with a person who redrives what failed.

What is promised of runs is checked at every write to the bucket, and when all executions have ended.
"""

import functools
import io
import json
import os
import random
import warnings
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from unittest import mock

import curate_object
import model
import orders as order_columns
import pyarrow.parquet as pq
import run_files
from in_memory_lake import InMemoryLake
from order_rows import as_csv, orders
from played_definition import Execution, machine

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "POWERTOOLS_SERVICE_NAME": "etl",
    "POWERTOOLS_METRICS_NAMESPACE": "ServerlessBlueprints",
    "POWERTOOLS_LOG_LEVEL": "CRITICAL",
    "LAKE_BUCKET": "lake",
}
with mock.patch.dict(os.environ, ENVIRONMENT):  # they create their settings and clients when they are imported
    import aggregate_run
    import evaluate_model
    import plan_run
    import publish_run
    import train_model
    import transform_objects

HANDLERS = {
    "PlanRun": plan_run,
    "TransformObjects": transform_objects,
    "AggregateRun": aggregate_run,
    "TrainModel": train_model,
    "EvaluateModel": evaluate_model,
    "PublishRun": publish_run,
}
FAULTS = ("refuse", "lose", "die before", "die after")
CURRENT = "models/current.json"
CONTEXT = SimpleNamespace(
    function_name="etl",
    memory_limit_in_mb=1,
    invoked_function_arn="arn:aws:lambda:eu-west-1:1:function:etl",
    aws_request_id="0",
)


def days(factor, noise, seed):
    """A function of an order's number that gives its days until delivery."""
    chance = random.Random(seed)
    return lambda number: f"{max(0, factor * (number % 5) + chance.gauss(0, noise)):.2f}"


def some_orders(seed, factor=4.0, noise=0.5, **changes):
    """A CSV object of 40 orders whose days depend on the quantity."""
    rows = orders(40, quantity=lambda n: str(1 + n % 5), delivery_days=days(factor, noise, seed), **changes)
    return as_csv([{**row, "order_id": str(1000 * seed + int(row["order_id"]))} for row in rows])


GOOD = [some_orders(seed) for seed in range(1, 7)]
WRONG = [some_orders(7, factor=0, noise=9), some_orders(8, factor=40), some_orders(9, noise=3)]
BAD_ROWS = [some_orders(10, country=lambda n: "AT" if n % 20 else "Austria"), some_orders(11, note='a "b"\nc')]
UNREADABLE = [b"", b"order_id,land\n1,AT\n"]
NO_ROWS = [as_csv([])]


class Runs:
    """The life of a bucket. `twice`: a run is started more than once; `late`: requests of killed processes arrive."""

    def __init__(self, seed, *, twice=False, late=False, replaced=False):
        self.random = random.Random(seed)
        self.twice, self.late, self.replaced = twice, late, replaced
        self.trouble = self.random.choice((0.0, 0.02, 0.05, 0.1))
        self.retries = self.random.choice((0, 1, 2, 5))
        self.tolerated = self.random.choice((0, 20, 50))
        self.machine = machine(
            Lake="lake",
            TrainingImage="",
            ObjectsPerBatch=str(self.random.choice((1, 2, 3))),
            MaximumConcurrency="10",
            ToleratedFailurePercentage=str(self.tolerated),
            MinimumR2="0.3",
            GateTolerancePercent="1",
            **{name: name for name in HANDLERS},
        )
        self.s3 = InMemoryLake(self._fate, self._check_write)
        self.contents = {}
        self.executions, self._inside = [], []

    def play(self):
        """Play the schedule. Raises AssertionError if a promise is broken."""
        with doubles(self.s3):
            for number in range(self.random.choice((1, 1, 2, 2, 3))):
                self._deliver(f"run-{number}")
                for _ in range(self.random.choice((1, 2, 3)) if self.twice else 1):
                    self._start(f"run-{number}")
            while running := [each for each in self.executions if each.status == "RUNNING"]:
                self._step(self.random.choice(running))
            self._redrive_all()
            self._check_end()

    # --- what happens ------------------------------------------------------------------------------------------------

    def _deliver(self, run_id):
        kinds = (GOOD, GOOD, GOOD, WRONG, BAD_ROWS, UNREADABLE, NO_ROWS)
        for number in range(self.random.choice((0, 1, 2, 3, 4, 6))):
            self._put(f"incoming/{run_id}/{number}.csv", self.random.choice(self.random.choice(kinds)))
        self._put(f"incoming/{run_id}/_READY", b"")

    def _put(self, key, content):
        self.s3.objects[key] = content
        self.contents[self.s3.etag(key)] = content

    def _replace_an_object(self):
        keys = [key for key in self.s3.objects if key.endswith(".csv")]
        if keys:
            self._put(self.random.choice(keys), self.random.choice((*GOOD, *BAD_ROWS)))

    def _start(self, run_id):
        given = {"run_id": run_id}
        self.executions.append(Execution(self.machine["States"], self.machine["StartAt"], given, self._call))
        return self.executions[-1]

    def _step(self, execution):
        self._inside.append(execution)
        execution.step(self)
        self._inside.pop()
        if self.random.random() < self.trouble:
            self.s3.land()
        if self.replaced and self.random.random() < 0.05:
            self._replace_an_object()
        if execution.status == "RUNNING" and self.random.random() < self.trouble / 2:
            execution.stop()
        if execution.status in ("FAILED", "ABORTED") and self.random.random() < 0.5:
            execution.redrive()

    def _call(self, name, payload):
        return HANDLERS[name].handler(payload, CONTEXT)

    def _fate(self):
        """What happens to a request. Before it, another execution may go on."""
        others = [each for each in self.executions if each.status == "RUNNING" and each not in self._inside]
        if others and self.random.random() < 0.05:
            self._step(self.random.choice(others))
        if self.random.random() >= self.trouble:
            return "go"
        return self.random.choice((*FAULTS, "late") if self.late else FAULTS)

    def _redrive_all(self):
        """A person redrives what failed, when the trouble is over."""
        self.trouble, self.replaced = 0, False
        self.s3.land()
        for execution in self.executions:
            if execution.status != "SUCCEEDED":
                execution.redrive()
            while execution.status == "RUNNING":
                self._step(execution)

    # --- what is promised --------------------------------------------------------------------------------------------

    def _check_write(self, key, content, condition):
        assert condition, f"{key} is written without a condition"
        if key == CURRENT:
            self._check_pointer(json.loads(content))
        elif key.endswith("/manifest.json"):
            manifest = json.loads(content)
            named = [*manifest["data"], *manifest["rejected"], manifest["aggregates"], manifest["model"]]
            assert not [each for each in named if each not in self.s3.objects], f"{key} names what is not there"

    def _check_pointer(self, pointer):
        """It names a committed run whose model passed the gate in comparison with the model that it replaces."""
        manifest, gate = self._json(pointer["manifest"]), pointer["gate"]
        assert manifest, f"{pointer['run_id']} is current without a manifest"
        assert pointer["model"] == manifest["model"]
        replaced = self._json(CURRENT)
        assert gate["passed"]
        assert gate["current_run_id"] == (replaced["run_id"] if replaced else None), "an update was lost"
        for by_model in gate["measured"].values():
            if "current" in by_model and by_model["current"]["rows"]:
                assert by_model["new"]["rmse"] <= by_model["current"]["rmse"] * 1.01

    def _check_end(self):
        for run_id in {execution.variables["run_id"] for execution in self.executions}:
            mine = [each for each in self.executions if each.variables["run_id"] == run_id]
            manifest, report = (self._json(f"runs/{run_id}/{name}.json") for name in ("manifest", "report"))
            failures = {each.error for each in mine if each.status == "FAILED"}
            assert failures <= {"TooManyRejected"}, f"{run_id} cannot be redriven: {failures}"
            published = [each for each in mine if each.status == "SUCCEEDED" and each.output.get("manifest")]
            assert bool(published) == bool(manifest) == bool(report), f"{run_id} is committed in part"
            if manifest:
                self._check_manifest(manifest, report)
                assert all(each.output == report for each in published)
                self._check_that_it_changes_nothing_again(run_id)

    def _check_manifest(self, manifest, report):
        """It has every object of the run once: its valid rows and its rejected rows, or why it has none."""
        parts = [
            self._json(key)
            for key in self.s3.objects
            if key.startswith(f"runs/{manifest['run_id']}/parts/")
            and self._json(key)["files"].get("data", key) in (*manifest["data"], key)
        ]
        by_data = {part["files"]["data"]: part for part in parts if "data" in part["files"]}
        ids = []
        for key in manifest["data"]:
            made, _ = curated(self.contents[by_data[key]["etag"]])
            assert self.s3.objects[key] == made, f"{key} has other rows than its object"
            ids.append(by_data[key]["object"])
        assert len(set(ids)) == len(ids), "an object is there twice"
        assert manifest["rows_in"] == manifest["rows_out"] + manifest["rows_rejected"]
        assert manifest["rows_out"] == sum(by_data[key]["rows_out"] for key in manifest["data"])
        lost = len(manifest["unreadable"]) + len(manifest["failed"])
        assert lost * 100 <= self.tolerated * manifest["objects"], "more was rejected than is tolerated"
        assert manifest["rows_rejected"] * 100 <= self.tolerated * manifest["rows_in"]
        assert {name: report[name] for name in ("objects", "rows_in", "rows_out")} == {
            name: manifest[name] for name in ("objects", "rows_in", "rows_out")
        }

    def _check_that_it_changes_nothing_again(self, run_id):
        before = dict(self.s3.objects)
        again = self._start(run_id)
        while again.status == "RUNNING":
            self._step(again)
        assert again.output == self._json(f"runs/{run_id}/report.json")
        assert self.s3.objects == before, f"{run_id} has changed objects when it was started again"

    def _json(self, key):
        return json.loads(self.s3.objects[key]) if key in self.s3.objects else None


# --- the same results in less time: each content is read, and each model trained, once in all schedules -------------


@functools.cache
def curated(content):
    """The Parquet of an object and its rejected rows, each as bytes, what was collected, and the counts."""
    with TemporaryDirectory() as folder:
        data, rejected, tables = Path(folder, "data"), Path(folder, "rejected"), []
        counts = curate_object.curate(io.BytesIO(content).read, data, rejected, tables.append)
        return data.read_bytes() if data.exists() else b"", (rejected.read_bytes(), tables, counts)


def curate_once(read, parquet, rejected, collect):
    """Do what `curate` does."""
    made, (lines, tables, counts) = curated(read())
    if made:
        parquet.write_bytes(made)
    rejected.write_bytes(lines)
    for table in tables:
        collect(table)
    return counts


@functools.cache
def tables_of(content, columns):
    """The row groups of a Parquet object."""
    file = pq.ParquetFile(io.BytesIO(content))
    read = None if columns is None else list(columns)
    return tuple(file.read_row_group(group, columns=read) for group in range(file.num_row_groups))


def tables(files, keys, columns=None):
    """Do what `run_tables.tables` does, one object after the other."""
    for key in keys:
        yield from tables_of(files.read(key), None if columns is None else tuple(columns))


def once_by_id(function):
    """Call a function once for each object that it is called with."""
    results = {}

    def called(argument):
        if id(argument) not in results:
            results[id(argument)] = argument, function(argument)  # the argument stays, so that its id does
        return results[id(argument)][1]

    return called


def once(function, key):
    """Call a function once for each key of its arguments."""
    results = {}

    def called(*arguments):
        arguments = [tuple(each) if hasattr(each, "__next__") else each for each in arguments]
        named = key(*arguments)
        if named not in results:
            results[named] = arguments, function(*arguments)  # the arguments stay, so that their ids do
        return json.loads(json.dumps(results[named][1]))

    return called


# The rows of a content are the same table each time (see `curated`).
summarize_once = once_by_id(order_columns.summarize)
train_once = once(model.train, lambda blocks, levels: (tuple(map(id, blocks)), json.dumps(levels)))
evaluate_once = once(
    model.evaluate, lambda models, blocks: (json.dumps(models, sort_keys=True), tuple(map(id, blocks)))
)


def doubles(s3):
    """Let the handlers use this S3 and the functions above."""
    stack = ExitStack()
    stack.enter_context(mock.patch.object(publish_run, "_count"))
    stack.enter_context(warnings.catch_warnings(action="ignore"))  # that there are no metrics
    for module in HANDLERS.values():
        stack.enter_context(mock.patch.object(module, "s3", s3))
    stack.enter_context(mock.patch.object(transform_objects, "curate", curate_once))
    stack.enter_context(mock.patch.object(transform_objects, "summarize", summarize_once))
    for module in (aggregate_run, train_model, evaluate_model):
        stack.enter_context(mock.patch.object(module, "tables", tables))
    one_by_one = mock.patch.object(run_files.RunFiles, "read_all", lambda files, keys, at_once: map(files.read, keys))
    stack.enter_context(one_by_one)
    stack.enter_context(mock.patch.object(model, "train", train_once))
    stack.enter_context(mock.patch.object(model, "evaluate", evaluate_once))
    return stack
