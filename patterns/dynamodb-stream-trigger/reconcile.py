"""Compare the table with its replica, item by item; with --repair, correct the replica.

Items that differ are compared again after 15 seconds, because a change may be under way. A repair never overwrites a
change: it reads the position of the row, then the item, and writes only if the row still has that position. A row that
a repair inserts has a position before every change, so any later change updates it.

Needs what tests/requirements.txt names.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

sys.path.insert(0, str(Path(__file__).parent / "src"))

from replica import plain_json, row_id
from sql_database import Database, DatabaseRefused

from blueprints_shared.stack_command import CommandFailed, Stack, arguments, run
from blueprints_shared.streams.dynamodb_rows import Image, Unrepresentable, key_text, row_converter

PAGE = 100  # items in one comparison
PAGE_BYTES = 1_500_000
GRACE = 15.0  # seconds that a change may be under way
READS = 25

Difference = Literal["missing", "different", "not in the table"]


@dataclass(frozen=True, slots=True)
class Found:
    """An item that differs, with its key as DynamoDB has it."""

    key: Image
    difference: Difference


@dataclass(frozen=True, slots=True)
class Reconciler:
    """Compares a table with the replica in a schema."""

    dynamodb: Any
    table: str
    database: Database
    schema: str

    def differences(self) -> list[Found]:
        """All differences, of items and of rows without an item."""
        names = self._key_names()
        found, ids = [], set()
        for items in self._pages():
            rows = {row_id(key_text(key)): (key, item) for item in items for key in [_key(item, names)]}
            ids |= {bytes.fromhex(each) for each in rows}
            found += self._compared(rows)
        return found + [
            Found(key, "not in the table") for each, key in self._present() if bytes.fromhex(each) not in ids
        ]

    def still(self, found: list[Found]) -> list[Found]:
        """The differences that still exist."""
        return [each for each in found if self._look(each.key)[0]]

    def repair(self, found: list[Found]) -> int:
        """Correct rows; return how many. A row that changed meanwhile is not written."""
        return sum(self._correct(each.key) for each in found)

    def _compared(self, rows: dict[str, tuple[Image, Image]]) -> list[Found]:
        """The items whose row is missing or different. PostgreSQL compares, so 1.0 equals 1."""
        texts = {each: _shown(item) for each, (_, item) in rows.items()}
        sent = "[" + ",".join(f'{{"id":"{each}","item":{text or "null"}}}' for each, text in texts.items()) + "]"
        if len(json.dumps(sent)) > PAGE_BYTES and len(rows) > 1:
            some = list(rows.items())
            return [*self._compared(dict(some[: len(some) // 2])), *self._compared(dict(some[len(some) // 2 :]))]
        answer = self.database.rows(
            f"SELECT shown.id, stored.id IS NULL FROM jsonb_to_recordset(CAST(:items AS jsonb)) "  # noqa: S608
            f"AS shown (id text, item jsonb) LEFT JOIN {self.schema}.items AS stored ON stored.id = shown.id "
            "WHERE stored.id IS NULL OR stored.item IS DISTINCT FROM shown.item "
            "OR stored.state <> CASE WHEN shown.item IS NULL THEN 'rejected' ELSE 'present' END",
            items=sent,
        )
        return [Found(rows[each][0], "missing" if missing else "different") for each, missing in answer]

    def _look(self, key: Image) -> tuple[bool, tuple[str, str] | None, Image | None]:
        """Whether the row of a key differs from the item; the position of the row, which is read first; the item."""
        each = row_id(key_text(key))
        rows = self.database.rows(
            f"SELECT stream, sequence_number::text, state FROM {self.schema}.items WHERE id = :id",  # noqa: S608
            id=each,
        )
        stands = (rows[0][0], rows[0][1]) if rows else None
        item = self.dynamodb.get_item(TableName=self.table, Key=key, ConsistentRead=True).get("Item")
        if item is None:
            return bool(rows) and rows[0][2] in ("present", "rejected"), stands, None
        return bool(self._compared({each: (key, item)})), stands, item

    def _correct(self, key: Image) -> int:
        differs, stands, item = self._look(key)
        if not differs:
            return 0
        text = _shown(item) if item is not None else None
        state = "deleted" if item is None else "rejected" if text is None else "present"
        values: dict[str, str | int] = {
            "id": row_id(key_text(key)),
            "key": plain_json(row_converter()(key)).decode(),
            "item": text or "null",
            "state": state,
        }
        if stands is None:
            sql = (
                f"INSERT INTO {self.schema}.items (id, key, item, state, stream, sequence_number, changed_at) VALUES "  # noqa: S608
                "(:id, CAST(:key AS jsonb), NULLIF(CAST(:item AS jsonb), 'null'), :state, '', 0, now()) "
                "ON CONFLICT (id) DO NOTHING"
            )
        else:
            sql = (
                f"UPDATE {self.schema}.items SET key = CAST(:key AS jsonb), state = :state, written_at = now(), "  # noqa: S608
                "item = NULLIF(CAST(:item AS jsonb), 'null') WHERE id = :id AND stream = :stream "
                "AND sequence_number = CAST(:number AS numeric)"
            )
            values |= {"stream": stands[0], "number": stands[1]}
        return int(self.database.run(sql, **values)["numberOfRecordsUpdated"])

    def _key_names(self) -> list[str]:
        described = self.dynamodb.describe_table(TableName=self.table)["Table"]
        return [each["AttributeName"] for each in described["KeySchema"]]

    def _pages(self) -> Iterator[list[Image]]:
        pages = self.dynamodb.get_paginator("scan").paginate(TableName=self.table, ConsistentRead=True, Limit=PAGE)
        return (page["Items"] for page in pages)

    def _present(self) -> Iterator[tuple[str, Image]]:
        """Ids and keys of the rows whose item exists, page by page."""
        types = {
            each["AttributeName"]: each["AttributeType"]
            for each in self.dynamodb.describe_table(TableName=self.table)["Table"]["AttributeDefinitions"]
        }
        after = ""
        while True:
            page = self.database.rows(
                f"SELECT id, key::text FROM {self.schema}.items WHERE id > :after "  # noqa: S608
                f"AND state IN ('present', 'rejected') ORDER BY id LIMIT {READS * 8}",
                after=after,
            )
            for each, key in page:
                yield each, _typed_key(key, types)
            if not page:
                return
            after = page[-1][0]


def _key(item: Image, names: list[str]) -> Image:
    return {name: item[name] for name in names}


def _typed_key(text: str, types: dict[str, str]) -> Image:
    """A key of DynamoDB, from the JSON in the replica."""
    import base64

    plain = json.loads(text, parse_float=str, parse_int=str)
    return {
        name: {types[name]: base64.b64decode(value) if types[name] == "B" else value} for name, value in plain.items()
    }


def _shown(item: Image) -> str | None:
    """The item as JSON in the replica, None if it cannot be stored."""
    try:
        return plain_json(row_converter()(item)).decode()
    except Unrepresentable:
        return None


def main() -> int:
    """Run the command; return its exit status."""
    parser = arguments(__doc__, statuses="0 when the replica equals the table, 1 when something differs")
    parser.add_argument("--repair", action="store_true", help="correct what differs; never undoes a change")
    return run(parser, compare, when_interrupted="start again; a repair can be repeated")


def compare(stack: Stack, given: argparse.Namespace) -> int:
    """Compare, and repair if asked; return the exit status."""
    table, outputs = stack.outputs["TableName"], stack.outputs
    if "DatabaseClusterArn" not in outputs:
        raise CommandFailed(f"{stack.name} has no replica: it was deployed without DatabaseClusterArn and SecretArn.")
    database = Database(
        stack.client("rds-data"), outputs["DatabaseClusterArn"], outputs["SecretArn"], outputs["DatabaseName"]
    )
    database.deadline = time.monotonic() + 120
    try:
        return reconcile(
            Reconciler(stack.client("dynamodb"), table, database, outputs["DatabaseSchema"]), repair=given.repair
        )
    except DatabaseRefused as error:
        raise CommandFailed(f"the database refused: {error}") from error


def reconcile(reconciler: Reconciler, *, repair: bool, grace: float = GRACE) -> int:
    """Compare twice, print what differs, repair it if asked; return the exit status."""
    found = reconciler.differences()
    if found:
        time.sleep(grace)
        found = reconciler.still(found)
    for each in found:
        print(f"{each.difference}: {json.dumps(each.key, default=repr)}")
    if not found:
        print("The replica equals the table.")
        return 0
    if not repair:
        print(f"{len(found)} differ. --repair corrects them.")
        return 1
    corrected = reconciler.repair(found)
    left = reconciler.still(found)
    print(f"{corrected} corrected, {len(left)} still differ.")
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
