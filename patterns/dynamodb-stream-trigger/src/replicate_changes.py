"""Writes a batch of changes to the replica of the table in PostgreSQL."""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rejected_records import RejectedRecords, Rejection
from replica import Chunk, Replica, chunked, reduced
from sql_database import Database

from blueprints_shared.clients import client
from blueprints_shared.observability import Logger, Metrics, MetricUnit
from blueprints_shared.settings import load, parsed
from blueprints_shared.streams import handle_in_order

RESERVE = 5.0  # seconds for the response; no statement is begun within them


def _identifier(text: str) -> str:
    if not re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", text):
        raise ValueError(f"{text!r} is not a name of lower-case letters, digits and underscores")
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the template passes as environment variables."""

    database_cluster_arn: str
    secret_arn: str
    database_name: str
    database_schema: str = parsed(_identifier)
    failures_bucket: str


settings = load(Settings)
database = Database(
    # The Data API ends a statement after 45 seconds; a call that ends sooner would repeat one that still runs.
    client("rds-data", read_timeout=50, attempts=2),
    settings.database_cluster_arn,
    settings.secret_arn,
    settings.database_name,
)
replica = Replica(database, settings.database_schema)
rejected_records = RejectedRecords(lambda: client("s3"), settings.failures_bucket, "replicate")
logger = Logger()
metrics = Metrics()


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Write the newest change of every key; the response says where Lambda goes on if not all was written."""
    replica.prepare(time.monotonic() + context.get_remaining_time_in_millis() / 1000 - RESERVE)
    batch = reduced(event["Records"])
    if "probe" in event:
        return {"rehearsed": replica.rehearse(batch.entries), "rejected": len(batch.rejected)}
    for record, rejection in batch.rejected:
        _reject(record, rejection)
    written = 0

    def write(chunk: Mapping[str, Any]) -> None:
        nonlocal written
        assert isinstance(chunk, Chunk)
        written += replica.write(chunk.entries, lambda entry, rejection: _reject(entry.record, rejection))

    progress = handle_in_order(list(chunked(batch.entries)), write, context, reserve=RESERVE)
    if progress.error and not progress.handled:
        raise progress.error
    counts = {"changes": len(event["Records"]), "keys": len(batch.entries), "written": written}
    extra = {**counts, "stopped_at": progress.stopped_at}
    if progress.error:
        logger.error("stopped at a statement that failed", extra=extra, exc_info=progress.error)
    else:
        logger.info("replicated", extra=extra)
    replicated = 0 if progress.stopped_at else len(event["Records"])
    metrics.add_metric("ChangesReplicated", MetricUnit.Count, replicated)
    metrics.add_metric("RowsWritten", MetricUnit.Count, written)
    return progress.response()


def _reject(record: Mapping[str, Any], rejection: Rejection) -> None:
    key = rejected_records.put(record, rejection)
    logger.warning("rejected", extra={"outcome": "rejected", "code": rejection.code, "key": key})
    metrics.add_metric("ChangesRejected", MetricUnit.Count, 1)
