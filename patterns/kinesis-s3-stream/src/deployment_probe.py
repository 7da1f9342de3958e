"""Used by both deployment hooks: sends a probe through the function, checks what it stored, and deletes that.

A probe is a batch of two records, that of sample_record.py and a poison one. Its objects are stored under `_probe/`.
"""

import base64
import gzip
import json
from typing import Any

from lake import batch_keys
from sample_record import SAMPLE

from blueprints_shared.deployment_hooks import CheckFailed

__all__ = ["probe"]

_POISON = b"\xffno text"
# The sample is valid JSON, so it cannot be set aside for these, whatever schema and transform require.
_UNREADABLE = {"empty", "not-utf-8", "not-json", "too-deep"}


def probe(lambda_client: Any, s3: Any, function: str, bucket: str, prefix: str, name: str) -> None:
    """Have `function` (an ARN of a version or an alias) settle a batch; raises CheckFailed when it does it wrong."""
    event = {"probe": name, "Records": [_record(1, SAMPLE), _record(2, _POISON)]}
    keys = batch_keys(event["Records"][0], prefix, f"_probe/{name}/")
    try:
        left_out = _invoke(lambda_client, function, event)
        stored, set_aside = _lines(s3, bucket, keys.data), _lines(s3, bucket, keys.errors)
    finally:
        for key in (keys.data, keys.errors):
            s3.delete_object(Bucket=bucket, Key=key)
    _look_at(stored, set_aside, left_out)


def _record(number: int, data: bytes) -> dict[str, Any]:
    return {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": "probe",
            "sequenceNumber": str(number),
            "data": base64.b64encode(data).decode(),
            "approximateArrivalTimestamp": 0.0,
        },
        "eventSource": "aws:kinesis",
        "eventID": f"shardId-000000000000:{number}",
    }


def _invoke(lambda_client: Any, function: str, event: dict[str, Any]) -> int:
    """How many records the function left out."""
    answer = lambda_client.invoke(FunctionName=function, Payload=json.dumps(event).encode())
    said = json.loads(answer["Payload"].read())
    if answer.get("FunctionError"):
        raise CheckFailed(f"it raised {said.get('errorType')}: {said.get('errorMessage')}")
    if not isinstance(said, dict) or said.get("batchItemFailures") != []:
        raise CheckFailed(f"it answered {json.dumps(said)[:200]}")
    return int(said.get("left_out", 0))


def _lines(s3: Any, bucket: str, key: str) -> list[dict[str, Any]]:
    try:
        content = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    except s3.exceptions.NoSuchKey:
        return []
    return [json.loads(line) for line in gzip.decompress(content).splitlines()]


def _look_at(stored: list[dict[str, Any]], set_aside: list[dict[str, Any]], left_out: int) -> None:
    """Check that the poison was set aside unchanged, and the sample stored, set aside or left out."""
    found = {line["sequence_number"]: line for line in set_aside}
    if base64.b64decode(found.get("2", {}).get("data", "")) != _POISON:
        raise CheckFailed("a record that is not text was not set aside")
    sample = found.get("1", {})
    if sample.get("code") in _UNREADABLE:
        raise CheckFailed(f"the sample record was set aside as {sample['code']}: {sample.get('reason')}")
    if [line["sequence_number"] for line in stored] != (["1"] if not sample and not left_out else []):
        raise CheckFailed("the sample record was neither stored, nor set aside, nor left out")
