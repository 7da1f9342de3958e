"""The transforms of glue-data-lake's job on Spark, against SQL of DuckDB with the same rules on the same rows.

Both read raw rows from one Parquet file, type and judge them, set the broken ones aside, keep the latest version of
each order, and write two Parquet files, which are compared. Nothing is merged into a table. The CPU time is that of the
whole process, and that of a second execution in the same process. There is no target: Spark is what Glue runs.
"""

import random
import sys
import tempfile
from collections.abc import Iterable
from functools import partial
from importlib.metadata import version
from pathlib import Path

from benchmarks.claims import Claim, Missing
from benchmarks.harness import Bench, Sample, Variant
from benchmarks.processes import ROOT, run_for_json
from blueprints.errors import BlueprintError
from blueprints.packaging.spark import SparkEnvironment, glue_version, spark_environment
from blueprints.packaging.spark.settings import as_properties, base_settings, process_environment

TITLE = "Transforms of the data lake"

_JOBS = ROOT / "patterns" / "glue-data-lake" / "src" / "jobs"
_SPARK, _DUCKDB = (ROOT / "benchmarks" / f"lake_transforms_{name}.py" for name in ("spark", "duckdb"))
_BROKEN, _REPEATED = 0.01, 0.05


def compare(bench: Bench) -> Iterable[Claim | Missing]:
    """Yield the CPU time of the whole process, and of a warm one."""
    rows = 10_000 if bench.quick else 100_000
    cases = {
        "whole": f"{rows:,} raw rows to orders and quarantine, the whole process",
        "warm": f"{rows:,} raw rows to orders and quarantine, a second time in the same process",
    }
    if not Path("/proc/self/status").exists():
        yield Missing(cases["whole"], "this system does not tell what a JVM takes")
        return
    try:
        spark = spark_environment(glue_version("5.1"), bench.progress)
    except BlueprintError as error:
        yield Missing(cases["whole"], str(error))
        return
    for name, number in (("Spark", spark.version.spark), ("Java", spark.java.version), ("DuckDB", version("duckdb"))):
        bench.uses(name, number)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        _make(work / "raw.parquet", rows)
        for mode, case in cases.items():
            variants = {
                "peer": Variant("DuckDB", partial(_duckdb, work, mode)),
                "ours": Variant("ours on Spark", partial(_spark, spark, work, mode)),
            }
            timed = bench.measure(case, variants, rounds=1 if bench.quick else 3, warm_up=False)
            _check(work, rows)
            yield Claim(case, timed)


def _make(path: Path, count: int) -> None:
    """Raw rows, of which some are broken and some are later versions of others."""
    import pyarrow as pa
    from pyarrow import parquet

    chance = random.Random(20261128)  # noqa: S311 - the same rows each time
    rows = []
    for line in range(count):
        order = chance.randrange(line) if line and chance.random() < _REPEATED else line
        minute = f"2026-11-{1 + order % 28:02d}T{order % 24:02d}:{order % 60:02d}"
        amount = "1,000" if chance.random() < _BROKEN else f"{order % 1000}.{line % 100:02d}"
        row = {
            "source_key": "raw/a.csv",
            "source_etag": "e",
            "line": line + 1,
            "raw": f"{order},{amount}",
            "error": None,
        }
        row |= {"order_id": f"o{order:07d}", "customer_id": f"c{order % 977}", "country": ("AT", "DE", "FR")[order % 3]}
        row |= {"ordered_at": f"{minute}:00Z", "updated_at": f"{minute}:{line % 60:02d}.5Z", "amount": amount}
        row |= {"status": ("placed", "paid", "shipped")[line % 3], "note": None if line % 4 else f"note {line}"}
        rows.append(row)
    texts = [name for name in rows[0] if name != "line"]
    schema = pa.schema([("line", pa.int64()), *((name, pa.string()) for name in texts)])
    parquet.write_table(pa.Table.from_pylist(rows, schema), path)


def _spark(spark: SparkEnvironment, work: Path, mode: str) -> Sample:
    properties = work / "spark.conf"
    settings = base_settings(spark.jars, [f"-XX:SharedArchiveFile={spark.class_data}", "-Xshare:auto"], work)
    properties.write_text(as_properties(settings), encoding="utf-8")
    environment = process_environment(spark.java, spark.interpreter, spark.packages, properties, work)
    command: list[str | Path] = [spark.interpreter.path, _SPARK, _JOBS, work, mode]
    return Sample(**run_for_json(command, cwd=work, env=environment))


def _duckdb(work: Path, mode: str) -> Sample:
    return Sample(**run_for_json([sys.executable, _DUCKDB, _JOBS, work, mode], cwd=work))


def _check(work: Path, count: int) -> None:
    """Raise RuntimeError unless both wrote the same rows."""
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    for name in ("orders", "quarantine"):
        ours, theirs = f"'{work}/{name}/*.parquet'", f"'{work}/{name}.parquet'"
        names = connection.read_parquet(theirs.strip("'")).columns
        chosen = ", ".join(f"epoch_us({each})" if each.endswith("_at") else each for each in names)
        query = f"SELECT count(*) FROM (SELECT {chosen} FROM {ours} EXCEPT ALL SELECT {chosen} FROM {theirs})"  # noqa: S608
        sizes = [connection.read_parquet(each.strip("'")).shape[0] for each in (ours, theirs)]
        (different,) = connection.execute(query).fetchall()[0]
        if different or sizes[0] != sizes[1] or not 0 < sizes[0] < count:
            raise RuntimeError(f"Spark and DuckDB differ in {different} rows of {name}; they wrote {sizes}")
