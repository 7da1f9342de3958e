"""The one file to change in a copy: what becomes of a record on its way into the lake."""

from stream_record import StreamRecord


def transform(record: StreamRecord) -> StreamRecord | None:
    """Return the record as it is to be stored, or None to leave it out.

    `record.data` is one JSON object, in bytes, that has passed the schema. Unchanged, those very bytes are stored. To
    change it:

        event = msgspec.json.decode(record.data)
        event.pop("email", None)
        record.data = msgspec.json.encode(event)

    Raise Poison (of record_checks) to set this record aside for good. Any other exception is a failure: records before
    this one are stored, the batch is tried again from here, and after the last attempt it is kept for replay.py.

    A record may come here more than once, so the same record has to give the same result.
    """
    return record
