"""What a batch becomes: a file of lines that are stored, and one of lines that are set aside.

A stored record's bytes are put into its line as they came. Decoding and encoding them would take several times as long
as all the rest, and might change a number.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from gzipped_lines import GzippedLines
from pybase64 import b64decode
from record_checks import Check, Poison, build_check

from blueprints_shared.streams import KinesisRecord, MalformedAggregate, shard_id, user_records

__all__ = ["BatchLines", "PoisonLine", "StoredLine"]

Transform = Callable[[KinesisRecord], KinesisRecord | None]

_ONE_LINE = bytes.maketrans(b"\n\r", b"  ")
_check_form = build_check()


class StoredLine(msgspec.Struct, gc=False):
    """A line of the data object. The first three name the record for ever; readers drop repeats by them."""

    shard_id: str
    sequence_number: str
    sub_sequence_number: int
    partition_key: str
    arrived_at: float
    record: msgspec.Raw


class PoisonLine(msgspec.Struct, gc=False):
    """A line of the errors object; the record's bytes are written in base64."""

    shard_id: str
    sequence_number: str
    sub_sequence_number: int
    partition_key: str
    arrived_at: float
    code: str
    reason: str
    data: bytes


class BatchLines:
    """Takes a batch's records one by one; `poison` counts what was set aside, by code."""

    def __init__(self, check: Check, transform: Transform) -> None:
        self._check = check
        self._transform = transform
        self.data = GzippedLines()
        self.errors = GzippedLines()
        self.left_out = 0
        self.poison: Counter[str] = Counter()

    def add(self, record: Mapping[str, Any]) -> None:
        """Take one record of the event with all that is aggregated in it; or, if this raises, nothing of it."""
        try:
            lines = [self._line(each) for each in user_records(record, b64decode)]
        except MalformedAggregate as error:
            lines = [_poison_line(_undivided(record), Poison("malformed-aggregate", str(error)))]
        for line in lines:
            if isinstance(line, StoredLine):
                self.data.append(line)
            elif line is None:
                self.left_out += 1
            else:
                self.errors.append(line)
                self.poison[line.code] += 1

    def _line(self, record: KinesisRecord) -> StoredLine | PoisonLine | None:
        try:
            self._check(record.data)
            kept = self._transform(record)
        except Poison as poison:
            return _poison_line(record, poison)
        if kept is None:
            return None
        data = kept.data
        if data is not record.data:
            _check_transformed(data)
        if b"\n" in data or b"\r" in data:
            # In valid JSON these stand between tokens only, and readers of lines end a line at either.
            data = data.translate(_ONE_LINE)
        _, key, shard, number, sub_number, arrived_at = record
        return StoredLine(shard, number, sub_number, key, arrived_at, msgspec.Raw(data))


def _poison_line(record: KinesisRecord, poison: Poison) -> PoisonLine:
    data, key, shard, number, sub_number, arrived_at = record
    return PoisonLine(shard, number, sub_number, key, arrived_at, poison.code, str(poison), data)


def _check_transformed(data: bytes) -> None:
    try:
        _check_form(data)
    except Poison as poison:
        raise ValueError(f"transform returned data that is not one JSON object: {poison}") from None


def _undivided(record: Mapping[str, Any]) -> KinesisRecord:
    kinesis = record["kinesis"]
    return KinesisRecord(
        data=b64decode(kinesis["data"]),
        partition_key=kinesis["partitionKey"],
        shard_id=shard_id(record),
        sequence_number=kinesis["sequenceNumber"],
        sub_sequence_number=0,
        arrived_at=kinesis["approximateArrivalTimestamp"],
    )
