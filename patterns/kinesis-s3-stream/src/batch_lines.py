"""Turns a batch into two files of lines: records to store, and records with errors.

A stored record's bytes are copied into its line. Decoding and encoding them would take several times as long as the
rest of the work, and could change a number.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec
from gzipped_lines import GzippedLines
from read_record import read_record
from stream_record import ErrorLine, InvalidRecord, StreamRecord

from blueprints_shared.json_objects import Check, InvalidJson, build_check
from blueprints_shared.streams.kpl import MAGIC, MalformedAggregate, deaggregate

Transform = Callable[[StreamRecord], StreamRecord | None]
_Line = StreamRecord | ErrorLine | None

_ONE_LINE = bytes.maketrans(b"\n\r", b"  ")
_check_json = build_check()


class BatchLines:
    """The lines of one batch, whose records are all of one shard; `poison` counts error lines by code.

    `check` raises InvalidJson for data that cannot be stored. `add` runs thousands of times a batch, so its code is
    written for speed.
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
        """Add a record of the event with all user records in it. If this raises, none of them has been added."""
        whole = read_record(self._shard, record["kinesis"])
        if isinstance(whole, ErrorLine):
            self._append(whole)
        elif whole.data.startswith(MAGIC):
            for line in self._user_record_lines(whole):
                self._append(line)
        else:
            self._append(self._line(whole))

    def _user_record_lines(self, whole: StreamRecord) -> Iterable[_Line]:
        """The lines of a record that the Kinesis Producer Library may have aggregated of several."""
        try:
            inside = deaggregate(whole.data)
        except MalformedAggregate as error:
            return [ErrorLine.of(whole, whole.data, "malformed-aggregate", str(error))]
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
        except (InvalidJson, InvalidRecord) as error:
            return ErrorLine.of(record, data, error.code, str(error))
        if kept is None:
            return None
        if kept.data is not data:
            data = _transformed(kept.data)
        if 10 in data or 13 in data:
            # In valid JSON, \n and \r stand only between tokens; readers of lines end a line at either.
            data = data.translate(_ONE_LINE)
        kept.data = msgspec.Raw(data)  # written as it is; msgspec would write bytes in base64
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
        _check_json(data)
    except InvalidJson as error:
        raise ValueError(f"transform returned data that is not one JSON object: {error}") from None
    return data
