"""Turns one CSV object into Parquet, and sets aside each row that is invalid, with its line, reason and text.

All cells are read as text and then converted column by column, because Arrow's typed reader stops at the first bad
cell. Memory holds one block of rows at a time, whatever the object's size.
"""

import codecs
import csv
import io
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq
from csv_rows import MAX_ROW_BYTES, RowBlock, Unreadable, row_blocks
from orders import CHECKS, SCHEMA, derive

_UTF_16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
_FEWER = 8  # times as few cells in each step of the search for bad ones


_NO_CELLS = pa.RecordBatch.from_pylist([], pa.schema([(name, pa.string()) for name in SCHEMA.names]))


@dataclass(frozen=True)
class Curated:
    """What became of one object's rows; `rows_in` is the sum of the two others."""

    rows_in: int
    rows_out: int
    rows_rejected: int


def curate(read: Callable[[int], bytes], parquet: Path, rejected: Path, collect: Callable[[pa.Table], None]) -> Curated:
    """Write the valid rows to `parquet` and the others to `rejected`, a line of JSON each. Raises Unreadable.

    `read(count)` returns up to `count` bytes of the object. UTF-8 and, with a byte order mark, UTF-16 are understood.
    `collect` is called with each block of valid rows. No file `parquet` is written if there are none.
    """
    read = _as_utf8(read)
    names, rest, first_line = _header(read)
    rows_out = rows_rejected = 0
    writer = None
    with rejected.open("w", encoding="utf-8") as lines:

        def reject(line: int, reason: str, raw: bytes) -> None:
            nonlocal rows_rejected
            rows_rejected += 1
            lines.write(json.dumps({"line": line, "reason": reason, "raw": _utf8(raw, line)}) + "\n")

        for block in row_blocks(_continued(rest, read), first_line, reject):
            table = _valid_rows(block, names, reject)
            if table.num_rows:
                writer = writer or pq.ParquetWriter(parquet, table.schema, compression="zstd", compression_level=1)
                writer.write_table(table)
                collect(table)
                rows_out += table.num_rows
    if writer:
        writer.close()
    return Curated(rows_out + rows_rejected, rows_out, rows_rejected)


