"""The replica of the table in PostgreSQL: a batch of changes as rows, and the one statement that writes them.

A batch is reduced to the newest change of each key, because one statement cannot update a row twice. The rows are one
JSON parameter, so names and values are never part of the SQL. A row is overwritten only by a later change: one of a
newer stream, or of the same stream with a higher sequence number, or by the same change if the row says `rejected`.
So changes may arrive twice, late and in any order, and an attempt may die between two statements: every row ends at the
newest change of its key.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
from migrations import MISSING, migrate
from rejected_records import Rejection
from sql_database import Database, DatabaseRefused

from blueprints_shared.streams.dynamodb_changes import Change, parse
from blueprints_shared.streams.dynamodb_rows import Row, Unrepresentable, key_text, row_converter

__all__ = ["CHUNK_LIMIT", "Chunk", "Entry", "Replica", "chunked", "plain_json", "reduced", "row_id"]

CHUNK_LIMIT = 3_000_000
"""Bytes of the rows in one request; the Data API accepts 4 MB for the whole of it."""

_STATES = {"created": "present", "modified": "present", "deleted": "deleted", "expired": "expired"}
# In JSON, a backslash of the text itself is doubled: an escape has an even number of backslashes before it.
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_encode = msgspec.json.Encoder(decimal_format="number").encode
# Kept from batch to batch: a converter is fast for the shapes that it has met.
_key_values, _item_values = row_converter(), row_converter()

_WRITE = """
    INSERT INTO {schema}.items AS stored (id, key, item, state, stream, sequence_number, changed_at)
    SELECT id, key, item, state, stream, sequence_number, coalesce(to_timestamp(changed_at), now())
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS change (
        id text, key jsonb, item jsonb, state text, stream text, sequence_number numeric, changed_at float8
    )
    ORDER BY id
    ON CONFLICT (id) DO UPDATE SET
        key = excluded.key, item = excluded.item, state = excluded.state, stream = excluded.stream,
        sequence_number = excluded.sequence_number, changed_at = excluded.changed_at, written_at = now()
    WHERE (stored.stream, stored.sequence_number, stored.state <> 'rejected')
        < (excluded.stream, excluded.sequence_number, excluded.state <> 'rejected')
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """The newest change of a key in a batch, its stream record, and its row as JSON."""

    record: Mapping[str, Any]
    change: Change
    row: bytes

    @property
    def size(self) -> int:
        """Bytes in the request, where the row is a JSON string; botocore escapes all that is not ASCII."""
        return len(json.dumps(self.row.decode()))


@dataclass(slots=True)
class Reduced:
    """The newest changes of a batch, in the order they came, and the records that cannot be written."""

    entries: list[Entry] = field(default_factory=list)
    rejected: list[tuple[Mapping[str, Any], Rejection]] = field(default_factory=list)


