"""A batch of stream records has come: store what can be read, set aside what cannot, as one pair of objects."""

import json
import re
from dataclasses import dataclass
from typing import Any

from batch_lines import BatchLines
from json_schema import schema_type
from record_checks import build_check
from settle_batch import ERRORS, BatchKeys, Lake, batch_keys
from transform import transform

from blueprints_shared.clients import client
from blueprints_shared.observability import Logger, Metrics, MetricUnit
from blueprints_shared.settings import load, parsed
from blueprints_shared.streams import BatchResponse, Progress, handle_in_order

PROBES = "_probe"


def _prefix(text: str) -> str:
    prefix = text.strip("/")
    if not re.fullmatch(r"[A-Za-z0-9!_.*'()=/-]{1,256}", prefix) or prefix.split("/")[0] in (ERRORS, PROBES):
        raise ValueError(f"{text!r} cannot be the prefix of stored records; {ERRORS} and {PROBES} are taken")
    return prefix


def _schema(text: str) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads(text)
    schema_type(schema)
    return schema


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the template passes as environment variables."""

    lake_bucket: str
    prefix: str = parsed(_prefix)
    event_schema: dict[str, Any] | None = parsed(_schema)  # noqa: RUF009 - a field, not a value
    refuse_duplicate_names: bool


settings = load(Settings)
check = build_check(settings.event_schema, refuse_duplicate_names=settings.refuse_duplicate_names)
lake = Lake(client("s3"), settings.lake_bucket)
logger = Logger()
metrics = Metrics()


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> BatchResponse:
    """Settle the batch's two objects; the answer says where to go on when not all of it was handled."""
    records = event["Records"]
    keys = batch_keys(records[0], settings.prefix, _within(event))
    lines = BatchLines(check, transform)
    progress = handle_in_order(records, lines.add, context)
    if progress.error and not progress.handled:
        raise progress.error
    lake.settle(keys, lines.data.finish(), lines.errors.finish())
    _report(keys, lines, progress)
    return progress.response()


def _within(event: dict[str, Any]) -> str:
    """Deployments send probes, whose objects lie apart; what Lambda reads from the stream has no such member."""
    if "probe" not in event:
        return ""
    if not re.fullmatch(r"[A-Za-z0-9-]{1,64}", event["probe"]):
        raise ValueError("probe is not 1 to 64 letters, digits and hyphens")
    return f"{PROBES}/{event['probe']}/"


def _report(keys: BatchKeys, lines: BatchLines, progress: Progress) -> None:
    """Log and count what came of the batch."""
    said = {
        "key": keys.data,
        "stored": lines.data.count,
        "poison": dict(lines.poison),
        "left_out": lines.left_out,
        "stopped_at": progress.stopped_at,
    }
    if progress.error:
        logger.error("stopped at a record that failed", extra=said, exc_info=progress.error)
    else:
        logger.info("settled", extra=said)
    if not keys.data.startswith(PROBES):
        metrics.add_metric("RecordsStored", MetricUnit.Count, lines.data.count)
        metrics.add_metric("RecordsPoison", MetricUnit.Count, lines.errors.count)
        metrics.add_metric("RecordsLeftOut", MetricUnit.Count, lines.left_out)
