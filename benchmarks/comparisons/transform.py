"""stepfunctions-etl's work on one CSV object, without AWS: rows of orders in, Parquet and rejected rows out.

The peer is what public samples do: `csv.DictReader`, each cell converted and checked in Python, rows that fail set
aside, and Arrow's writer at the end. The floor is Arrow's typed CSV reader and its Parquet writer alone; they check
nothing and stop at the first invalid cell, so they run on valid rows only. Before measuring, the comparison verifies
that the three make the same rows, and that the peer rejects the same lines.

The memory is that of a whole process that transforms an object of 200 MB, which is made while it is read.
"""

import csv
import io
import json
import re
import sys
import tempfile
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.claims import Claim, Target
from benchmarks.harness import Bench, Sample, Variant
from benchmarks.processes import ROOT, measure_and_print, own_peak, run_for_json, run_self_measuring

TITLE = "A CSV object as Parquet"

ROWS = 105_000
LARGE = 200 * 2**20
_SRC = ROOT / "patterns" / "stepfunctions-etl" / "src"
_NAMES = [
    "order_id",
    "ordered_at",
    "country",
    "category",
    "quantity",
    "unit_price",
    "weight_kg",
    "delivery_days",
    "note",
]
_WAYS = {
    "peer": "csv module, row by row",
    "ours": "ours",
    "floor": "pyarrow's reader and writer alone",
}


def compare(bench: Bench) -> Iterable[Claim]:
    """Yield the speed on valid rows and on rows of which some are invalid, then the memory for a large object."""
    for name in ("pyarrow", "numpy"):
        bench.uses(name, version(name))
    rows = ROWS // 10 if bench.quick else ROWS
    for invalid, named in ((0, "all valid"), (200, "one in 200 invalid")):
        run_for_json(_command("same", rows, invalid))
        roles = [role for role in _WAYS if not invalid or role != "floor"]
        variants = {role: Variant(_WAYS[role], _run("tell", rows, invalid, role)) for role in roles}
        timed = bench.measure(f"{rows:,} rows, {named}", variants)
        yield Claim(f"{rows:,} rows, {named}", timed, target=Target("faster", 5))
        if not invalid:
            yield Claim(f"{rows:,} rows, {named}", timed, against="floor", target=Target("within", 2))
    if not bench.quick:
        large = {"ours": Variant("ours", lambda: Sample(peak=run_for_json(_command("peak"))))}
        timed = bench.measure("an object of 200 MB", large, rounds=1, warm_up=False)
        yield Claim("Peak memory for 200 MB", timed, against="ours", measure="peak", target=Target("at_most", 400))


def _run(*arguments: str | int) -> Callable[[], Sample]:
    return lambda: run_self_measuring(_command(*arguments))


def _command(*arguments: str | int) -> list[str]:
    return [sys.executable, "-m", "benchmarks.comparisons.transform", *map(str, arguments)]


# ── In a new process ────────────────────────────────────────────────────────────────────────────────────────────────

Work = Callable[[bytes, Path], list[int]]
"""Turns an object into a Parquet file; returns the numbers of the lines that were rejected."""


def _main(command: str, rows: str = "0", invalid: str = "0", role: str = "") -> None:
    sys.path.insert(0, str(_SRC))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "rows.parquet")
        if command == "peak":
            print(json.dumps(_peak(path)))
        elif command == "same":
            print(json.dumps(_same(_object(int(rows), int(invalid)), path, is_valid=invalid == "0")))
        else:
            work, content = _work(role), _object(int(rows), int(invalid))
            work(content, path)
            measure_and_print(lambda: work(content, path))


