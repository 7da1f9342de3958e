"""Ends a run: compares its counts at every layer, notes in the ledger which objects it took, and writes its report."""

from typing import Any

from run_files import RunFiles, Settings, canonical

from blueprints_shared.clients import client
from blueprints_shared.observability import Logger, Metrics, MetricUnit
from blueprints_shared.settings import load


class NotReconciled(Exception):
    """The counts of two layers disagree; the run has no report, and can be started again."""


logger = Logger()
metrics = Metrics()
settings = load(Settings)
s3 = client("s3")


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], _: Any) -> dict[str, Any]:
    """Return the run's report. Raises NotReconciled."""
    files = RunFiles(s3, settings.lake_bucket, event["run_id"], event["day"])
    counts, serving, job = event["counts"], event["serving"], event["job"]
    reconcile(counts, serving)
    for source in files.json(event["plan"]):
        files.put(files.ledger_key(source), b"")
    report = {
        **{name: value for name, value in counts.items() if name != "stopped"},
        **serving,
        "day": files.day,
        "plan": event["plan"],
        "dpu_seconds": round(job["seconds"] * job["dpu"]),
    }
    files.put(files.key("report.json"), canonical(report))
    _count(report)
    return dict(files.json(files.key("report.json")))


def reconcile(counts: dict[str, Any], serving: dict[str, Any]) -> None:
    """Compare the layers. Raises NotReconciled, which says what differs."""
    after = {name: counts[name] for name in ("quarantined", "duplicates", "merged", "outdated")}
    if sum(after.values()) != counts["raw_rows"]:
        raise NotReconciled(f"{counts['raw_rows']} raw rows became {after}")
    if counts["merged"] > serving["curated_rows"]:
        raise NotReconciled(f"{counts['merged']} orders were merged, Athena sees {serving['curated_rows']}")
    # Another run may have loaded later rows meanwhile; equal counts must have equal revenue.
    if serving["rows_postgres"] == serving["curated_rows"] and serving["revenue_postgres"] != serving["revenue_athena"]:
        raise NotReconciled(f"PostgreSQL has {serving['revenue_postgres']}, Athena {serving['revenue_athena']}")
    if serving["rows_postgres"] is not None and serving["rows_postgres"] < serving["curated_rows"]:
        raise NotReconciled(f"PostgreSQL has {serving['rows_postgres']} orders, Athena {serving['curated_rows']}")


def _count(report: dict[str, Any]) -> None:
    logger.info("run published", extra=report)
    names = {"RowsIn": "raw_rows", "RowsMerged": "merged", "RowsLate": "late_merged", "RowsQuarantined": "quarantined"}
    for metric, name in {**names, "ObjectsUnreadable": "unreadable", "DpuSeconds": "dpu_seconds"}.items():
        metrics.add_metric(metric, MetricUnit.Count, report[name])
