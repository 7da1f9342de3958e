"""Records the metrics of AWS/Kinesis, by stream, and by consumer with enhanced fan-out.

Source: Amazon Kinesis Data Streams Developer Guide, "Monitor the Kinesis Data Streams service with Amazon CloudWatch".
"""

import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.base.metrics import Value, record, scope_of

RESOLVE = Internal("services.kinesis", "_resolve_stream", ("data",))
ITERATORS = Internal("services.kinesis", "_shard_iterators")
PUT = Internal("services.kinesis", "_put_record", ("data",))
PUT_SEVERAL = Internal("services.kinesis", "_put_records", ("data",))
PUT_FOR_SERVICE = Internal("services.kinesis", "put_record_internal", ("stream_arn", "partition_key", "data"))
GET = Internal("services.kinesis", "_get_records", ("data",))

_NAMESPACE = "AWS/Kinesis"
_THROTTLED = "ProvisionedThroughputExceededException"
_NONE_FAILED = b'"FailedRecordCount": 0'

_Data = dict[str, Any]
_Answer = tuple[int, dict[str, str], bytes]
_Operation = Callable[[_Data], _Answer]


@dataclass
class _Time:
    scale: float = 1.0
    """How much faster than real time it passes."""


_time = _Time()


def install(scale: float) -> None:
    """Record what is put into streams and read from them. Ages are recorded in scaled time; `scale` is the clock's."""
    _time.scale = scale
    PUT.replace(_recording(PUT.current(), of_put))
    PUT_SEVERAL.replace(_recording(PUT_SEVERAL.current(), of_put_several))
    PUT_FOR_SERVICE.replace(_recording_service(PUT_FOR_SERVICE.current()))
    GET.replace(_recording_reads(GET.current()))


def of_put(data: _Data, answer: _Answer, milliseconds: float) -> list[Value]:
    """The values of a PutRecord request."""
    status, _, body = answer
    succeeded = status == HTTPStatus.OK
    size = _size(data.get("Data"))
    return [
        ("PutRecord.Success", float(succeeded), "Count"),
        ("PutRecord.Latency", milliseconds, "Milliseconds"),
        ("PutRecord.Bytes", size, "Bytes"),
        ("WriteProvisionedThroughputExceeded", float(_THROTTLED.encode() in body), "Count"),
        *(_incoming(1, size) if succeeded else ()),
    ]


def of_put_several(data: _Data, answer: _Answer, milliseconds: float) -> list[Value]:
    """The values of a PutRecords request, of whose records some may be refused."""
    status, _, body = answer
    records: list[_Data] = data.get("Records") or []
    if status != HTTPStatus.OK:
        outcomes = [_THROTTLED if _THROTTLED.encode() in body else "failed"] * len(records)
    elif _NONE_FAILED in body:
        outcomes = [""] * len(records)
    else:
        outcomes = [str(each.get("ErrorCode") or "") for each in json.loads(body)["Records"]]
    sizes = [_size(each.get("Data")) for each in records]
    taken = [size for size, outcome in zip(sizes, outcomes, strict=True) if not outcome]
    throttled = outcomes.count(_THROTTLED)
    return [
        ("PutRecords.Success", float(bool(taken)), "Count"),
        ("PutRecords.Latency", milliseconds, "Milliseconds"),
        ("PutRecords.Bytes", sum(sizes), "Bytes"),
        ("PutRecords.TotalRecords", len(records), "Count"),
        ("PutRecords.SuccessfulRecords", len(taken), "Count"),
        ("PutRecords.FailedRecords", len(records) - len(taken) - throttled, "Count"),
        ("PutRecords.ThrottledRecords", throttled, "Count"),
        ("WriteProvisionedThroughputExceeded", throttled, "Count"),
        *(_incoming(len(taken), sum(taken)) if taken else ()),
    ]


def record_read(stream_arn: str, consumer: str, records: Sequence[_Data], milliseconds: float) -> None:
    """Record that records were read: by a consumer with enhanced fan-out, given by name, or else by GetRecords."""
    name = stream_arn.rpartition("/")[2]
    waited = time.time() - float(records[-1]["ApproximateArrivalTimestamp"]) if records else 0.0
    age = max(0.0, waited) * _time.scale * 1000
    count, size = len(records), sum(_size(each["Data"]) for each in records)
    if consumer:
        dimensions = {"StreamName": name, "ConsumerName": consumer}
        values: list[Value] = [
            ("SubscribeToShardEvent.Success", 1.0, "Count"),
            ("SubscribeToShardEvent.Records", count, "Count"),
            ("SubscribeToShardEvent.Bytes", size, "Bytes"),
            ("SubscribeToShardEvent.MillisBehindLatest", age, "Milliseconds"),
        ]
    else:
        dimensions = {"StreamName": name}
        values = [
            ("GetRecords.Success", 1.0, "Count"),
            ("GetRecords.Latency", milliseconds, "Milliseconds"),
            ("GetRecords.Records", count, "Count"),
            ("GetRecords.Bytes", size, "Bytes"),
            ("GetRecords.IteratorAgeMilliseconds", age, "Milliseconds"),
            ("ReadProvisionedThroughputExceeded", 0.0, "Count"),
        ]
    record(_NAMESPACE, [dimensions], values, scope_of(stream_arn))


def _recording(operation: _Operation, values: Callable[[_Data, _Answer, float], Iterable[Value]]) -> _Operation:
    def recorded(data: _Data) -> _Answer:
        begun = time.monotonic()
        answer = operation(data)
        name, stream = RESOLVE.current()(data)
        if stream is not None:
            took = (time.monotonic() - begun) * 1000
            record(_NAMESPACE, [{"StreamName": name}], values(data, answer, took))
        return answer

    return recorded


def _recording_service(put: Callable[[str, str, bytes], bool]) -> Callable[[str, str, bytes], bool]:
    def recorded(stream_arn: str, partition_key: str, data: bytes) -> bool:
        taken = put(stream_arn, partition_key, data)
        if taken:
            dimensions = {"StreamName": stream_arn.rpartition("/")[2]}
            record(_NAMESPACE, [dimensions], _incoming(1, len(data)), scope_of(stream_arn))
        return taken

    return recorded


def _recording_reads(get: _Operation) -> _Operation:
    def recorded(data: _Data) -> _Answer:
        iterator = ITERATORS.current().get(data.get("ShardIterator"))
        begun = time.monotonic()
        answer = get(data)
        status, _, body = answer
        if iterator and iterator.get("stream_arn"):
            took = (time.monotonic() - begun) * 1000
            if status == HTTPStatus.OK:
                record_read(iterator["stream_arn"], "", json.loads(body)["Records"], took)
            else:
                _record_failed_read(iterator["stream_arn"], body)
        return answer

    return recorded


def _record_failed_read(stream_arn: str, body: bytes) -> None:
    values = [
        ("GetRecords.Success", 0.0, "Count"),
        ("ReadProvisionedThroughputExceeded", float(_THROTTLED.encode() in body), "Count"),
    ]
    record(_NAMESPACE, [{"StreamName": stream_arn.rpartition("/")[2]}], values, scope_of(stream_arn))


def _incoming(count: int, size: int) -> tuple[Value, Value]:
    return ("IncomingRecords", count, "Count"), ("IncomingBytes", size, "Bytes")


def _size(data: str | bytes | None) -> int:
    """The bytes of a record's data, which is base64 text here, or bytes."""
    if not isinstance(data, str):
        return len(data or b"")
    return len(data) * 3 // 4 - data[-2:].count("=")
