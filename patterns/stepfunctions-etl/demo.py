"""Delivers a shop's orders as CSV objects, and checks the rows, sums and models that come out.

blueprints play . --stack NAME [--input ORDERS.csv]

It reads Parquet with pyarrow, which tests/requirements.txt names.
"""

import csv
import io
import json
import math
import random
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

OBJECTS, ROWS = 50, 2_100
INVALID_EVERY = 210
PATIENCE = 300  # seconds for a run, with cold starts
COLUMNS = [
    "order_id",
    "ordered_at",
    "country",
    "category",
    "quantity",
    "unit_price",
    "weight_kg",
    "delivery_days",
    "note",
]
COUNTRIES = {"AT": 1.0, "DE": 0.5, "FR": 2.0, "JP": 6.0, "PL": 1.5, "US": 4.0}
CATEGORIES = {"books": 0.0, "garden": 2.5, "toys": 0.5}
NOTES = ["", "", "", 'a "gift", please', "ring twice\nor call", "Bitte klingeln – danke!", "ギフト包装でお願いします"]


class WrongResult(Exception):
    """The lake does not hold what follows from the objects that were delivered."""


class RunFailed(Exception):
    """The state machine's execution failed; the message says why, and `result` says it for programs."""

    @property
    def result(self) -> dict[str, str]:
        """The result of the demo."""
        return {"state": "failed", "reason": str(self)}


def run(stack: Any) -> dict[str, Any]:
    """Deliver orders, look at what came of them, and deliver orders with wrong days, whose model is not published."""
    reader()  # says at once if it is missing
    lake, run_id = Lake(stack), f"shop-{uuid.uuid4().hex[:8]}"
    orders = [] if stack.input else make_orders(OBJECTS * ROWS, plausible_days)
    objects = {"orders.csv": stack.input.read_bytes()} if stack.input else make_objects(orders)
    with stack.step(f"Put {len(objects)} objects below incoming/{run_id}/"):
        lake.deliver(run_id, objects)
        lake.put(f"incoming/{run_id}/_READY", b"")
        keep(stack.folder / "incoming", objects)
    with stack.step("Wait for the run's report"):
        report = lake.wait_for_report(run_id)
    with stack.step("Compare the files that its manifest names with the orders"):
        result = checked(lake.download(run_id), report)
    if not stack.input:
        compare_rows(result.pop("rows"), orders)
        with stack.step("Start the same run again: nothing changes"):
            lake.run_again(run_id)
        with stack.step("Deliver orders with wrong days: the old model stays"):
            result["worse_run"] = worse_run(lake, f"{run_id}-worse", lake.current_model())
    result.pop("rows", None)
    return {
        "run_id": run_id,
        **result,
        "files": sorted(str(path.resolve()) for path in stack.folder.rglob("*") if path.is_file()),
    }


def keep(folder: Path, objects: dict[str, bytes]) -> None:
    """Write the objects to the folder of results."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in objects.items():
        (folder / name).write_bytes(content)


def reader() -> Any:
    """The module that reads Parquet."""
    try:
        import pyarrow.parquet
    except ImportError:
        raise RunFailed("The demo reads Parquet with pyarrow; install it with 'pip install pyarrow'.") from None
    return pyarrow.parquet


# --- the orders ------------------------------------------------------------------------------------------------------


def make_orders(count: int, days: Callable[[random.Random, dict[str, Any]], float]) -> list[dict[str, Any]]:
    """Orders of a shop, the same ones each time; every INVALID_EVERY-th is invalid."""
    chance, orders = random.Random(20_261_128), []  # noqa: S311 - no secret
    for number in range(count):
        order = {
            "order_id": 100_000 + number,
            "ordered_at": f"2026-11-{1 + number % 28:02}T{number % 24:02}:{number % 60:02}:00Z",
            "country": chance.choice(list(COUNTRIES)),
            "category": chance.choice(list(CATEGORIES)),
            "quantity": chance.randint(1, 5),
            "unit_price": f"{chance.randint(199, 19_999) / 100:.2f}",
            "weight_kg": round(chance.uniform(0.1, 20), 3),
            "note": chance.choice(NOTES),
        }
        order["delivery_days"] = days(chance, order)
        orders.append(order)
    wrong = [("quantity", "two"), ("unit_price", "-1.00"), ("ordered_at", "2026-02-30T00:00:00Z"), ("country", "Japan")]
    for index, order in enumerate(orders[INVALID_EVERY - 1 :: INVALID_EVERY]):
        name, value = wrong[index % len(wrong)]
        order[name] = value
    return orders


def plausible_days(chance: random.Random, order: dict[str, Any]) -> float:
    """Days that depend on country, category and weight, with some noise."""
    days = 1 + COUNTRIES[order["country"]] + CATEGORIES[order["category"]] + 0.1 * order["weight_kg"]
    return round(max(0.1, chance.gauss(days, 0.7)), 2)


def wrong_days(chance: random.Random, _: dict[str, Any]) -> float:
    """Days that depend on nothing."""
    return round(chance.uniform(0, 20), 2)


def make_objects(orders: list[dict[str, Any]]) -> dict[str, bytes]:
    """The orders as CSV objects by name: some are unusual but readable, the last two of OBJECTS are not."""
    objects = {}
    for number in range(0, len(orders), ROWS):
        index, rows = number // ROWS, orders[number : number + ROWS]
        columns = COLUMNS[::-1] if index == 3 else COLUMNS
        text = csv_text(rows, columns, "\r\n" if index == 5 else "\n")
        encoding = {1: "utf-8-sig", 2: "utf-16"}.get(index, "utf-8")
        if index == OBJECTS - 1:
            text = text.replace("country", "land", 1)
        if index == OBJECTS - 2:
            text, encoding = text.replace("ギフト包装でお願いします", "").replace("–", "ä"), "latin-1"
        objects[f"orders-{index:02}.csv"] = text.encode(encoding)
    return objects


def csv_text(rows: list[dict[str, Any]], columns: list[str], line_end: str) -> str:
    """Rows as CSV with a header."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator=line_end)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


