"""Trains a model on the rows of a run that are not held out."""

from typing import Any

import model
from run_files import RunFiles, Settings, canonical
from run_tables import tables

from blueprints_shared.clients import client
from blueprints_shared.observability import Logger
from blueprints_shared.settings import load

logger = Logger()
settings = load(Settings)
s3 = client("s3")


@logger.inject_lambda_context
def handler(event: dict[str, Any], _: Any) -> dict[str, Any]:
    """Write the model and return its key."""
    files = RunFiles(s3, settings.lake_bucket, event["run_id"])
    draft = files.json(event["run"])
    table = next(iter(tables(files, [draft["aggregates"]], model.CATEGORIES)))
    levels = {name: sorted(table[name].unique().to_pylist()) for name in model.CATEGORIES}
    trained = model.train(tables(files, draft["data"], model.COLUMNS), levels)
    logger.info("model trained", extra={"run_id": files.run_id, "rows": trained["rows"]})
    return {"model": files.put_named_by_digest("model.json", canonical(trained))}
