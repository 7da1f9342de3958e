"""The table's replica: a batch's changes as rows, and the one statement that writes them.

A batch is reduced to the newest change of each key, for PostgreSQL refuses to touch a row twice in one statement. The
rows travel as one JSON parameter, so names and values are data wherever they come from. A row gives way only to a later
change: one of a later stream, of the same stream with a higher sequence number, or, where it says that the change was
rejected, the same change once it can be written. So changes may come twice, late and in any order, and an attempt may
die between two statements: the replica converges to the newest change of each key.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
from migrations import MISSING, migrate
from set_aside import Rejection
from sql_database import Database, DatabaseRefused
from stream_changes import Change, parse

from blueprints_shared.streams.dynamodb_rows import Image, Row, Unrepresentable, key_text, row_converter

__all__ = ["CHUNK_LIMIT", "Chunk", "Entry", "Replica", "chunked", "plain_json", "reduced", "row_id"]

CHUNK_LIMIT = 3_000_000
"""Bytes of a statement's rows as they are sent; the Data API takes 4 MB with everything around them."""

_STATES = {"created": "present", "modified": "present", "deleted": "deleted", "expired": "expired"}
# A backslash of the text itself stands doubled; an escape is one that an even number of them precedes.
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_encode = msgspec.json.Encoder(decimal_format="number").encode

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
    """The newest change of a key in a batch, with the record it came from and its row as JSON."""

    record: Mapping[str, Any]
    change: Change
    row: bytes

    @property
    def size(self) -> int:
        """Bytes on the wire: the row is text within a JSON request, where botocore escapes all but ASCII."""
        return len(json.dumps(self.row.decode()))


@dataclass(slots=True)
class Reduced:
    """A batch's newest changes, in the order they came, and the records that can't be written, with the reasons."""

    entries: list[Entry] = field(default_factory=list)
    rejected: list[tuple[Mapping[str, Any], Rejection]] = field(default_factory=list)


class Chunk(dict[str, Any]):
    """The entries of one statement; to the ordered checkpoint it is a record, named like the first of them."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        super().__init__(dynamodb=entries[0].record["dynamodb"])
        self.entries = list(entries)


def reduced(records: Sequence[Mapping[str, Any]]) -> Reduced:
    """The newest change of each key; of a key whose newest can't be written, a row that says so."""
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
        if known is None or _order(known[1]) < _order(change):
            newest.pop(key, None)  # a key's place is that of its newest change
            newest[key] = record, change
    converter = row_converter()
    for key, (record, change) in newest.items():
        _add(found, record, change, key, converter)
    return found


def chunked(entries: Sequence[Entry], limit: int = CHUNK_LIMIT) -> Iterator[Chunk]:
    """The entries in chunks of at most `limit` bytes each, and at least one entry."""
    some: list[Entry] = []
    total = 0
    for entry in entries:
        size = entry.size + 1
        if some and total + size > limit:
            yield Chunk(some)
            some, total = [], 0
        some.append(entry)
        total += size
    if some:
        yield Chunk(some)


class Replica:
    """The replica in one schema of a database; `schema` must be an identifier."""

    def __init__(self, database: Database, schema: str) -> None:
        self._database = database
        self._schema = schema
        self._migrated = False

    def prepare(self, deadline: float) -> None:
        """Wait for the database until `deadline` (of time.monotonic) at most; make or renew the schema on first use."""
        self._database.deadline = deadline
        if not self._migrated:
            migrate(self._database, self._schema)
            self._migrated = True

    def write(self, entries: Sequence[Entry], reject: Callable[[Entry, Rejection], None]) -> int:
        """Write entries in one statement; returns how many rows changed. Entries PostgreSQL refuses go to `reject`."""
        try:
            return self._write(self._database, entries)
        except DatabaseRefused as refusal:
            if refusal.sqlstate in MISSING:  # the database was made anew behind our back
                migrate(self._database, self._schema)
                return self._write(self._database, entries)
            if not refusal.concerns_data:
                raise
            if len(entries) > 1:
                half = len(entries) // 2
                return self.write(entries[:half], reject) + self.write(entries[half:], reject)
            return self._write_without_item(entries[0], refusal, reject)

    def rehearse(self, entries: Sequence[Entry]) -> list[list[Any]]:
        """Write entries and read them back, in a transaction that is rolled back: id and state of each row."""
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
        marked = _rejected_row(entry.change, key_text(entry.change.keys), row_converter()(entry.change.keys))
        if marked == entry.row:
            return 0
        return self.write([replace(entry, row=marked)], lambda *_: None)


def _add(found: Reduced, record: Mapping[str, Any], change: Change, key: str, convert: Callable[[Image], Row]) -> None:
    try:
        keys = row_converter()(change.keys)
        plain_keys = plain_json(keys)
    except Unrepresentable as error:
        found.rejected.append((record, Rejection("unrepresentable-key", str(error))))
        return
    try:
        item = plain_json(convert(change.new)) if change.new is not None else b"null"
        row = _row(change, key, plain_keys, item, _STATES[change.kind])
    except Unrepresentable as error:
        found.rejected.append((record, Rejection("unrepresentable-item", str(error))))
        row = _rejected_row(change, key, keys)
    found.entries.append(Entry(record, change, row))


def plain_json(row: Row) -> bytes:
    """A row as JSON that jsonb takes. Raises Unrepresentable."""
    try:
        encoded = _encode(row)
    except UnicodeEncodeError:
        raise Unrepresentable("text with half a surrogate pair") from None
    except RecursionError:
        raise Unrepresentable("an item nested too deeply") from None
    if b"\\u0000" in encoded and _NUL.search(encoded):
        raise Unrepresentable("text with U+0000, which PostgreSQL's jsonb can't hold")
    return encoded


def _row(change: Change, key: str, keys: bytes, item: bytes, state: str) -> bytes:
    rest = {
        "id": row_id(key),
        "state": state,
        "stream": change.stream,
        "sequence_number": str(change.sequence_number),
        "changed_at": change.changed_at,
    }
    return b'{"key":' + keys + b',"item":' + item + b"," + _encode(rest)[1:]


def _rejected_row(change: Change, key: str, keys: Row) -> bytes:
    """Says of an item that it is there and can't be shown: the end is then the same however batches are cut."""
    return _row(change, key, _encode(keys), b"null", "rejected")


def row_id(key: str) -> str:
    """The id of the row for a key, from its `key_text`."""
    return hashlib.sha256(key.encode()).hexdigest()


def _order(change: Change) -> tuple[str, int]:
    return change.stream, change.sequence_number
