"""Compares a run's model with the one in use: the gate that decides whether it is published."""

from typing import Any

import model
from run_files import RunFiles, Settings
from run_tables import tables

from blueprints_shared.clients import client
from blueprints_shared.observability import Logger
from blueprints_shared.settings import load

logger = Logger()
settings = load(Settings)
s3 = client("s3")


@logger.inject_lambda_context
def handler(event: dict[str, Any], _: Any) -> dict[str, Any]:
    """Return the run's draft and model with what the gate says of them."""
    files = RunFiles(s3, settings.lake_bucket, event["run_id"])
    committed = files.json(files.key("manifest.json")) or event  # what another execution of this run has committed
    gate = compare(files, committed["run"], committed["model"], event["minimum_r2"], event["tolerance_percent"])
    logger.info("model evaluated", extra={"run_id": files.run_id, "gate": gate})
    return {"run": committed["run"], "model": committed["model"], "gate": gate}


def compare(files: RunFiles, run: str, new: str, minimum_r2: float, tolerance: float) -> dict[str, Any]:
    """Measure the new and the current model on the held-out rows of this run and of the current model's run.

    On its own run's rows alone, a model that was trained on wrong data looks good.
    """
    current, etag = files.current_model()
    if current and current["run_id"] == files.run_id:
        return dict(current["gate"])  # this run published it, and was interrupted after that
    models, held_out = {"new": files.model(new)}, {"new": files.json(run)["data"]}
    if current:
        models["current"] = files.model(current["model"])
        held_out["current"] = files.json(current["manifest"])["data"]
    measured = {rows: model.evaluate(models, tables(files, keys, model.COLUMNS)) for rows, keys in held_out.items()}
    reason = objection(measured, minimum_r2, tolerance)
    return {
        "passed": not reason,
        "reason": reason or ("as good as the current model" if current else "the first model"),
        "measured": measured,
        "current_run_id": current["run_id"] if current else None,
        "current_etag": etag,
    }


def objection(measured: dict[str, dict[str, dict[str, Any]]], minimum_r2: float, tolerance: float) -> str:
    """Why the new model must not replace the current one; empty if it may. `measured` is by rows, then by model."""
    r2 = measured["new"]["new"]["r2"]
    if r2 is None:
        return "no rows are held out, or all have the same target"
    if r2 < minimum_r2:
        return f"R² is {r2:.3f}, below {minimum_r2:g}"
    for rows, by_model in measured.items():
        if "current" in by_model and by_model["current"]["rows"]:
            new, current = by_model["new"]["rmse"], by_model["current"]["rmse"]
            if new > current * (1 + tolerance / 100):
                return (
                    f"the error on the held-out rows of the {rows} run is {new:.3f}, the current model's {current:.3f}"
                )
    return ""
