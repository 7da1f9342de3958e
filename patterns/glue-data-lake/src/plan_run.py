"""Lists the raw objects of a run that no other run has taken, unless the run has ended before."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from run_files import RunFiles, canonical
from run_files import Settings as RunSettings

from blueprints_shared.clients import client
from blueprints_shared.observability import Logger
from blueprints_shared.settings import load


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(RunSettings):
    """The environment variables of this function."""

    time_zone: str
    lookback_days: int
    small_run_megabytes: int


logger = Logger()
settings = load(Settings)
s3 = client("s3")


@logger.inject_lambda_context
def handler(event: dict[str, Any], _: Any) -> dict[str, Any]:
    """Return the run's state, the keys of its plan and of its counts, and the engine that curates it.

    `finished`: it ended before. `empty`: there is nothing to do. `planned`: the objects have to be curated.
    """
    day = day_of(event)
    files = RunFiles(s3, settings.lake_bucket, str(event.get("run_id", day)), day)
    run: dict[str, Any] = {"run_id": files.run_id, "day": day}
    if report := files.json(files.key("report.json")):
        return {**run, "status": "finished", "report": report}
    found = list(waiting(files, settings.lookback_days))
    objects = [source for source, _ in found]
    if not objects:
        return {**run, "status": "empty"}
    content = canonical(objects)
    digest = hashlib.sha256(content).hexdigest()[:16]
    plan = files.key(f"plan-{digest}.json")
    files.put(plan, content)
    run |= {"objects": len(objects), "plan": plan, "engine": engine(sum(size for _, size in found))}
    logger.info("run planned", extra=run)
    return {**run, "status": "planned", "counts": files.key(f"curated-{digest}.json")}


def engine(size: int) -> str:
    """What curates objects of together `size` bytes of text: `lambda` if they are small enough, else `spark`."""
    return "lambda" if size < settings.small_run_megabytes * 10**6 else "spark"


def day_of(event: dict[str, Any]) -> str:
    """The day in the input, or the day before a schedule's time, in the business's time zone."""
    if "day" in event:
        return str(event["day"])
    started = datetime.fromisoformat(event["time"]).astimezone(ZoneInfo(settings.time_zone))
    return f"{started.date() - timedelta(days=1)}"


def waiting(files: RunFiles, lookback_days: int) -> Iterator[tuple[dict[str, str], int]]:
    """The objects below `raw/DAY/`, of this day and the days before it, whose version no other run has taken.

    With each, its size in bytes; compressed ones are taken for ten times as large.
    """
    last = date.fromisoformat(files.day)
    for back in range(lookback_days, -1, -1):
        day = last - timedelta(days=back)
        taken = {each["Key"].rpartition("/") for each in files.listed(f"ledger/{day}/")}
        by_others = {place for place, _, run_id in taken if run_id != files.run_id}
        for item in files.listed(f"raw/{day}/"):
            name = item["Key"].rpartition("/")[2]
            if not name or name.startswith(("_", ".")):
                continue
            source = {"key": item["Key"], "etag": item["ETag"]}
            if files.ledger_key(source).rpartition("/")[0] not in by_others:
                yield source, item["Size"] * (10 if name.endswith(".gz") else 1)
