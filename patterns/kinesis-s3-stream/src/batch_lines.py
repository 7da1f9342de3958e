"""What a batch becomes: a file of lines that are stored, and one of lines that are set aside.

A stored record's bytes are put into its line as they came. Decoding and encoding them would take several times as long
as all the rest, and might change a number.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec
from gzipped_lines import GzippedLines
from pybase64 import b64decode
from record_checks import Check, Poison, build_check
from stream_record import PoisonLine, StreamRecord
from unusual_record import read_unusual, readable_key

from blueprints_shared.streams.kpl import MAGIC, MalformedAggregate, deaggregate

__all__ = ["BatchLines", "Transform"]

Transform = Callable[[StreamRecord], StreamRecord | None]
_Line = StreamRecord | PoisonLine | None

_ONE_LINE = bytes.maketrans(b"\n\r", b"  ")
_check_form = build_check()


class BatchLines:
    """Takes the records of a batch, which are all of one shard; `poison` counts what was set aside, by code.

    What is done here is done thousands of times a batch, so a record by itself takes the shortest way through `add`.
    """

    def __init__(self, shard: str, check: Check, transform: Transform) -> None:
        self._shard = shard
        self._check = check
        self._transform = transform
        self.data = GzippedLines()
        self.errors = GzippedLines()
        self.left_out = 0
        self.poison: Counter[str] = Counter()

    def add(self, record: Mapping[str, Any]) -> None:
        """Take one record of the event with all that is aggregated in it; or, if this raises, nothing of it."""
        kinesis = record["kinesis"]
        try:
            key = kinesis["partitionKey"]
            whole = StreamRecord(
                self._shard,
                kinesis["sequenceNumber"],
                0,
                key if key.isascii() else readable_key(key),
                kinesis["approximateArrivalTimestamp"],
                b64decode(kinesis["data"], None, True),  # by position, and strict: twice as fast as by default
            )
        except (AttributeError, KeyError, TypeError, ValueError):
            unusual = read_unusual(self._shard, kinesis)
            if isinstance(unusual, PoisonLine):
                self._append(unusual)
                return
            whole = unusual
        if whole.data.startswith(MAGIC):
            for line in self._aggregated(whole):
                self._append(line)
        else:
            self._append(self._line(whole))

    def _aggregated(self, whole: StreamRecord) -> Iterable[_Line]:
        """The lines of all that is in a record; one that can't be taken apart is set aside whole."""
        try:
            inside = deaggregate(whole.data)
        except MalformedAggregate as error:
            return [PoisonLine.of(whole, whole.data, Poison("malformed-aggregate", str(error)))]
        if inside is None:
            return [self._line(whole)]
        shard, number, arrived_at = whole.shard_id, whole.sequence_number, whole.arrived_at
        return [
            self._line(StreamRecord(shard, number, sub_number, each.partition_key, arrived_at, each.data))
            for sub_number, each in enumerate(inside)
        ]

    def _line(self, record: StreamRecord) -> _Line:
        data = record.data
        try:
            self._check(data)
            kept = self._transform(record)
        except Poison as poison:
            return PoisonLine.of(record, data, poison)
        if kept is None:
            return None
        if kept.data is not data:
            data = _transformed(kept.data)
        if 10 in data or 13 in data:
            # In valid JSON, \n and \r stand between tokens only, and readers of lines end a line at either.
            data = data.translate(_ONE_LINE)
        kept.data = msgspec.Raw(data)  # written as it is; bytes would become base64
        return kept

    def _append(self, line: _Line) -> None:
        if isinstance(line, StreamRecord):
            self.data.append(line)
        elif line is None:
            self.left_out += 1
        else:
            self.errors.append(line)
            self.poison[line.code] += 1


def _transformed(data: bytes) -> bytes:
    try:
        _check_form(data)
    except Poison as poison:
        raise ValueError(f"transform returned data that is not one JSON object: {poison}") from None
    return data
