"""A record of the stream, and the lines of the two objects of a batch."""

import msgspec


class InvalidRecord(Exception):
    """The record is at fault, so a retry does not help. `code` is for programs, the message for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class _Position(msgspec.Struct, gc=False):
    """The fields that both kinds of lines begin with; the first three identify the record.

    `partition_key` is None if the record was put without one; `arrived_at` is in seconds since 1970, None if Kinesis
    does not give it.
    """

    shard_id: str
    sequence_number: str
    sub_sequence_number: int
    partition_key: str | None
    arrived_at: float | None


class StreamRecord(_Position, gc=False):
    """A record, and its line in a data object, where `data` is written as `record`."""

    data: bytes = msgspec.field(name="record")


class ErrorLine(_Position, gc=False):
    """A line of an errors object; msgspec writes `data`, the record's bytes as they came, in base64."""

    code: str
    reason: str
    data: bytes

    @classmethod
    def of(cls, record: StreamRecord, data: bytes, code: str, reason: str) -> "ErrorLine":
        """Return the line of a record that came as `data`."""
        position = record.shard_id, record.sequence_number, record.sub_sequence_number
        return cls(*position, record.partition_key, record.arrived_at, code, reason, data)
