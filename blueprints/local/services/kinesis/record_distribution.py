"""Kinesis streams with service-managed record distribution, which accept records without a partition key.

The base emulator has neither the setting nor the operation that changes it, and its PutRecords takes a record without a
key into any stream. A record without one is kept with an empty key, which no producer can give.
Source: Amazon Kinesis Data Streams Developer Guide, service-managed record distribution.
"""

import json
import random
from collections.abc import Awaitable, Callable
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.base.resource_types import REGISTRY, ResourceFailed

STREAMS = Internal("services.kinesis", "_streams")
RESOLVE = Internal("services.kinesis", "_resolve_stream", ("data",))
HANDLE = Internal("services.kinesis", "handle_request", ("method", "path", "headers", "body", "query_params"))
CREATE = Internal("services.kinesis", "_create_stream", ("data",))
SUMMARY = Internal("services.kinesis", "_describe_stream_summary", ("data",))
PUT = Internal("services.kinesis", "_put_record", ("data",))
PUT_SEVERAL = Internal("services.kinesis", "_put_records", ("data",))
GET = Internal("services.kinesis", "_get_records", ("data",))
ERROR = Internal("core.responses", "error_response_json")

_SETTING = "RecordDistributionStrategy"
_BY_KEY, _BY_SERVICE = "USER_PARTITION_KEY", "AUTO"
_UPDATE = "Kinesis_20131202.UpdateStreamRecordDistributionStrategy"
_HASH_KEYS = 2**128

_Data = dict[str, Any]
_Answer = tuple[int, dict[str, str], bytes]
_Operation = Callable[[_Data], _Answer]
_Handle = Callable[[str, str, Any, bytes, Any], Awaitable[Any]]


def install() -> None:
    """Add the setting to streams, created by a template or by the API, and distribute records by it."""
    HANDLE.replace(_handling(HANDLE.current()))
    CREATE.replace(_creating(CREATE.current()))
    SUMMARY.replace(_summing_up(SUMMARY.current()))
    put_several = _putting_several(PUT_SEVERAL.current())
    PUT.replace(_putting(PUT.current(), put_several))
    PUT_SEVERAL.replace(put_several)
    GET.replace(_getting(GET.current()))
    handlers = REGISTRY.current()["AWS::Kinesis::Stream"]
    create, update = handlers["create"], handlers["update"]
    handlers["create"] = lambda logical_id, props, stack: _by_template(props, lambda: create(logical_id, props, stack))
    handlers["update"] = lambda physical_id, old, new, stack: _by_template(
        new, lambda: update(physical_id, old, new, stack)
    )


def _by_template(props: _Data, provision: Callable[[], tuple[str, _Data]]) -> tuple[str, _Data]:
    problem = _problem(props, props.get(_SETTING))
    if problem:
        raise ResourceFailed(problem)
    name, attributes = provision()
    STREAMS.current()[name][_SETTING] = props.get(_SETTING) or _BY_KEY
    return name, attributes


def _problem(stream: _Data, strategy: str | None) -> str | None:
    """Why a stream, or the request that creates it, cannot have this setting; None if it can."""
    if strategy not in (None, _BY_KEY, _BY_SERVICE):
        return f"{_SETTING} {strategy!r} is not one of {_BY_KEY}, {_BY_SERVICE}"
    mode = (stream.get("StreamModeDetails") or {}).get("StreamMode")
    if strategy == _BY_SERVICE and mode != "ON_DEMAND":
        return f"{_SETTING} {_BY_SERVICE} needs a stream in on-demand mode"
    return None


def _handling(handle: _Handle) -> _Handle:
    async def handling(method: str, path: str, headers: Any, body: bytes, query_params: Any) -> Any:
        if headers.get("x-amz-target") == _UPDATE:
            return _update(json.loads(body))
        return await handle(method, path, headers, body, query_params)

    return handling


def _update(data: _Data) -> _Answer:
    name, stream = RESOLVE.current()(data)
    if stream is None:
        return _error("ResourceNotFoundException", f"Stream {name} not found")
    problem = _problem(stream, data.get(_SETTING))
    if problem:
        return _error("InvalidArgumentException", problem)
    stream[_SETTING] = data.get(_SETTING) or _BY_KEY
    return _answer({})


def _creating(create: _Operation) -> _Operation:
    def creating(data: _Data) -> _Answer:
        problem = _problem(data, data.get(_SETTING))
        if problem:
            return _error("InvalidArgumentException", problem)
        answer = create(data)
        if answer[0] == 200:
            STREAMS.current()[data["StreamName"]][_SETTING] = data.get(_SETTING) or _BY_KEY
        return answer

    return creating


def _summing_up(summary: _Operation) -> _Operation:
    def summing_up(data: _Data) -> _Answer:
        status, headers, body = summary(data)
        if status != 200:
            return status, headers, body
        content = json.loads(body)
        content["StreamDescriptionSummary"][_SETTING] = _strategy(data)
        return status, headers, json.dumps(content).encode()

    return summing_up


def _putting_several(put: _Operation) -> _Operation:
    def putting_several(data: _Data) -> _Answer:
        records, by_service = data.get("Records") or [], _strategy(data) == _BY_SERVICE
        for number, record in enumerate(records, 1):
            key = record.get("PartitionKey")
            if key == "" or (key is None and not by_service):
                return _error("ValidationException", f"records.{number}: PartitionKey has 1 to 256 characters")
        return put({**data, "Records": list(map(_distributed, records))} if by_service else data)

    return putting_several


def _putting(put: _Operation, put_several: _Operation) -> _Operation:
    def putting(data: _Data) -> _Answer:
        if _strategy(data) != _BY_SERVICE:
            return put(data)
        if "SequenceNumberForOrdering" in data:
            return _error("InvalidArgumentException", f"SequenceNumberForOrdering is not for streams of {_BY_SERVICE}")
        status, headers, body = put_several({**data, "Records": [data]})
        if status != 200:
            return status, headers, body
        return _answer(json.loads(body)["Records"][0])

    return putting


def _distributed(record: _Data) -> _Data:
    return {
        **record,
        "PartitionKey": record.get("PartitionKey") or "",
        "ExplicitHashKey": str(random.randrange(_HASH_KEYS)),  # noqa: S311
    }


def _getting(get: _Operation) -> _Operation:
    def getting(data: _Data) -> _Answer:
        status, headers, body = get(data)
        if b'"PartitionKey": ""' not in body:
            return status, headers, body
        content = json.loads(body)
        for record in content["Records"]:
            if not record["PartitionKey"]:
                del record["PartitionKey"]
        return status, headers, json.dumps(content).encode()

    return getting


def _strategy(data: _Data) -> str:
    _, stream = RESOLVE.current()(data)
    return str((stream or {}).get(_SETTING, _BY_KEY))


def _answer(content: _Data) -> _Answer:
    return 200, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(content).encode()


def _error(code: str, message: str) -> _Answer:
    answer: _Answer = ERROR.current()(code, message, 400)
    return answer
