"""CodeDeploy's hooks: send a probe through a new version before it gets traffic, and through the alias after that.

A probe is a batch of two records: the one in sample_record.py, and one that is not text. Its objects are written below
`_probe/`, checked, and deleted.
"""

import base64
import gzip
import json
import os
from typing import Any

from lake import PROBES, batch_keys
from sample_record import SAMPLE

from blueprints_shared import deployment_hooks
from blueprints_shared.clients import client
from blueprints_shared.deployment_hooks import CheckFailed
from blueprints_shared.observability import Logger

_NOT_TEXT = b"\xffno text"
# The sample is valid JSON, so a working version does not refuse it for these reasons, whatever schema and transform do.
_UNREADABLE = {"empty", "not-utf-8", "not-json", "too-deep"}

logger = Logger()


@logger.inject_lambda_context
def before_traffic(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Send a probe through the new version."""

    def check(_: deployment_hooks.TimeLeft) -> None:
        _probe(_functions(), f"before-{context.aws_request_id}")

    return deployment_hooks.answer(event, context, check, logger)


@logger.inject_lambda_context
def after_traffic(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Check that the stream feeds the alias, and send a probe through it."""

    def check(_: deployment_hooks.TimeLeft) -> None:
        functions = _functions()
        deployment_hooks.check_event_source_mappings(functions, os.environ["FUNCTION_ARN"])
        _probe(functions, f"after-{context.aws_request_id}")

    return deployment_hooks.answer(event, context, check, logger)


def _functions() -> Any:
    return client("lambda", read_timeout=70, attempts=1)


def _probe(functions: Any, name: str) -> None:
    """Have FUNCTION_ARN store a batch; raise CheckFailed if the result is wrong."""
    s3, bucket = client("s3"), os.environ["LAKE_BUCKET"]
    records = [_record(1, SAMPLE), _record(2, _NOT_TEXT)]
    keys = batch_keys(records[0], f"{PROBES}/{name}/")
    try:
        response = deployment_hooks.invoke(functions, os.environ["FUNCTION_ARN"], {"probe": name, "Records": records})
        stored, refused = _lines(s3, bucket, keys.data), _lines(s3, bucket, keys.errors)
    finally:
        for key in (keys.data, keys.errors):
            s3.delete_object(Bucket=bucket, Key=key)
    if response.get("batchItemFailures") != []:
        raise CheckFailed(f"it returned {json.dumps(response)[:200]}")
    _check_lines(stored, refused, response.get("left_out", 0))


def _record(number: int, data: bytes) -> dict[str, Any]:
    return {
        "kinesis": {
            "partitionKey": "probe",
            "sequenceNumber": str(number),
            "data": base64.b64encode(data).decode(),
            "approximateArrivalTimestamp": 0.0,
        },
        "eventSource": "aws:kinesis",
        "eventID": f"shardId-000000000000:{number}",
    }


def _lines(s3: Any, bucket: str, key: str) -> list[dict[str, Any]]:
    """The lines of an object; none if there is no object."""
    try:
        content = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    except s3.exceptions.NoSuchKey:
        return []
    return [json.loads(line) for line in gzip.decompress(content).splitlines()]


def _check_lines(stored: list[dict[str, Any]], refused: list[dict[str, Any]], left_out: int) -> None:
    """The sample may be stored, refused or left out, as schema and transform decide; the other record is refused."""
    found = {line["sequence_number"]: line for line in refused}
    if base64.b64decode(found.get("2", {}).get("data", "")) != _NOT_TEXT:
        raise CheckFailed("a record that is not text was not put into errors/")
    sample = found.get("1", {})
    if sample.get("code") in _UNREADABLE:
        raise CheckFailed(f"the sample record was refused as {sample['code']}: {sample.get('reason')}")
    if [line["sequence_number"] for line in stored] != ([] if sample or left_out else ["1"]):
        raise CheckFailed("the sample record was neither stored, nor refused, nor left out")
