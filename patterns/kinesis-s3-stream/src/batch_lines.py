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
from stream_record import PoisonLine, StreamRecord

from blueprints_shared.streams import MalformedAggregate, shard_id, user_records

__all__ = ["BatchLines", "Transform"]

Transform = Callable[[StreamRecord], StreamRecord | None]

_ONE_LINE = bytes.maketrans(b"\n\r", b"  ")
_check_form = build_check()


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
            lines = [self._line(each) for each in user_records(record, b64decode, StreamRecord)]
        except MalformedAggregate as error:
            lines = [_malformed(record, error)]
        for line in lines:
            if line is None:
                self.left_out += 1
            elif isinstance(line, StreamRecord):
                self.data.append(line)
            else:
                self.errors.append(line)
                self.poison[line.code] += 1

    def _line(self, record: StreamRecord) -> StreamRecord | PoisonLine | None:
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
        if b"\n" in data or b"\r" in data:
            # In valid JSON these stand between tokens only, and readers of lines end a line at either.
            data = data.translate(_ONE_LINE)
        kept.data = msgspec.Raw(data)  # written as it is; bytes would become base64
        return kept


def _transformed(data: bytes) -> bytes:
    try:
        _check_form(data)
    except Poison as poison:
        raise ValueError(f"transform returned data that is not one JSON object: {poison}") from None
    return data


def _malformed(record: Mapping[str, Any], error: MalformedAggregate) -> PoisonLine:
    """An aggregated record that cannot be taken apart is set aside whole."""
    kinesis = record["kinesis"]
    place = shard_id(record), kinesis["sequenceNumber"], 0, kinesis["partitionKey"]
    data = b64decode(kinesis["data"])
    whole = StreamRecord(*place, kinesis["approximateArrivalTimestamp"], data)
    return PoisonLine.of(whole, data, Poison("malformed-aggregate", str(error)))