class Chunk(dict[str, Any]):
    """The entries of one statement; to `handle_in_order` it is one record, with the first entry's sequence number."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        super().__init__(dynamodb=entries[0].record["dynamodb"])
        self.entries = list(entries)


def reduced(records: Sequence[Mapping[str, Any]]) -> Reduced:
    """Keep the newest change of each key. If it cannot be written, its row says `rejected`."""
    found = Reduced()
    newest: dict[str, tuple[Mapping[str, Any], Change]] = {}
    for record in records:
        try:
            change = parse(record)
            key = key_text(change.keys)
        except ValueError as error:  # MalformedRecord, Unrepresentable
            found.rejected.append((record, Rejection("malformed-record", str(error))))
            continue
        known = newest.get(key)
        if known is None or known[1].position < change.position:
            newest.pop(key, None)  # so that the order is that of the newest changes
            newest[key] = record, change
    for key, (record, change) in newest.items():
        _add(found, record, change, key)
    return found


def chunked(entries: Sequence[Entry], limit: int = CHUNK_LIMIT) -> Iterator[Chunk]:
    """Split entries into chunks of at most `limit` bytes, with at least one entry each."""
    chunk: list[Entry] = []
    total = 0
    for entry in entries:
        size = entry.size + 1
        if chunk and total + size > limit:
            yield Chunk(chunk)
            chunk, total = [], 0
        chunk.append(entry)
        total += size
    if chunk:
        yield Chunk(chunk)


class Replica:
    """The replica in one schema of a database; `schema` must be an identifier."""

    def __init__(self, database: Database, schema: str) -> None:
        self._database = database
        self._schema = schema
        self._migrated = False

    def prepare(self, deadline: float) -> None:
        """Set the deadline (of time.monotonic) for the database; on first use, create or migrate the schema."""
        self._database.deadline = deadline
        if not self._migrated:
            migrate(self._database, self._schema)
            self._migrated = True

    def write(self, entries: Sequence[Entry], reject: Callable[[Entry, Rejection], None]) -> int:
        """Write entries in one statement and return how many rows changed; call `reject` for what PostgreSQL refuses.

        If the statement is refused because of a value, the entries are halved until the one at fault is alone.
        """
        try:
            return self._write(self._database, entries)
        except DatabaseRefused as refusal:
            if refusal.sqlstate in MISSING:  # the database was replaced since the last invocation
                migrate(self._database, self._schema)
                return self._write(self._database, entries)
            if not refusal.concerns_data:
                raise
            if len(entries) > 1:
                half = len(entries) // 2
                return self.write(entries[:half], reject) + self.write(entries[half:], reject)
            return self._write_without_item(entries[0], refusal, reject)

    def rehearse(self, entries: Sequence[Entry]) -> list[list[Any]]:
        """Write entries and read them back in a transaction that is rolled back: id and state of each row."""
        with self._database.transaction(keep=False) as transaction:
            self._write(transaction, entries)
            ids = json.dumps([row_id(key_text(entry.change.keys)) for entry in entries])
            return transaction.rows(
                f"SELECT id, state FROM {self._schema}.items "  # noqa: S608
                "WHERE id IN (SELECT jsonb_array_elements_text(CAST(:ids AS jsonb)))",
                ids=ids,
            )

    def _write(self, database: Database, entries: Sequence[Entry]) -> int:
        rows = b"[" + b",".join(entry.row for entry in entries) + b"]"
        answer = database.run(_WRITE.format(schema=self._schema), rows=rows.decode())
        return int(answer["numberOfRecordsUpdated"])

    def _write_without_item(
        self, entry: Entry, refusal: DatabaseRefused, reject: Callable[[Entry, Rejection], None]
    ) -> int:
        reject(entry, Rejection("refused-by-postgresql", str(refusal)))
        keys = entry.change.keys
        row = _row(entry.change, key_text(keys), plain_json(_key_values(keys)))
        if row == entry.row:
            return 0
        return self.write([replace(entry, row=row)], lambda *_: None)


def _add(found: Reduced, record: Mapping[str, Any], change: Change, key: str) -> None:
    try:
        keys = plain_json(_key_values(change.keys))
    except Unrepresentable as error:
        found.rejected.append((record, Rejection("unrepresentable-key", str(error))))
        return
    try:
        item = plain_json(_item_values(change.new)) if change.new is not None else b"null"
        row = _row(change, key, keys, item, _STATES[change.kind])
    except Unrepresentable as error:
        found.rejected.append((record, Rejection("unrepresentable-item", str(error))))
        row = _row(change, key, keys)
    found.entries.append(Entry(record, change, row))


def plain_json(row: Row) -> bytes:
    """A row as JSON that PostgreSQL accepts as jsonb. Raises Unrepresentable."""
    try:
        encoded = _encode(row)
    except UnicodeEncodeError:
        raise Unrepresentable("text with half a surrogate pair") from None
    except RecursionError:
        raise Unrepresentable("an item nested too deeply") from None
    if b"\\u0000" in encoded and _NUL.search(encoded):
        raise Unrepresentable("text with U+0000, which PostgreSQL's jsonb can't hold")
    return encoded


def _row(change: Change, key: str, keys: bytes, item: bytes = b"null", state: str = "rejected") -> bytes:
    """A row as JSON. Without an item it says that the item exists but cannot be stored."""
    rest = {
        "id": row_id(key),
        "state": state,
        "stream": change.stream,
        "sequence_number": str(change.sequence_number),
        "changed_at": change.changed_at,
    }
    return b'{"key":' + keys + b',"item":' + item + b"," + _encode(rest)[1:]


def row_id(key: str) -> str:
    """The id of the row for a key, from its `key_text`."""
    return hashlib.sha256(key.encode()).hexdigest()