# --- the lake --------------------------------------------------------------------------------------------------------


@dataclass
class Lake:
    """The stack's bucket and state machine."""

    stack: Any

    def __post_init__(self) -> None:
        self.s3, self.bucket = self.stack.client("s3"), self.stack.outputs["LakeBucket"]
        self.states, self.machine = self.stack.client("stepfunctions"), self.stack.outputs["StateMachine"]

    def put(self, key: str, content: bytes) -> None:
        """Put an object."""
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=content)

    def get(self, key: str) -> bytes:
        """The content of an object."""
        return bytes(self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read())

    def deliver(self, run_id: str, objects: dict[str, bytes]) -> None:
        """Put objects below incoming/, a few at a time."""
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda each: self.put(f"incoming/{run_id}/{each[0]}", each[1]), objects.items()))

    def keys(self, prefix: str) -> dict[str, str]:
        """The keys below a prefix with their ETags."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        return {item["Key"]: item["ETag"] for page in pages for item in page.get("Contents", ())}

    def wait_for_report(self, run_id: str) -> dict[str, Any]:
        """Wait until the run that the event started has ended; raise RunFailed if it failed."""
        deadline, key = time.monotonic() + PATIENCE, f"runs/{run_id}/report.json"
        while key not in self.keys(key):
            for each in self.states.list_executions(stateMachineArn=self.machine, statusFilter="FAILED")["executions"]:
                self._raise_if_of(run_id, each["executionArn"])
            if time.monotonic() > deadline:
                raise TimeoutError(f"{key} is not there after {PATIENCE} s; look into {self.stack.outputs['LogGroup']}")
            time.sleep(0.5)
        return dict(json.loads(self.get(key)))

    def _raise_if_of(self, run_id: str, arn: str) -> None:
        failed = self.states.describe_execution(executionArn=arn)
        if f"incoming/{run_id}/" in failed.get("input", ""):
            raise RunFailed(f"{arn}: {failed.get('error')}: {failed.get('cause')}")

    def start(self, run_id: str) -> dict[str, Any]:
        """Start a run by hand and wait for its report; raise RunFailed if it failed."""
        given = json.dumps({"run_id": run_id})
        arn = self.states.start_execution(stateMachineArn=self.machine, input=given)["executionArn"]
        deadline = time.monotonic() + PATIENCE
        while (execution := self.states.describe_execution(executionArn=arn))["status"] == "RUNNING":
            if time.monotonic() > deadline:
                raise TimeoutError(f"{arn} still runs after {PATIENCE} s")
            time.sleep(0.3)
        if execution["status"] != "SUCCEEDED":
            raise RunFailed(f"{arn}: {execution.get('error')}: {execution.get('cause')}")
        return dict(json.loads(execution["output"]))

    def run_again(self, run_id: str) -> None:
        """Start a run that has ended; raise WrongResult if an object was made or changed."""
        before = self.keys("runs/") | self.keys("models/")
        self.start(run_id)
        if before != self.keys("runs/") | self.keys("models/"):
            raise WrongResult("the same run, started again, has changed objects")

    def current_model(self) -> str:
        """The id of the run whose model is in use."""
        return str(json.loads(self.get("models/current.json"))["run_id"])

    def download(self, run_id: str) -> dict[str, Any]:
        """Download what the manifest of a run names; return the manifest."""
        manifest: dict[str, Any] = json.loads(self.get(f"runs/{run_id}/manifest.json"))
        named = [*manifest["data"], *manifest["rejected"], manifest["aggregates"], manifest["model"]]
        keys = [*named, f"runs/{run_id}/manifest.json", f"runs/{run_id}/report.json"]
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(self._save, keys))
        local = {key: str(self.path(key)) for key in keys}
        return manifest | {"local": local}

    def path(self, key: str) -> Path:
        """Where an object is among the results."""
        return Path(self.stack.folder) / key

    def _save(self, key: str) -> None:
        self.path(key).parent.mkdir(parents=True, exist_ok=True)
        self.path(key).write_bytes(self.get(key))


def worse_run(lake: Lake, run_id: str, current: str) -> dict[str, Any]:
    """Deliver a few objects with wrong days; raise WrongResult if their model is published."""
    lake.deliver(run_id, make_objects(make_orders(10 * ROWS, wrong_days)))
    report = lake.start(run_id)
    if report["is_published"] or lake.current_model() != current:
        raise WrongResult(f"a worse model was published: {report['gate']}")
    return {"run_id": run_id, "gate": report["gate"], "current_model": current}


# --- the result ------------------------------------------------------------------------------------------------------


def checked(manifest: dict[str, Any], report: dict[str, Any]) -> dict[str, Any]:
    """Read the files again, and compare their rows, sums and errors with what manifest and report say."""
    read, local = reader().read_table, manifest["local"]
    rows = [row for key in manifest["data"] for row in read(local[key]).to_pylist()]
    rejected = [json.loads(line) for key in manifest["rejected"] for line in Path(local[key]).read_text().splitlines()]
    model = json.loads(Path(local[manifest["model"]]).read_text())
    sums = by_country(read(local[manifest["aggregates"]]).to_pylist(), lambda each: each["orders"])
    measured = report["gate"]["measured"]["new"]["new"]
    for what, said, found in (
        ("rows out", manifest["rows_out"], len(rows)),
        ("rows rejected", manifest["rows_rejected"], len(rejected)),
        ("rows in", manifest["rows_in"], len(rows) + len(rejected)),
        ("sums by country", sums, by_country(rows, lambda _: 1)),
        ("error of the model", round(measured["rmse"], 9), round(error_of(model, rows), 9)),
    ):
        if said != found:
            raise WrongResult(f"{what}: {said}, but the files have {found}")
    return {
        "rows_in": manifest["rows_in"],
        "rows_out": manifest["rows_out"],
        "rows_rejected": manifest["rows_rejected"],
        "objects": {name: manifest[name] for name in ("objects", "unreadable", "failed")},
        "aggregates": sums,
        "model": {**model, "rmse": measured["rmse"], "r2": measured["r2"]},
        "gate": report["gate"],
        "rows": rows,
    }


def by_country(rows: list[dict[str, Any]], orders: Callable[[dict[str, Any]], int]) -> dict[str, dict[str, Any]]:
    """Orders and revenue of each country."""
    sums: dict[str, list[Any]] = defaultdict(lambda: [0, Decimal(0)])
    for row in rows:
        sums[row["country"]][0] += orders(row)
        sums[row["country"]][1] += row["revenue"]
    return {country: {"orders": count, "revenue": str(revenue)} for country, (count, revenue) in sorted(sums.items())}


def error_of(model: dict[str, Any], rows: list[dict[str, Any]]) -> float:
    """The root of the mean squared error of a model on the rows that are held out."""
    weights = model["weights"]
    squares = [(row[model["target"]] - sum(predicted(weights, row))) ** 2 for row in rows if row["held_out"]]
    return math.sqrt(math.fsum(squares) / len(squares))


def predicted(weights: dict[str, float], row: dict[str, Any]) -> Iterator[float]:
    """The addends of a prediction."""
    for name, weight in weights.items():
        column, _, level = name.partition("=")
        if level:
            yield weight if row[column] == level else 0.0
        else:
            yield weight if name == "intercept" else weight * row[column]


def compare_rows(rows: list[dict[str, Any]], orders: list[dict[str, Any]]) -> None:
    """Raise WrongResult unless the rows are the valid orders of the readable objects, cell by cell."""
    valid = {
        order["order_id"]: order
        for index, order in enumerate(orders[: (OBJECTS - 2) * ROWS])
        if (index + 1) % INVALID_EVERY
    }
    found = {row["order_id"]: row for row in rows}
    if len(found) < len(rows) or found.keys() != valid.keys():
        raise WrongResult(f"{len(rows)} rows of {len(found)} orders are there instead of {len(valid)}")
    for number, order in valid.items():
        row = found[number]
        as_text = {**row, "ordered_at": f"{row['ordered_at']:%Y-%m-%dT%H:%M:%SZ}", "unit_price": str(row["unit_price"])}
        wrong = [name for name in COLUMNS if (as_text[name] if as_text[name] is not None else "") != order[name]]
        if wrong:
            raise WrongResult(f"order {number} has {wrong[0]} {row[wrong[0]]!r} instead of {order[wrong[0]]!r}")
