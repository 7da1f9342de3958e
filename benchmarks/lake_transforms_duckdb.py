# ruff: noqa: S608 - the SQL has names of this repository alone
"""The transforms of the lake as SQL of DuckDB, with the same rules: from raw rows to orders and quarantine, in Parquet.

Arguments: the folder of the job's modules, the folder with `raw.parquet`, and `whole` or `warm`. Prints CPU seconds and
peak memory as JSON: of the whole process, or of a second execution.
"""

import json
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import sqlglot


def main(jobs: Path, folder: Path, mode: str) -> None:
    """Transform the rows, and print what it took."""
    sys.path.insert(0, str(jobs))
    import order_rules as rules  # type: ignore[import-not-found]

    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET threads = 2")

    def transform() -> None:
        connection.execute(f"CREATE OR REPLACE TEMP TABLE rows AS {judged(rules, folder / 'raw.parquet')}")
        for name, query in (("quarantine", quarantine(rules)), ("orders", latest(rules))):
            connection.execute(f"COPY ({query}) TO '{folder / name}.parquet' (FORMAT parquet)")

    before = 0.0
    transform()
    if mode == "warm":
        before = time.process_time()
        transform()
    print(
        json.dumps(
            {"cpu": time.process_time() - before, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}
        )
    )


def judged(rules: Any, raw: Path) -> str:
    """Typed rows with the reason why a row is broken: `typed` and `judged` of the job."""
    texts = ", ".join(f"nullif(trim({name}), '') AS {name}" for name in rules.SCHEMA)
    values = ", ".join(f"{_value(rules, name, kind)} AS {name}" for name, kind in rules.SCHEMA.items())
    faults = ", ".join(fault for name, kind in rules.SCHEMA.items() for fault in _faults(rules, name, kind))
    conditions = {reason: sqlglot.transpile(rule.sql, "spark", "duckdb")[0] for reason, rule in rules.RULES.items()}
    broken = ", ".join(f"CASE WHEN NOT coalesce({sql}, true) THEN '{reason}' END" for reason, sql in conditions.items())
    place = "source_key, source_etag, line, raw"
    text = f"SELECT {place}, error, {texts} FROM '{raw}'"
    typed = f"SELECT {place}, {values}, coalesce(error, {faults}) AS reason FROM ({text})"
    return f"SELECT * REPLACE (coalesce(reason, {broken}) AS reason) FROM ({typed})"


def quarantine(rules: Any) -> str:
    """The broken rows."""
    names = ", ".join(rules.columns(rules.QUARANTINE_SCHEMA))
    return f"SELECT {names} FROM (SELECT *, 'run' AS run_id FROM rows) WHERE reason IS NOT NULL"


def latest(rules: Any) -> str:
    """The latest version of each order: `orders` and `latest` of the job."""
    order = ", ".join(f"{name} DESC NULLS LAST" for name in rules.ORDER)
    date = "CAST(timezone('Europe/Vienna', ordered_at) AS DATE) AS order_date"
    valid = f"SELECT {', '.join(rules.SCHEMA)}, {date}, source_key, 'run' AS run_id FROM rows WHERE reason IS NULL"
    return f"SELECT * FROM ({valid}) QUALIFY row_number() OVER (PARTITION BY order_id ORDER BY {order}) = 1"


def _value(rules: Any, name: str, kind: str) -> str:
    if kind not in rules.FORMS:
        return name
    target = "TIMESTAMPTZ" if kind == "timestamp" else kind
    return f"TRY_CAST(CASE WHEN regexp_full_match({name}, '{rules.FORMS[kind].pattern}') THEN {name} END AS {target})"


def _faults(rules: Any, name: str, kind: str) -> Iterator[str]:
    if name not in rules.OPTIONAL:
        yield f"CASE WHEN {name} IS NULL THEN '{name} is missing' END"
    if kind in rules.FORMS:
        wrong = f"concat('{name} is not {kind}: ', substr({name}, 1, 100))"
        yield f"CASE WHEN {name} IS NOT NULL AND {_value(rules, name, kind)} IS NULL THEN {wrong} END"


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
