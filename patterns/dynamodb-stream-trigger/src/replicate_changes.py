"""A batch of changes has come: bring the table's replica in PostgreSQL up to them."""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from replica import Chunk, Entry, Replica, chunked, reduced
from set_aside import Rejection, SetAside
from sql_database import Database

from blueprints_shared.clients import client
from blueprints_shared.observability import Logger, Metrics, MetricUnit
from blueprints_shared.settings import load, parsed
from blueprints_shared.streams import Progress, handle_in_order

RESERVE = 5.0  # seconds kept for the answer; a statement is not begun within them


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
# The Data API gives a statement 45 seconds; a call that ends sooner would be sent again while the first still runs.
database = Database(
    client("rds-data", read_timeout=50, attempts=2),
    settings.database_cluster_arn,
    settings.secret_arn,
    settings.database_name,
)
replica = Replica(database, settings.database_schema)
aside = SetAside(lambda: client("s3"), settings.failures_bucket, "replicate")
logger = Logger()
metrics = Metrics()


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Write the newest change of every key; the answer says where to go on when not all was written."""
    replica.prepare(time.monotonic() + context.get_remaining_time_in_millis() / 1000 - RESERVE)
    batch = reduced(event["Records"])
    if "probe" in event:
        return {"rehearsed": replica.rehearse(batch.entries), "rejected": len(batch.rejected)}
    for record, rejection in batch.rejected:
        _set_aside(record, rejection)
    written = [0]

    def write(chunk: Chunk) -> None:
        written[0] += replica.write(chunk.entries, _reject)

    progress = handle_in_order(list(chunked(batch.entries)), write, context, reserve=RESERVE)  # type: ignore[arg-type]
    if progress.error and not progress.handled:
        raise progress.error
    _report(event["Records"], batch.entries, written[0], progress)
    return progress.response()


def _reject(entry: Entry, rejection: Rejection) -> None:
    _set_aside(entry.record, rejection)


def _set_aside(record: Mapping[str, Any], rejection: Rejection) -> None:
    key = aside.put(record, rejection)
    logger.warning("set aside", extra={"outcome": "rejected", "code": rejection.code, "key": key})
    metrics.add_metric("ChangesRejected", MetricUnit.Count, 1)


def _report(records: list[Any], entries: list[Entry], written: int, progress: Progress) -> None:
    """Log and count what came of the batch."""
    said = {"changes": len(records), "keys": len(entries), "written": written, "stopped_at": progress.stopped_at}
    if progress.error:
        logger.error("stopped at a statement that failed", extra=said, exc_info=progress.error)
    else:
        logger.info("replicated", extra=said)
    metrics.add_metric("ChangesReplicated", MetricUnit.Count, len(records) if not progress.stopped_at else 0)
    metrics.add_metric("RowsWritten", MetricUnit.Count, written)
