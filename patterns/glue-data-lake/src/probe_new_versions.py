"""CodeDeploy hook before executions call new versions: do these plan, curate, load and publish a run without rows?

It calls them one after the other, as the state machine does, for a run of its own: `probe-DEPLOYMENT`. Tables and the
database keep what they hold, and all objects of the run are deleted.
"""

from dataclasses import dataclass
from typing import Any

from run_files import RunFiles

from blueprints_shared import deployment_hooks
from blueprints_shared.clients import client
from blueprints_shared.deployment_hooks import CheckFailed, invoke
from blueprints_shared.observability import Logger
from blueprints_shared.settings import load

DAY = "0001-01-05"  # no run of another day looks back to it
COLUMNS = b"order_date,country,orders,cancelled,revenue\n"
NO_JOB = {"seconds": 0, "dpu": 0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The environment variables that the template sets: the bucket, and the ARNs of the new versions."""

    lake_bucket: str
    plan_run: str
    curate_small: str
    load_database: str
    publish_run: str


logger = Logger()


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Probe the versions, and report the result to CodeDeploy."""

    def check(_: deployment_hooks.TimeLeft) -> None:
        # Settings and clients are made here, so that an error in them is reported too.
        settings, functions = load(Settings), client("lambda", read_timeout=120, attempts=2)
        files = RunFiles(client("s3"), settings.lake_bucket, f"probe-{event['DeploymentId']}", DAY)
        try:
            probe_run(functions, settings, files)
        finally:
            remove(files)

    return deployment_hooks.answer(event, context, check, logger)


def probe_run(functions: Any, settings: Settings, files: RunFiles) -> None:
    """Plan a run of one object, and go on with a plan of none. Raises CheckFailed."""

    def step(function: str, **given: Any) -> dict[str, Any]:
        return invoke(functions, function, {"run_id": files.run_id, "day": DAY, **given})

    empty, counts, rows = (
        files.key("plan-empty.json"),
        files.key("curated-empty.json"),
        f"query-results/{files.run_id}.csv",
    )
    for key, content in ((f"raw/{DAY}/{files.run_id}/orders.csv", b"\n"), (empty, b"[]"), (rows, COLUMNS)):
        files.put(key, content)
    expect("the plan", step(settings.plan_run), status="planned", objects=1)
    curated = step(settings.curate_small, plan=empty, counts=counts)
    expect("the counts", curated, raw_rows=0, merged=0, stopped=None)
    # The database takes no rows that were read before those which it has: these were read in 1970.
    query = {
        "ResultConfiguration": {"OutputLocation": f"s3://{files.bucket}/{rows}"},
        "Status": {"SubmissionDateTime": 0},
    }
    loaded = step(settings.load_database, query=query)
    expect("the loaded rows", loaded, curated_rows=0)
    serving = {**loaded, "rows_postgres": None, "revenue_postgres": None}
    report = step(settings.publish_run, plan=empty, counts=curated, serving=serving, job=NO_JOB)
    expect("the report", report, day=DAY, raw_rows=0)


def expect(what: str, answer: dict[str, Any], **values: Any) -> None:
    """Raise CheckFailed unless an answer has these values."""
    if not answer.keys() >= values.keys() or any(answer[name] != value for name, value in values.items()):
        raise CheckFailed(f"{what}: {answer}, expected {values}")


def remove(files: RunFiles) -> None:
    """Delete every version of every object of the run."""
    for prefix in (f"raw/{DAY}/{files.run_id}/", files.key(""), f"query-results/{files.run_id}"):
        pages = files.s3.get_paginator("list_object_versions").paginate(Bucket=files.bucket, Prefix=prefix)
        for page in pages:
            for each in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
                files.s3.delete_object(Bucket=files.bucket, Key=each["Key"], VersionId=each["VersionId"])
