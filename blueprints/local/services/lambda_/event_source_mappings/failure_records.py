"""The record of a discarded batch, as Lambda sends it to an on-failure destination.

Source: AWS Lambda Developer Guide, "Retain discarded batch records for a Kinesis Data Streams event source in Lambda"
and its counterpart for DynamoDB.
"""

import json
import uuid
from datetime import UTC, datetime
from typing import Any

from blueprints.local.base.stream_records import Batch


def failure_record(
    batch: Batch, *, condition: str, function_arn: str, batch_info: str, shard_id: str, stream_arn: str, now: float
) -> dict[str, Any]:
    """The metadata for SQS and SNS. Without a response there is no `responseContext`."""
    first, last = batch.records[0], batch.records[-1]
    context = {
        "requestId": batch.last.request_id if batch.last else str(uuid.uuid4()),
        "functionArn": function_arn,
        "condition": condition,
        "approximateInvokeCount": batch.invocations,
    }
    record: dict[str, Any] = {"requestContext": context}
    if batch.last:
        record["responseContext"] = _response_context(batch)
    record["version"] = "1.0"
    record["timestamp"] = _iso(now)
    record[batch_info] = {
        "shardId": shard_id,
        "startSequenceNumber": first.identifier,
        "endSequenceNumber": last.identifier,
        "approximateArrivalOfFirstRecord": _iso(first.arrived),
        "approximateArrivalOfLastRecord": _iso(last.arrived),
        "batchSize": len(batch.records),
        "streamArn": stream_arn,
    }
    return record


def with_payload(record: dict[str, Any], batch: Batch) -> dict[str, Any]:
    """The record for S3: the metadata, and the event as text."""
    return {**record, "payload": json.dumps(batch.event())}


def object_key(mapping_id: str, shard_id: str, now: float) -> str:
    """The key of the record in a bucket."""
    time = datetime.fromtimestamp(now, UTC)
    return f"aws/lambda/{mapping_id}/{shard_id}/{time:%Y/%m/%d}/{time:%Y-%m-%dT%H.%M.%S}-{uuid.uuid4()}"


def _response_context(batch: Batch) -> dict[str, Any]:
    assert batch.last is not None
    response: dict[str, Any] = {
        "statusCode": 429 if batch.last.throttled else 200,
        "executedVersion": batch.last.version,
    }
    if batch.last.error:
        response["functionError"] = batch.last.error
    return response


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
