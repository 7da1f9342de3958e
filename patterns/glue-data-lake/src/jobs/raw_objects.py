"""Reads the raw CSV objects of a run, for both engines: each row as texts, with its place in the object."""

import csv
import gzip
import io
import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from order_rules import OPTIONAL, SCHEMA

MAX_OBJECT_BYTES = 512 * 2**20  # of text

Row = tuple[Any, ...]


class Unreadable(Exception):
    """The object as a whole is broken; the message says why."""


class TooLarge(Exception):
    """The object has more bytes of text than the caller reads."""


def rows_of(source: Mapping[str, str], content: bytes, max_bytes: int = MAX_OBJECT_BYTES) -> Iterator[Row]:
    """The rows of a CSV object in the form of RAW_SCHEMA. An unreadable object is one row with `line` 0.

    Cells are found by the names in the header, in any order; further columns are left out. Raises TooLarge.
    """
    try:
        text = _text(source["key"], content, max_bytes)
        place = (source["key"], source["etag"])
        yield from [(*place, *row) for row in _rows(text)]  # all rows of an object, or none
    except Unreadable as error:
        yield unreadable(source, str(error))


def unreadable(source: Mapping[str, str], reason: str) -> Row:
    """The row that stands for an object of which no row can be read."""
    return (source["key"], source["etag"], 0, None, reason, *[None] * len(SCHEMA))


def _text(key: str, content: bytes, max_bytes: int) -> str:
    try:
        if key.endswith(".gz"):
            content = gzip.GzipFile(fileobj=io.BytesIO(content)).read(max_bytes + 1)
        if len(content) > max_bytes:
            raise TooLarge(f"the object is larger than {max_bytes} bytes")
        return content.decode("utf-8-sig")
    except (EOFError, OSError, zlib.error) as error:
        raise Unreadable(f"the object is no complete gzip file: {error}") from None
    except UnicodeDecodeError as error:
        raise Unreadable(f"the object is not UTF-8, from byte {error.start}") from None


def _rows(text: str) -> Iterator[Row]:
    consumed: list[str] = []
    lines = io.StringIO(text, newline="")

    def remembered() -> Iterator[str]:
        for line in lines:
            consumed.append(line)
            yield line

    reader = csv.reader(remembered(), strict=True)
    header = _header(next(reader, []))
    nothing = [None] * len(SCHEMA)
    while True:
        consumed.clear()
        line, fault, cells = reader.line_num + 1, None, []
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if "unexpected end of data" in str(error) or "field limit" in str(error):
                raise Unreadable(f"a quote in line {line} is not closed") from None
            fault = f"the line is no CSV: {error}"
        if not fault and cells and len(cells) != len(header):
            fault = f"the row has {len(cells)} cells instead of {len(header)}"
        raw = "".join(consumed).rstrip("\r\n")
        if fault:
            yield (line, raw, fault, *nothing)
        elif cells:
            by_name = dict(zip(header, cells, strict=True))
            yield (line, raw, None, *(by_name.get(name) for name in SCHEMA))


def _header(names: list[str]) -> list[str]:
    names = [name.strip() for name in names]
    missing = [name for name in SCHEMA if name not in names and name not in OPTIONAL]
    if missing:
        raise Unreadable(f"the header has no column {', '.join(missing)}; it is {','.join(names)[:500]!r}")
    if len(set(names)) < len(names):
        raise Unreadable(f"the header names a column twice; it is {','.join(names)[:500]!r}")
    return names


def read_object(s3: Any, bucket: str, source: Mapping[str, str], max_bytes: int = MAX_OBJECT_BYTES) -> Iterator[Row]:
    """Download an object as it was when the run was planned, and return its rows. Raises TooLarge."""
    from botocore.exceptions import ClientError

    try:
        answer = s3.get_object(Bucket=bucket, Key=source["key"], IfMatch=source["etag"])
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("PreconditionFailed", "412", "NoSuchKey"):
            raise
        return iter([unreadable(source, "the object was changed or deleted after the run was planned")])
    if answer["ContentLength"] > max_bytes:
        raise TooLarge(f"the object is larger than {max_bytes} bytes")
    return rows_of(source, answer["Body"].read(), max_bytes)


def read_objects(bucket: str, sources: Iterable[Mapping[str, str]], max_bytes: int = MAX_OBJECT_BYTES) -> Iterator[Row]:
    """The rows of several objects, read on an executor. An object that is too large is unreadable."""
    import boto3

    s3 = boto3.client("s3")
    for source in sources:
        try:
            yield from read_object(s3, bucket, source, max_bytes)
        except TooLarge as error:
            yield unreadable(source, str(error))
