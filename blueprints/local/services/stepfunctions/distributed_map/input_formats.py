"""The items in an object's bytes, by `InputType`.

Source: "ItemReader" and "How Step Functions parses input CSV files" in the Step Functions Developer Guide.
"""

import base64
import csv
import gzip
import io
import math
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from blueprints.local.services.stepfunctions.execution.map_items import entries
from blueprints.states_language import json_text
from blueprints.states_language.failures import StateFailed

ITEM_READER_FAILED = "States.ItemReaderFailed"

DELIMITERS = {"COMMA": ",", "PIPE": "|", "SEMICOLON": ";", "SPACE": " ", "TAB": "\t"}
LARGEST_CSV_HEADER = 10 * 1024
_LARGEST_CSV_FIELD = 64 * 1024 * 1024


def reader_failed(cause: str) -> StateFailed:
    """The failure of an ItemReader."""
    return StateFailed(ITEM_READER_FAILED, cause)


@dataclass(frozen=True)
class Format:
    """How to read an object: the evaluated fields of `ReaderConfig`."""

    input_type: str
    """`CSV`, `JSON`, `JSONL` or `PARQUET`."""
    csv_headers: tuple[str, ...] | None = None
    """The column names where `CSVHeaderLocation` is `GIVEN`; None for `FIRST_ROW`."""
    csv_delimiter: str = "COMMA"
    items_pointer: str = ""


def items_in(body: bytes, key: str, form: Format) -> Iterator[Any]:
    """The items in an object, in order. Raises StateFailed with States.ItemReaderFailed.

    Entries of a JSON object are items `{"Key": …, "Value": …}`. The object's key tells whether it is compressed.
    """
    body = _uncompressed(body, key)
    if form.input_type == "CSV":
        return _csv_items(body, form)
    if form.input_type == "JSONL":
        return _json_lines(body)
    if form.input_type == "PARQUET":
        return _parquet_items(body)
    return entries_of(_pointed_at(_json(body), form.items_pointer))


def entries_of(value: Any) -> Iterator[Any]:
    """The items of a JSON array or object. Raises StateFailed for any other value."""
    if isinstance(value, list):
        return iter(value)
    if isinstance(value, dict):
        return iter(entries(value))
    raise reader_failed("Attempting to map over non-iterable node.")


def _uncompressed(body: bytes, key: str) -> bytes:
    if key.endswith((".zst", ".zstd")):
        raise reader_failed(f"{key} is compressed with Zstandard, which is not emulated; use gzip.")
    if not key.endswith(".gz"):
        return body
    try:
        return gzip.decompress(body)
    except (OSError, EOFError, zlib.error) as error:
        raise reader_failed(f"{key} is not a valid gzip file: {error}") from None


def _json(body: bytes) -> Any:
    try:
        return json_text.read(body.decode("utf-8-sig"))
    except ValueError as error:
        raise reader_failed(f"The JSON file could not be parsed: {error}") from None


def _pointed_at(document: Any, pointer: str) -> Any:
    """The node at a JSON Pointer (RFC 6901)."""
    node = document
    for step in pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(node, dict) and name in node:
            node = node[name]
        elif isinstance(node, list) and name.isdecimal() and int(name) < len(node):
            node = node[int(name)]
        else:
            raise reader_failed(
                "The provided ReaderConfig.ItemsPointer does not match any valid path in the JSON structure."
            )
    return node


def _json_lines(body: bytes) -> Iterator[Any]:
    for number, line in enumerate(body.decode("utf-8-sig", errors="replace").split("\n"), start=1):
        if line.strip():
            try:
                yield json_text.read(line)
            except ValueError as error:
                raise reader_failed(f"Line {number} of the JSON Lines file could not be parsed: {error}") from None


def _csv_items(body: bytes, form: Format) -> Iterator[Any]:
    rows = _csv_rows(body, DELIMITERS[form.csv_delimiter])
    headers = form.csv_headers if form.csv_headers is not None else tuple(next(rows, ()))
    _check_headers(headers)
    missing = [""] * len(headers)
    for row in rows:
        # A short row is filled up with empty strings; what a long row has beyond the headers is left out.
        if len(row) < len(missing):
            row.extend(missing[len(row) :])
        yield dict(zip(headers, row, strict=False))


def _check_headers(headers: tuple[str, ...]) -> None:
    if len(set(headers)) < len(headers):
        raise reader_failed("CSV headers cannot contain duplicates.")
    if sum(len(each.encode()) for each in headers) > LARGEST_CSV_HEADER:
        raise reader_failed("CSV headers cannot exceed 10 KiB.")


def _csv_rows(body: bytes, delimiter: str) -> Iterator[list[str]]:
    """The rows, without empty lines. Bytes that are no UTF-8 become U+FFFD.

    A byte order mark is no part of the first header.
    """
    csv.field_size_limit(_LARGEST_CSV_FIELD)
    text = io.TextIOWrapper(io.BytesIO(body), encoding="utf-8-sig", errors="replace", newline="")
    # A backslash before any character keeps that character and goes away itself.
    rows = csv.reader(text, delimiter=delimiter, escapechar="\\")
    try:
        yield from (row for row in rows if row)
    except csv.Error as error:
        raise reader_failed(f"Row {rows.line_num} of the CSV file could not be parsed: {error}") from None


def _parquet_items(body: bytes) -> Iterator[Any]:
    try:
        import pyarrow as pa
        import pyarrow.parquet as parquet
    except ImportError:
        raise reader_failed(
            "Reading Parquet needs the package pyarrow: pip install 'serverless-blueprints[parquet]'"
        ) from None
    try:
        file = parquet.ParquetFile(pa.BufferReader(body))
        for batch in file.iter_batches():
            yield from ({name: _as_json(each) for name, each in row.items()} for row in batch.to_pylist())
    except pa.ArrowException as error:
        raise reader_failed(f"The Parquet file could not be read: {error}") from None


def _as_json(value: Any) -> Any:
    """A value of a Parquet column as JSON: times in ISO 8601, decimals as numbers, bytes in Base64."""
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, Mapping):
        return {str(name): _as_json(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_as_json(each) for each in value]
    if isinstance(value, float) and math.isnan(value):
        return None
    return value