def _object(rows: int, invalid: int) -> bytes:
    """Orders as CSV; every `invalid`-th has a bad cell, none if it is 0."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_NAMES)
    writer.writerows(_row(number, is_valid=not invalid or bool((number + 1) % invalid)) for number in range(rows))
    return text.getvalue().encode()


def _row(number: int, *, is_valid: bool) -> list[Any]:
    when = f"2026-11-{1 + number % 28:02}T{number % 24:02}:{number % 60:02}:00Z"
    mixed = number * 7919 % 10_007
    place, kind = ("AT", "DE", "FR", "JP", "PL", "US")[mixed % 6], ("books", "garden", "toys")[mixed % 3]
    note = ("", "", 'a "gift", please', "ring twice")[mixed % 4]
    quantity = 1 + mixed % 5 if is_valid else ("two", "", "0")[number % 3]
    return [number, when, place, kind, quantity, f"{mixed / 100:.2f}", mixed / 1000, f"{mixed % 90 / 10}", note]


def _work(role: str) -> Work:
    return {"peer": _peer, "ours": _ours, "floor": _floor}[role]()


def _ours() -> Work:
    from curate_object import curate  # type: ignore[import-not-found]

    def work(content: bytes, path: Path) -> list[int]:
        rejected = path.with_suffix(".ndjson")
        curate(io.BytesIO(content).read, path, rejected, lambda _: None)
        return [json.loads(line)["line"] for line in rejected.read_text().splitlines()]

    return work


def _peer() -> Work:
    import pyarrow as pa
    import pyarrow.parquet as pq
    from orders import SCHEMA  # type: ignore[import-not-found]

    def work(content: bytes, path: Path) -> list[int]:
        columns: dict[str, list[Any]] = {name: [] for name in SCHEMA.names}
        rejected = []
        reader = csv.DictReader(io.StringIO(content.decode(), newline=""))
        for row in reader:
            try:
                values = _converted(row)
            except (ValueError, ArithmeticError):
                rejected.append(reader.line_num)
                continue
            for name, value in zip(columns, values, strict=True):
                columns[name].append(value)
        pq.write_table(pa.table(columns, schema=SCHEMA), path, compression="zstd", compression_level=1)
        return rejected

    return work


def _converted(row: dict[str, str]) -> tuple[Any, ...]:
    """One row, converted and checked by hand-written code."""
    when = datetime.fromisoformat(row["ordered_at"]).astimezone(UTC)
    quantity, price = int(row["quantity"]), Decimal(row["unit_price"])
    weight, days = float(row["weight_kg"]), float(row["delivery_days"])
    valid = re.match("^[A-Z]{2}$", row["country"]) and row["category"] and 1 <= quantity <= 1000 and price >= 0
    if not (valid and 0 <= weight <= 1000 and 0 <= days <= 365):
        raise ValueError("not an order")
    return (
        int(row["order_id"]),
        when,
        row["country"],
        row["category"],
        quantity,
        price,
        weight,
        days,
        row["note"] or None,
    )


def _floor() -> Work:
    import pyarrow.csv as pa_csv
    import pyarrow.parquet as pq
    from orders import SCHEMA

    types = pa_csv.ConvertOptions(
        column_types={field.name: field.type for field in SCHEMA}, strings_can_be_null=True, null_values=[""]
    )
    quoted = pa_csv.ParseOptions(newlines_in_values=True)

    def work(content: bytes, path: Path) -> list[int]:
        table = pa_csv.read_csv(io.BytesIO(content), parse_options=quoted, convert_options=types)
        pq.write_table(table, path, compression="zstd", compression_level=1)
        return []

    return work


def _same(content: bytes, path: Path, *, is_valid: bool) -> int:
    """Return the number of rows. Raises RuntimeError unless all variants make the same ones."""
    import pyarrow.parquet as pq

    made = {}
    for role in _WAYS if is_valid else ("peer", "ours"):
        rejected = _work(role)(content, path)
        made[role] = rejected, pq.read_table(path, columns=_NAMES).to_pydict()
    if any(each != made["ours"] for each in made.values()):
        raise RuntimeError("the rows differ")
    return len(made["ours"][1]["order_id"])


def _peak(path: Path) -> float:
    """The peak memory in MB of transforming an object of 200 MB."""
    from curate_object import curate

    block = _object(10_000, 0)
    header, _, rows = block.partition(b"\n")
    left = [LARGE // len(rows)]
    waiting = io.BytesIO(header + b"\n")

    def read(count: int) -> bytes:
        if not (content := waiting.read(count)) and left[0]:
            left[0] -= 1
            waiting.seek(0)
            waiting.truncate()
            waiting.write(rows)
            waiting.seek(0)
            content = waiting.read(count)
        return content

    counts = curate(read, path, path.with_suffix(".ndjson"), lambda _: None)
    if counts.rows_out != 10_000 * (LARGE // len(rows)):
        raise RuntimeError(f"{counts.rows_out} rows came out")
    return own_peak()


if __name__ == "__main__":
    _main(*sys.argv[1:])
