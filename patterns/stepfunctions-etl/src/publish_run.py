"""Commits a run: its manifest, then the pointer to its model if the gate lets it pass, then its report."""

from typing import Any

from run_files import Overtaken, RunFiles, Settings, canonical

from blueprints_shared.clients import client
from blueprints_shared.observability import Logger, Metrics, MetricUnit
from blueprints_shared.settings import load

logger = Logger()
metrics = Metrics()
settings = load(Settings)
s3 = client("s3")


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], _: Any) -> dict[str, Any]:
    """Return the run's report. Raises Overtaken if another execution has committed since the gate compared."""
    files = RunFiles(s3, settings.lake_bucket, event["run_id"])
    manifest = commit(files, event["run"], event["model"])
    publish(files, manifest, event["gate"])
    report = {
        **{name: manifest[name] for name in ("run_id", "objects", "rows_in", "rows_out", "rows_rejected")},
        **{name: len(manifest[name]) for name in ("unreadable", "failed")},
        "manifest": files.key("manifest.json"),
        "gate": event["gate"],
        "is_published": event["gate"]["passed"],
    }
    files.put("report.json", canonical(report))
    _count(report)
    return dict(files.json(files.key("report.json")))


def commit(files: RunFiles, run: str, model: str) -> dict[str, Any]:
    """Write the manifest, unless another execution of the same run has; return what it says.

    It does not say what the gate said, because the gate compares again if the run is overtaken.
    """
    key = files.put("manifest.json", canonical({**files.json(run), "run": run, "model": model}))
    manifest: dict[str, Any] = files.json(key)
    if manifest["model"] != model:
        raise Overtaken("another execution of this run has committed it with other data")
    return manifest


def publish(files: RunFiles, manifest: dict[str, Any], gate: dict[str, Any]) -> None:
    """Point to the run's model if it passed the gate, unless another one was published since."""
    current, etag = files.current_model()
    if not gate["passed"] or (current and current["run_id"] == files.run_id):
        return
    if etag != gate["current_etag"]:
        raise Overtaken("another run has published a model since the gate compared")
    pointer = {"manifest": files.key("manifest.json"), "run_id": files.run_id, "model": manifest["model"], "gate": gate}
    files.replace_current_model(pointer, etag)


def _count(report: dict[str, Any]) -> None:
    logger.info("run published", extra=report)
    for metric, name in (("RowsIn", "rows_in"), ("RowsOut", "rows_out"), ("RowsRejected", "rows_rejected")):
        metrics.add_metric(metric, MetricUnit.Count, report[name])
    metrics.add_metric("ObjectsRejected", MetricUnit.Count, report["unreadable"] + report["failed"])
    metrics.add_metric("ModelsPublished", MetricUnit.Count, int(report["is_published"]))
    r2 = report["gate"]["measured"]["new"]["new"]["r2"]
    if r2 is not None:
        metrics.add_metric("ModelR2", MetricUnit.NoUnit, r2)
