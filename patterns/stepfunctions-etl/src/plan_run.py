"""Lists the objects of a run, unless it has ended before."""

import hashlib
import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from run_files import INCOMING, RunFiles, Settings, canonical

from blueprints_shared.clients import client
from blueprints_shared.observability import Logger
from blueprints_shared.settings import load

logger = Logger()
settings = load(Settings)
s3 = client("s3")


@logger.inject_lambda_context
def handler(event: dict[str, Any], _: Any) -> dict[str, Any]:
    """Return the run's state, and the key of its plan.

    `finished`: it ended before. `committed`: its manifest was written, but not its report. `empty`: there is nothing to
    do. `planned`: the objects of the plan have to be transformed.
    """
    files = RunFiles(s3, settings.lake_bucket, run_id_of(event))
    if report := files.json(files.key("report.json")):
        return {"run_id": files.run_id, "status": "finished", "report": report}
    if manifest := files.json(files.key("manifest.json")):
        return {"run_id": files.run_id, "status": "committed", "run": manifest["run"], "model": manifest["model"]}
    objects = list(listed(files))
    if not objects:
        return {"run_id": files.run_id, "status": "empty"}
    plan = files.put_named_by_digest("plan.json", canonical(objects))
    logger.info("run planned", extra={"run_id": files.run_id, "objects": len(objects), "plan": plan})
    return {"run_id": files.run_id, "status": "planned", "plan": plan, "objects": len(objects)}


def run_id_of(event: dict[str, Any]) -> str:
    """The id in the input, in the key of `incoming/RUN/_READY`, or the day before a schedule's time.

    Raises ValueError if the input has none.
    """
    if isinstance(event.get("run_id"), str):
        return str(event["run_id"])
    if event.get("detail-type") == "Scheduled Event":
        return f"{datetime.fromisoformat(event['time']) - timedelta(days=1):%Y-%m-%d}"
    if event.get("detail-type") != "Object Created":
        raise ValueError('the input names no run; write {"run_id": "RUN"}')
    return str(event["detail"]["object"]["key"]).removeprefix(f"{INCOMING}/").rpartition("/")[0]


def listed(files: RunFiles) -> Iterator[dict[str, Any]]:
    """The objects below `incoming/RUN/`, without folders and names that begin with `_` or a dot."""
    version = os.environ.get("AWS_LAMBDA_FUNCTION_VERSION", "")
    pages = files.s3.get_paginator("list_objects_v2").paginate(
        Bucket=files.bucket, Prefix=f"{INCOMING}/{files.run_id}/"
    )
    for page in pages:
        for item in page.get("Contents", ()):
            if item["Key"].rpartition("/")[2].startswith(("_", ".")) or item["Key"].endswith("/"):
                continue
            named = f"{item['Key']}\n{item['ETag']}\n{version}"
            part = hashlib.sha256(named.encode()).hexdigest()[:24]
            yield {"key": item["Key"], "etag": item["ETag"], "size": item["Size"], "part": part}
