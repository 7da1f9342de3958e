"""Adds up what became of a run's objects, and stops a run of which too much was rejected."""

import io
import json
from collections.abc import Iterable
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from orders import merge
from run_files import RunFiles, Settings, canonical
from run_tables import tables

from blueprints_shared.clients import client
from blueprints_shared.observability import Logger
from blueprints_shared.settings import load


class TooManyRejected(Exception):
    """More objects or rows were rejected than the run tolerates; nothing is published."""


logger = Logger()
settings = load(Settings)
s3 = client("s3")


@logger.inject_lambda_context
def handler(event: dict[str, Any], _: Any) -> dict[str, Any]:
    """Write the aggregates, and the draft of the manifest; return the draft's key. Raises TooManyRejected."""
    files = RunFiles(s3, settings.lake_bucket, event["run_id"])
    plan = files.json(event["plan"])
    records = files.read_all((files.key(f"parts/{item['part']}.json") for item in plan), at_once=16)
    draft = outcome(plan, records)
    check(draft, event["tolerated_percentage"])
    if not draft["rows_out"]:
        return {"status": "empty", "objects": draft["objects"], "run": "", "channel": ""}
    draft |= {"run_id": files.run_id, "aggregates": _aggregates(files, draft.pop("summaries"))}
    channel = [{"prefix": f"s3://{files.bucket}/"}, *draft["data"]]
    return {
        "status": "aggregated",
        "run": files.put_named_by_digest("draft.json", canonical(draft)),
        "channel": files.put_named_by_digest("channel.json", canonical(channel)),
    }


def outcome(plan: list[dict[str, Any]], records: Iterable[bytes | None]) -> dict[str, Any]:
    """What became of the objects of a plan; a record is None where the object's batch failed."""
    parts = [None if each is None else json.loads(each) for each in records]
    done = [part for part in parts if part]
    named = {
        kind: [part["files"][kind] for part in done if kind in part["files"]]
        for kind in ("data", "summaries", "rejected")
    }
    return {
        "objects": len(plan),
        "unreadable": [{"object": part["object"], "reason": part["unreadable"]} for part in done if part["unreadable"]],
        "failed": [item["key"] for item, part in zip(plan, parts, strict=True) if not part],
        **{name: sum(part[name] for part in done) for name in ("rows_in", "rows_out", "rows_rejected")},
        **named,
    }


def check(draft: dict[str, Any], tolerated: float) -> None:
    """Raise TooManyRejected if the share of objects or of rows is above `tolerated` percent."""
    objects, rows = len(draft["unreadable"]) + len(draft["failed"]), draft["rows_rejected"]
    for what, rejected, of in (("objects", objects, draft["objects"]), ("rows", rows, draft["rows_in"])):
        if rejected * 100 > tolerated * of:
            raise TooManyRejected(f"{rejected} of {of} {what} were rejected, {tolerated:g} % are tolerated")


def _aggregates(files: RunFiles, summaries: list[str]) -> str:
    """Merge the summaries of all objects, a few at a time."""
    merged: pa.Table | None = None
    for table in tables(files, summaries):
        merged = merge(table if merged is None else pa.concat_tables([merged, table]))
    content = io.BytesIO()
    pq.write_table(merged, content, compression="zstd")
    return files.put_named_by_digest("aggregates.parquet", content.getvalue())
