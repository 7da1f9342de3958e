"""Keeps the tables fast and small: joins small files, and removes old snapshots and files that no snapshot names.

Readers and writers may go on meanwhile: each call commits a snapshot of its own.
"""

import argparse
import json
from datetime import UTC, datetime, timedelta

from pyspark.sql import SparkSession

TABLES = ("orders", "quarantine")
ORPHAN_DAYS = 3  # younger files may belong to a commit that is under way


def calls(table: str, now: datetime, snapshot_days: float, min_files: int) -> dict[str, str]:
    """The procedures to call for a table `DATABASE.NAME`, by what they do."""
    old = f"TIMESTAMP '{now - timedelta(days=snapshot_days):%Y-%m-%d %H:%M:%S}'"
    orphaned = f"TIMESTAMP '{now - timedelta(days=ORPHAN_DAYS):%Y-%m-%d %H:%M:%S}'"
    return {
        "compacted": f"CALL lake.system.rewrite_data_files(table => '{table}', "
        f"options => map('min-input-files', '{min_files}', 'partial-progress.enabled', 'true'))",
        "expired": f"CALL lake.system.expire_snapshots(table => '{table}', older_than => {old}, retain_last => 2)",
        "orphans": f"CALL lake.system.remove_orphan_files(table => '{table}', older_than => {orphaned})",
    }


def maintain(spark: SparkSession, database: str, snapshot_days: float, min_files: int) -> dict[str, dict[str, object]]:
    """Maintain every table that exists; return what each procedure answers."""
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    done: dict[str, dict[str, object]] = {}
    for name in TABLES:
        table = f"{database}.{name}"
        if not spark.catalog.tableExists(f"lake.{table}"):
            continue
        for what, call in calls(table, datetime.now(UTC), snapshot_days, min_files).items():
            rows = [each.asDict() for each in spark.sql(call).collect()]
            done.setdefault(name, {})[what] = len(rows) if what == "orphans" else rows[0]
    return done


def main() -> None:
    """Maintain the tables of a database."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    for name in ("database", "snapshot_days", "min_files"):
        parser.add_argument(f"--{name}", required=True)
    options, _ = parser.parse_known_args()
    spark = SparkSession.builder.getOrCreate()
    done = maintain(spark, options.database, float(options.snapshot_days), int(options.min_files))
    print(json.dumps(done, default=str))


if __name__ == "__main__":
    main()
