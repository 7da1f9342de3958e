"""Invokes the function of a mapping with a batch, and hands what it could not process to the on-failure destination."""

import json
import logging
import time
import uuid

from botocore.exceptions import BotoCoreError, ClientError

from blueprints.local.asynchronous import FunctionAsInvoked
from blueprints.local.event_source_mappings.answers import NotInvoked, Outcome, outcome_of
from blueprints.local.event_source_mappings.failure_records import failure_record, object_key, with_payload
from blueprints.local.event_source_mappings.mapping import Mapping
from blueprints.local.event_source_mappings.records import Answer, Batch
from blueprints.local.executor import request_id_of_call
from blueprints.local.messages import send

log = logging.getLogger(__name__)


def invoke(mapping: Mapping, batch: Batch) -> tuple[Outcome, Answer | None]:
    """Call the function once: what became of the batch, and what the call was."""
    function = FunctionAsInvoked.named(mapping.function_arn)
    if function is None:
        return NotInvoked(), None
    request_id = str(uuid.uuid4())
    request_id_of_call.set(request_id)
    result = function.execute(batch.event())
    answer = Answer(
        request_id=request_id,
        version=str(function.record["config"].get("Version", "$LATEST")),
        error=str(result.get("function_error") or "Unhandled") if result.get("error") else None,
        throttled=bool(result.get("throttle")),
    )
    identifiers = [record.identifier for record in batch.records]
    return outcome_of(result, identifiers, partial_responses=mapping.policy.partial_responses), answer


def discard(mapping: Mapping, endpoint: str, shard_id: str, batch: Batch, condition: str) -> None:
    """Send the batch's record to the on-failure destination with the role's own permission; say what was discarded."""
    first, last = batch.records[0].identifier, batch.records[-1].identifier
    what = f"{len(batch.records)} records of {mapping.source.arn}, {shard_id}, {first} to {last} ({condition})"
    destination = ((mapping.stored.get("DestinationConfig") or {}).get("OnFailure") or {}).get("Destination")
    if not destination:
        log.warning("%s discarded %s: it has no on-failure destination", mapping.function_arn, what)
        return
    try:
        _deliver(mapping, endpoint, destination, shard_id, batch, condition)
    except (BotoCoreError, ClientError, ValueError) as error:
        log.error("destination %s of %s did not take %s: %s", destination, mapping.function_arn, what, error)  # noqa: TRY400


def _deliver(mapping: Mapping, endpoint: str, destination: str, shard_id: str, batch: Batch, condition: str) -> None:
    function = FunctionAsInvoked.named(mapping.function_arn)
    if function is None:
        raise ValueError("the function is gone")
    now = time.time()
    record = failure_record(
        batch,
        condition=condition,
        function_arn=mapping.function_arn,
        batch_info=mapping.source.batch_info,
        shard_id=shard_id,
        stream_arn=mapping.source.arn,
        now=now,
    )
    if destination.split(":")[2] == "s3":
        body = json.dumps(with_payload(record, batch)).encode()
        key = object_key(mapping.stored["UUID"], shard_id, now)
        client = function.session().client("s3", endpoint_url=endpoint)
        client.put_object(Bucket=destination.split(":::", 1)[1], Key=key, Body=body, ContentType="application/json")
    else:
        send(function.session(), endpoint, destination, json.dumps(record), {})
