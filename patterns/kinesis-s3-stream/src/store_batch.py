"""A batch of stream records has come: store what can be read, set aside what cannot, as one pair of objects."""

import json
import re
from dataclasses import dataclass
from typing import Any

from json_schema import schema_type
from lake import ERRORS, REPLACED, Lake
from record_checks import build_check
from settle_batch import Settled, Settler
from transform import transform

from blueprints_shared.clients import client
from blueprints_shared.observability import Logger, Metrics, MetricUnit
from blueprints_shared.settings import load, parsed
from blueprints_shared.streams import BatchResponse

PROBES = "_probe"
_TAKEN = (ERRORS, REPLACED, PROBES)


def _prefix(text: str) -> str:
    if len(text) > 256 or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.=-]*(/[A-Za-z0-9_.=-]+)*", text):
        raise ValueError(
            f"{text!r} is not letters, digits and _ . = - in parts separated by single slashes, 256 in all, "
            "with a letter or digit first"
        )
    if text.split("/", maxsplit=1)[0] in _TAKEN:
        raise ValueError(f"{text!r} cannot be the prefix of stored records; {', '.join(_TAKEN)} are taken")
    return text


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


def build_settler(settings: Settings, s3: Any) -> Settler:
    """Put the parts together."""
    return Settler(
        lake=Lake(s3, settings.lake_bucket),
        prefix=settings.prefix,
        check=build_check(settings.event_schema, refuse_duplicate_names=settings.refuse_duplicate_names),
        transform=transform,
    )


logger = Logger()
metrics = Metrics()
settler = build_settler(load(Settings), client("s3"))


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> BatchResponse | dict[str, Any]:
    """Store the batch's two objects; the response says where Lambda continues if not all of it was handled.

    The response to a deployment's probe also has the number of records that were left out, which no object shows.
    """
    settled = settler.settle(event["Records"], context, _within(event))
    _report(settled, counted="probe" not in event)
    response = settled.progress.response()
    return {**response, "left_out": settled.lines.left_out} if "probe" in event else response


def _within(event: dict[str, Any]) -> str:
    """Deployments send probes, whose objects lie apart; what Lambda reads from the stream has no such member."""
    if "probe" not in event:
        return ""
    if not re.fullmatch(r"[A-Za-z0-9-]{1,64}", event["probe"]):
        raise ValueError("probe is not 1 to 64 letters, digits and hyphens")
    return f"{PROBES}/{event['probe']}/"


def _report(settled: Settled, *, counted: bool) -> None:
    """Log what came of the batch, and count it unless it was a probe."""
    lines, progress = settled.lines, settled.progress
    said = {
        "key": settled.keys.data,
        "replaced": settled.copies,
        "stored": lines.data.count,
        "poison": dict(lines.poison),
        "left_out": lines.left_out,
        "stopped_at": progress.stopped_at,
    }
    if progress.error:
        logger.error("stopped at a record that failed", extra=said, exc_info=progress.error)
    else:
        logger.info("settled", extra=said)
    if counted:
        metrics.add_metric("RecordsStored", MetricUnit.Count, lines.data.count)
        metrics.add_metric("RecordsPoison", MetricUnit.Count, lines.errors.count)
        metrics.add_metric("RecordsLeftOut", MetricUnit.Count, lines.left_out)
        metrics.add_metric("ObjectsReplaced", MetricUnit.Count, len(settled.copies))
