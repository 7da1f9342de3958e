"""The file to change in a copy: what is stored of each record."""

from stream_record import StreamRecord


def transform(record: StreamRecord) -> StreamRecord | None:
    """Return the record to store, or None to leave it out.

    `record.data` is one JSON object, as bytes, that is valid for the schema. If you do not change it, those very bytes
    are stored. To change it:

        event = msgspec.json.decode(record.data)
        event.pop("email", None)
        record.data = msgspec.json.encode(event)

    Raise InvalidRecord (of stream_record) to put the record into errors/ for good. Any other exception is a failure:
    the records before this one are stored, and Lambda retries from here. After the last retry, the batch goes to the
    failed batches.

    The same record may come more than once and must give the same result each time.
    """
    return record
