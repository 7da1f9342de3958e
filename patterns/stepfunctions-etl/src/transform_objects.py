"""Turns the CSV objects of a batch into Parquet, each for itself."""

from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from botocore.exceptions import ClientError
from csv_rows import Unreadable
from curate_object import Curated, curate
from orders import merge, summarize
from run_files import RunFiles, Settings, canonical

from blueprints_shared.clients import client
from blueprints_shared.observability import Logger
from blueprints_shared.settings import load

logger = Logger()
settings = load(Settings)
s3 = client("s3", read_timeout=30)


@logger.inject_lambda_context
def handler(event: dict[str, Any], _: Any) -> dict[str, Any]:
    """Return how many rows came in, went out and were rejected; objects that were done before are not done again."""
    files = RunFiles(s3, settings.lake_bucket, event["BatchInput"]["run_id"])
    parts = [transform(files, item) for item in event["Items"]]
    return {name: sum(part[name] for part in parts) for name in ("rows_in", "rows_out", "rows_rejected")}


def transform(files: RunFiles, item: dict[str, Any]) -> dict[str, Any]:
    """Transform one object of the plan; return what `parts/PART.json` says of it, which is written last."""
    name = f"parts/{item['part']}.json"
    if done := files.json(files.key(name)):
        return dict(done)
    part = {"object": item["key"], "etag": item["etag"], "unreadable": None}
    try:
        part |= _curated(files, item)
    except Unreadable as fault:
        logger.warning("object rejected", extra={"object": item["key"], "reason": str(fault)})
        part |= {**asdict(Curated(0, 0, 0)), "files": {}, "unreadable": str(fault)}
    files.put(name, canonical(part))
    return part


def _curated(files: RunFiles, item: dict[str, Any]) -> dict[str, Any]:
    try:
        body = files.s3.get_object(Bucket=files.bucket, Key=item["key"], IfMatch=item["etag"])["Body"]
    except ClientError as error:
        if error.response["Error"]["Code"] in ("PreconditionFailed", "412", "NoSuchKey", "404"):
            raise Unreadable("the object has changed since the run was planned") from None
        raise
    with TemporaryDirectory() as folder:
        data, rejected, summary = (Path(folder, name) for name in ("parquet", "ndjson", "summary"))
        summaries: list[pa.Table] = []

        def collect(rows: pa.Table) -> None:
            summaries[:] = [merge(pa.concat_tables([*summaries, summarize(rows)]))]

        counts = curate(body.read, data, rejected, collect)
        for table in summaries:
            pq.write_table(table, summary)
        kept = {"data": (data, "parquet"), "rejected": (rejected, "ndjson"), "summaries": (summary, "parquet")}
        written = {
            kind: _upload(files, path, f"{kind}/{item['part']}.{extension}")
            for kind, (path, extension) in kept.items()
            if path.exists() and path.stat().st_size
        }
    return {**asdict(counts), "files": written}


def _upload(files: RunFiles, path: Path, name: str) -> str:
    with path.open("rb") as content:
        return files.put(name, content)