def _as_utf8(read: Callable[[int], bytes]) -> Callable[[int], bytes]:
    """The object without its byte order mark, and in UTF-8 if it was in UTF-16."""
    start = read(3)
    while len(start) < 3 and (more := read(3 - len(start))):
        start += more
    encoding = _UTF_16.get(start[:2])
    if not encoding:
        return _continued(start.removeprefix(codecs.BOM_UTF8), read)
    decoder, raw = codecs.getincrementaldecoder(encoding)(), _continued(start[2:], read)

    def decoded(count: int) -> bytes:
        try:
            while chunk := raw(count // 3 + 1):  # a character of 2 bytes has up to 3 in UTF-8
                if text := decoder.decode(chunk):
                    return text.encode()
            return decoder.decode(b"", final=True).encode()
        except UnicodeDecodeError as error:
            raise Unreadable(f"the object is not {encoding.upper()} ({error.reason}); save it as UTF-8") from None

    return decoded


def _continued(start: bytes, read: Callable[[int], bytes]) -> Callable[[int], bytes]:
    """Read `start`, and then what `read` gives."""
    buffer = io.BytesIO(start)
    return lambda count: buffer.read(count) or read(count)


def _header(read: Callable[[int], bytes]) -> tuple[list[str], bytes, int]:
    """The names in the first row, the bytes that were read after it, and the number of the line after it."""
    data = b""
    while (end := data.find(b"\n")) < 0 and len(data) <= MAX_ROW_BYTES and (chunk := read(64 * 1024)):
        data += chunk
    line = data[:end] if end >= 0 else data
    if not line.strip():
        raise Unreadable("the object has no header")
    if len(line) > MAX_ROW_BYTES:
        raise Unreadable(f"line 1 is longer than {MAX_ROW_BYTES} bytes")
    try:
        names = next(csv.reader([_utf8(line, 1).rstrip("\r")]))
    except csv.Error:  # a carriage return within a line, or a name of more than 128 KiB
        raise Unreadable(f"line 1 is no header: {line[:100]!r}; end lines with a line feed") from None
    missing = [name for name in SCHEMA.names if name not in names]
    if missing or len(set(names)) < len(names):
        fault = f"has no column {', '.join(missing)}" if missing else "names a column twice"
        raise Unreadable(f"the header {fault}; it is {', '.join(names)[:500]}")
    return names, data[len(line) + 1 :], 2


def _valid_rows(block: RowBlock, names: list[str], reject: Callable[[int, str, bytes], None]) -> pa.Table:
    cells, faults = _cells(block, names)
    rows = np.setdiff1d(np.arange(len(block.starts)), list(faults)) if faults else np.arange(len(block.starts))
    columns = []
    for field in SCHEMA:
        text = cells[field.name]
        column, bad = _converted(text, field)
        columns.append(column)
        for index in bad:
            reason = f"{field.name} is not {field.type}: {text[index].as_py()[:100]!r}"
            faults.setdefault(int(rows[index]), reason)
    table = pa.table(columns, schema=pa.schema([field.with_nullable(True) for field in SCHEMA]))
    for reason, is_valid in CHECKS.items():
        for index in np.flatnonzero(~pc.fill_null(is_valid(table), True).to_numpy()):  # null: it could not be converted
            faults.setdefault(int(rows[index]), reason)
    for row, line in zip(sorted(faults), block.lines(sorted(faults)), strict=True):
        reject(line, faults[row], block.raw(row))
    if faults:
        table = table.filter(pa.array(~np.isin(rows, list(faults))))
    return derive(table.cast(SCHEMA))


def _cells(block: RowBlock, names: list[str]) -> tuple[pa.RecordBatch, dict[int, str]]:
    """The cells as text, without rows that have too few or too many; those rows' numbers with the reason."""
    faults: dict[int, str] = {}

    def skip(row: pa.csv.InvalidRow) -> str:
        faults[row.number - 1] = f"the row has {row.actual_columns} cells instead of {row.expected_columns}"
        return "skip"

    _check_utf8(block)
    cells = pa.csv.read_csv(
        pa.BufferReader(block.data),
        pa.csv.ReadOptions(use_threads=False, column_names=names, block_size=len(block.data) + 1),
        pa.csv.ParseOptions(newlines_in_values=block.is_quoted, invalid_row_handler=skip),
        pa.csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), include_columns=SCHEMA.names),
    )
    if cells.num_rows + len(faults) != len(block.starts):
        raise Unreadable(f"rows from line {block.first_line} on cannot be told apart")
    return cells.combine_chunks().to_batches()[0] if cells.num_rows else _NO_CELLS, faults


def _converted(text: pa.Array, field: pa.Field) -> tuple[pa.Array, list[int]]:
    """The cells in the field's type, null where that is impossible, and the indexes of these."""
    if field.nullable:
        text = pc.if_else(pc.equal(text, ""), None, text)
    try:
        return pc.cast(text, field.type), []
    except pa.ArrowInvalid:
        values = pc.unique(text)  # most bad cells have the same few texts
        is_bad = pc.is_in(text, values.take(list(_bad_cells(values, field.type, 0))))
        return pc.cast(pc.if_else(is_bad, None, text), field.type), list(np.flatnonzero(is_bad))


def _bad_cells(text: pa.Array, kind: pa.DataType, offset: int) -> Iterable[int]:
    """The indexes of cells that cannot be converted; slices without any are converted at once."""
    try:
        pc.cast(text, kind)
    except pa.ArrowInvalid:
        size = max(1, len(text) // _FEWER)
        if len(text) == 1:
            yield offset
            return
        for start in range(0, len(text), size):
            yield from _bad_cells(text.slice(start, size), kind, offset + start)


def _check_utf8(block: RowBlock) -> None:
    if block.data.isascii():
        return
    try:
        block.data.decode()
    except UnicodeDecodeError as error:
        line, byte = block.line_at(error.start), block.data[error.start]
        raise Unreadable(f"line {line} is not UTF-8 (byte 0x{byte:02x}); save the object as UTF-8") from None


def _utf8(raw: bytes, line: int) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        byte = raw[error.start]
        raise Unreadable(f"line {line} is not UTF-8 (byte 0x{byte:02x}); save the object as UTF-8") from None
