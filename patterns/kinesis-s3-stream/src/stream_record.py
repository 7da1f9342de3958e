"""A record of the stream, and the two kinds of lines that it may become."""

import msgspec
from record_checks import Poison

__all__ = ["PoisonLine", "StreamRecord"]


class StreamRecord(msgspec.Struct, gc=False):
    """A record, and its line in a data object, where `data` is written as `record`.

    The first three fields name the record for ever; readers drop repeats by them. `partition_key` is None for a record
    that was put without one. `arrived_at`: seconds since 1970, None when Kinesis does not say.
    """

    shard_id: str
    sequence_number: str
    sub_sequence_number: int
    partition_key: str | None
    arrived_at: float | None
    data: bytes = msgspec.field(name="record")


class PoisonLine(msgspec.Struct, gc=False):
    """A line of an errors object; `data`, the record's bytes as they came, is written in base64."""

    shard_id: str
    sequence_number: str
    sub_sequence_number: int
    partition_key: str | None
    arrived_at: float | None
    code: str
    reason: str
    data: bytes

    @classmethod
    def of(cls, record: StreamRecord, data: bytes, poison: Poison) -> "PoisonLine":
        """The line of a record that came as `data`."""
        return cls(
            record.shard_id,
            record.sequence_number,
            record.sub_sequence_number,
            record.partition_key,
            record.arrived_at,
            poison.code,
            str(poison),
            data,
        )
