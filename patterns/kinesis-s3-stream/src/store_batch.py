"""Stores a batch of stream records as two objects: the records, and those that cannot be read."""

import json
import re
from dataclasses import dataclass
from typing import Any

from commit_batch import CommittedBatch, commit_batch
from lake import PROBES, Lake
from transform import transform

from blueprints_shared.clients import client
from blueprints_shared.json_objects import build_check
from blueprints_shared.json_schema import schema_type
from blueprints_shared.observability import Logger, Metrics, MetricUnit
from blueprints_shared.settings import load, parsed
from blueprints_shared.streams import BatchResponse


def _schema(text: str) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads(text)
    schema_type(schema)  # raises UnsupportedSchema, so that the error names the variable
    return schema


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The function's environment variables."""

    lake_bucket: str
    event_schema: dict[str, Any] | None = parsed(_schema)  # noqa: RUF009 - a field, not a value
    refuse_duplicate_names: bool


logger = Logger()
metrics = Metrics()
settings = load(Settings)
lake = Lake(client("s3"), settings.lake_bucket)
check = build_check(settings.event_schema, refuse_duplicate_names=settings.refuse_duplicate_names)


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> BatchResponse | dict[str, Any]:
    """Store the batch; the response says where Lambda continues if not all of it was handled.

    The response to a deployment's probe also has the number of records left out, which no object shows.
    """
    committed = commit_batch(lake, check, transform, event["Records"], context, _probe_folder(event))
    _report(committed, counted="probe" not in event)
    response = committed.progress.response()
    return {**response, "left_out": committed.lines.left_out} if "probe" in event else response


def _probe_folder(event: dict[str, Any]) -> str:
    """Where the objects of a deployment's probe lie; "" for a batch of the stream, which has no such member."""
    if "probe" not in event:
        return ""
    if not re.fullmatch(r"[A-Za-z0-9-]{1,64}", event["probe"]):
        raise ValueError("probe is not 1 to 64 letters, digits and hyphens")
    return f"{PROBES}/{event['probe']}/"


def _report(committed: CommittedBatch, *, counted: bool) -> None:
    lines, progress = committed.lines, committed.progress
    summary = {
        "key": committed.keys.data,
        "replaced": committed.copies,
        "stored": lines.data.count,
        "poison": dict(lines.poison),
        "left_out": lines.left_out,
        "stopped_at": progress.stopped_at,
    }
    if progress.error:
        logger.error("stopped at a record that failed", extra=summary, exc_info=progress.error)
    else:
        logger.info("batch committed", extra=summary)
    if counted:
        metrics.add_metric("RecordsStored", MetricUnit.Count, lines.data.count)
        metrics.add_metric("RecordsPoison", MetricUnit.Count, lines.errors.count)
        metrics.add_metric("RecordsLeftOut", MetricUnit.Count, lines.left_out)
        metrics.add_metric("ObjectsReplaced", MetricUnit.Count, len(committed.copies))
