"""CodeDeploy hook before executions call new versions: do these turn an object into Parquet, a model and a report?

It calls them one after the other, as the state machine does, for a run of its own: `probe-DEPLOYMENT`. Nothing of it is
published, and all of its objects are deleted.
"""

import csv
import io
from dataclasses import dataclass
from typing import Any

from run_files import INCOMING, RunFiles

from blueprints_shared import deployment_hooks
from blueprints_shared.clients import client
from blueprints_shared.deployment_hooks import CheckFailed, invoke
from blueprints_shared.observability import Logger
from blueprints_shared.settings import load

ROWS = 20
ORDER = {
    "ordered_at": "2026-11-28T10:00:00Z",
    "country": "AT",
    "category": "toys",
    "quantity": 2,
    "unit_price": "9.99",
    "weight_kg": 1.5,
    "delivery_days": 3.25,
    "note": "",
}
"""A valid row; change it with the columns in orders.py."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The environment variables that the template sets: the bucket, and the ARNs of the new versions."""

    lake_bucket: str
    plan_run: str
    transform_objects: str
    aggregate_run: str
    train_model: str
    evaluate_model: str
    publish_run: str


logger = Logger()


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Probe the versions, and report the result to CodeDeploy."""

    def check(_: deployment_hooks.TimeLeft) -> None:
        # Settings and clients are made here, so that an error in them is reported too.
        settings, functions = load(Settings), client("lambda", read_timeout=60, attempts=2)
        files = RunFiles(client("s3"), settings.lake_bucket, f"probe-{event['DeploymentId']}")
        try:
            probe_run(functions, settings, files)
        finally:
            remove(files)

    return deployment_hooks.answer(event, context, check, logger)


def probe_run(functions: Any, settings: Settings, files: RunFiles) -> None:
    """Make a run of one object, step by step. Raises CheckFailed."""

    def step(function: str, **given: Any) -> dict[str, Any]:
        return invoke(functions, function, {"run_id": files.run_id, **given})

    # Without _READY, no event starts an execution.
    files.s3.put_object(Bucket=files.bucket, Key=f"{INCOMING}/{files.run_id}/orders.csv", Body=orders())
    planned = step(settings.plan_run)
    expect("the plan", planned, status="planned", objects=1)
    batch = {"BatchInput": {"run_id": files.run_id}, "Items": files.json(planned["plan"])}
    expect("the transformed object", step(settings.transform_objects, **batch), rows_out=ROWS, rows_rejected=0)
    aggregated = step(settings.aggregate_run, plan=planned["plan"], tolerated_percentage=0)
    expect("the aggregates", aggregated, status="aggregated")
    trained = step(settings.train_model, run=aggregated["run"])
    expect("the model", trained, "model")
    run = {"run": aggregated["run"], "model": trained["model"]}
    evaluated = step(settings.evaluate_model, **run, minimum_r2=0, tolerance_percent=0)
    expect("the evaluation", evaluated, "gate", **run)
    gate = {**evaluated["gate"], "passed": False, "reason": "a probe"}
    report = step(settings.publish_run, **run, gate=gate)
    expect("the report", report, rows_out=ROWS, is_published=False)


def expect(what: str, answer: dict[str, Any], *names: str, **values: Any) -> None:
    """Raise CheckFailed unless an answer has these names, and these values."""
    if not answer.keys() >= set(names) or any(answer.get(name) != value for name, value in values.items()):
        raise CheckFailed(f"{what}: {answer}, expected {', '.join(names)} {values}")


def orders() -> bytes:
    """The object: a CSV with a header."""
    text = io.StringIO()
    writer = csv.DictWriter(text, ["order_id", *ORDER])
    writer.writeheader()
    writer.writerows({"order_id": number, **ORDER} for number in range(1, ROWS + 1))
    return text.getvalue().encode()


def remove(files: RunFiles) -> None:
    """Delete every version of every object of the run."""
    for prefix in (f"{INCOMING}/{files.run_id}/", files.key("")):
        pages = files.s3.get_paginator("list_object_versions").paginate(Bucket=files.bucket, Prefix=prefix)
        for page in pages:
            for each in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
                files.s3.delete_object(Bucket=files.bucket, Key=each["Key"], VersionId=each["VersionId"])
